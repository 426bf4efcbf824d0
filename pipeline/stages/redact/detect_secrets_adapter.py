"""detect-secrets' plugins as detectors, with spans of our own.

detect-secrets reports values. For several plugins the value is not the secret but the first capture group:
'ghp' for a GitHub token, nothing at all for most GitLab tokens. Others include the delimiters around it, or
stop before its end. So its regular expressions are run here (`values` yields exactly what `analyze_line`
reports, which a test holds against it) and each plugin has a rule for where the secret lies. No plugin's
`analyze_line` or `verify` is ever called: there is no way from here to the network.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from importlib.metadata import version
from typing import Any, Literal, NamedTuple

from detect_secrets.plugins import keyword
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.high_entropy_strings import HighEntropyStringsPlugin
from detect_secrets.settings import default_settings, get_plugins

from pipeline.errors import ConfigError

from .detector import LineDetector, Match, Necessary
from .placeholders import is_made_up_token

VERSION = version("detect-secrets")


class Value(NamedTuple):
    """What detect-secrets reports, `[start, end)` of the line, and its whole match."""

    start: int
    end: int
    found: re.Match[str]


class Rule(NamedTuple):
    """Where a secret lies: in the first group or the whole match, cut to `inner`, run on over `more`."""

    cls: str
    group: bool = False
    inner: str = ""
    more: str = r"[A-Za-z0-9_]*"


# BasicAuthDetector, IPPublicDetector, KeywordDetector and PrivateKeyDetector are run by the equality tests but find
# nothing here: `url_credentials`, `addresses`, `assignments` and `armour` decide the same places by rules of their own.
_RULES: dict[str, Rule | None] = {
    "ArtifactoryDetector": Rule("ARTIFACTORY_TOKEN", inner=r"AK?[A-Za-z0-9]+"),
    "AWSKeyDetector": Rule("AWS_KEY", group=True),
    "AzureStorageKeyDetector": Rule("AZURE_KEY", inner=r"(?<==)[A-Za-z0-9+/=]{88}"),
    "BasicAuthDetector": None,
    "CloudantDetector": Rule("CLOUDANT_KEY", group=True),
    "DiscordBotTokenDetector": Rule("DISCORD_TOKEN", more=r"[A-Za-z0-9_-]*"),
    "GitHubTokenDetector": Rule("GITHUB_TOKEN"),
    "GitLabTokenDetector": Rule("GITLAB_TOKEN"),
    "IPPublicDetector": None,
    "KeywordDetector": None,
    "IbmCloudIamDetector": Rule("IBM_CLOUD_KEY", group=True),
    "IbmCosHmacDetector": Rule("IBM_COS_KEY", group=True),
    "JwtTokenDetector": Rule("JWT", more=r"[A-Za-z0-9_.+/=-]*"),
    "MailchimpDetector": Rule("MAILCHIMP_KEY"),
    "NpmDetector": Rule("NPM_TOKEN", group=True, inner=r"[^\s\"'`<>=&,;)]+", more=""),
    "OpenAIDetector": Rule("OPENAI_KEY"),
    "PrivateKeyDetector": None,
    "PypiTokenDetector": Rule("PYPI_TOKEN", more=r"[A-Za-z0-9_-]*"),
    "SendGridDetector": Rule("SENDGRID_KEY", more=r"[A-Za-z0-9_-]*"),
    "SlackDetector": Rule("SLACK_TOKEN", more=r"[A-Za-z0-9_-]*"),
    "SoftlayerDetector": Rule("SOFTLAYER_KEY", group=True),
    "SquareOAuthDetector": Rule("SQUARE_TOKEN", more=r"[A-Za-z0-9_-]*"),
    "StripeDetector": Rule("STRIPE_KEY"),
    "TelegramBotTokenDetector": Rule("TELEGRAM_TOKEN", more=r"[A-Za-z0-9_-]*"),
    "TwilioKeyDetector": Rule("TWILIO_KEY"),
}


def load_plugins() -> list[Any]:
    """The default plugins by name. They stay usable after the settings context is left."""
    with default_settings():
        return sorted(get_plugins(), key=lambda plugin: type(plugin).__name__)


def necessary(plugin: Any) -> tuple[Necessary, ...]:
    """Patterns of which at least one matches wherever the plugin finds something.

    A string with more than `limit` bits of entropy needs more than 2**limit distinct characters. The keyword
    plugin needs one of its words, whatever the file type makes of the text around it.
    """
    if isinstance(plugin, RegexBasedDetector):
        return tuple(Necessary(rx.pattern, rx.flags) for rx in plugin.denylist)
    if isinstance(plugin, HighEntropyStringsPlugin):
        shortest = math.ceil(2**plugin.entropy_limit)
        return (Necessary(f"[\"'][{re.escape(plugin.charset)}]{{{shortest},}}[\"']"),)
    if isinstance(plugin, keyword.KeywordDetector):
        return (Necessary(keyword.DENYLIST_REGEX_WITH_PREFIX.replace(r"\w*", ""), re.IGNORECASE),)
    raise ConfigError(
        f"detect-secrets {VERSION} brings the plugin {type(plugin).__name__}, for which no necessary pattern "
        "is known. Install the pinned version, or add a rule."
    )


# What detect-secrets' assignments have between name and value. On a run of n spaces it tries all ways to
# share them among three repetitions; the second form accepts the same texts and tries one.
_SEPARATOR = r"(?: *)(?:=|:|:=|=>| +|::)(?: *)"
_LINEAR_SEPARATOR = r"(?: *+)(?:(?:=>|:=|::|=|:)(?: *+)|(?<= ))"


@lru_cache(maxsize=256)
def _linear(rx: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(rx.pattern.replace(_SEPARATOR, _LINEAR_SEPARATOR), rx.flags)


def values(plugin: Any, text: str) -> Iterator[Value]:
    """What `analyze_line` of a plugin that is used reports, as positions."""
    if isinstance(plugin, RegexBasedDetector):
        accepts: Callable[[str], bool] = getattr(plugin, "is_formally_valid", bool)
        for rx in map(_linear, plugin.denylist):
            for found in rx.finditer(text):
                several = [g for g in range(1, rx.groups + 1) if found.group(g)]
                groups = several if rx.groups > 1 else [rx.groups]
                for group in groups:
                    if accepts is bool or accepts(found.group(group)):
                        yield Value(*found.span(group), found)
    else:
        for found in plugin.regex.finditer(text):
            if entropy(found.group(2), plugin.charset) > plugin.entropy_limit:
                start, end = found.span(2)
                yield Value(start, end, found)


def entropy(text: str, charset: str) -> float:
    """Bits a character, as the plugin computes them: term by term in its order, so that the last bit is the same.

    One pass over the text instead of one for each character of the set.
    """
    counts, bits = Counter(text), 0.0
    for character in charset:
        if character in counts:
            share = counts[character] / len(text)
            bits += -share * math.log(share, 2)  # not sum(): its last bit differs between Python versions
    return bits


def _vendor(plugin: Any, rule: Rule, text: str, _path: str) -> Iterator[Match]:
    more = re.compile(rule.more)
    for value in values(plugin, text):
        found = value.found
        group = 1 if rule.group and found.re.groups else 0
        start, end = found.span(group)
        if rule.inner:
            inner = re.search(rule.inner, text[:end][start - 1 :] if start else text[:end])
            if inner is None:
                continue
            shift = start - 1 if start else 0
            start, end = shift + inner.start(), shift + inner.end()
        run_on = more.match(text, end)
        end = run_on.end() if run_on else end
        if group == 0 and not rule.inner and start and text[start - 1].isalnum():
            continue  # letters of a longer word, or of a sequence of them
        if not is_made_up_token(text[start:end]):
            yield Match(start, end, rule.cls, 0.9, found.start(), end)


def _entropy(plugin: Any, text: str, _path: str) -> Iterator[Match]:
    for value in values(plugin, text):
        yield Match(value.start, value.end, "HIGH_ENTROPY", 0.5, *value.found.span())


def detectors(entropy: Literal["named", "all"]) -> tuple[LineDetector, ...]:
    """One detector a plugin, in the order of their names."""
    made = []
    for plugin in load_plugins():
        name = type(plugin).__name__
        find: Callable[[str, str], Iterator[Match]]
        if isinstance(plugin, HighEntropyStringsPlugin):
            if entropy == "named":
                continue  # `assignments` asks for a name, and looks at every kind of value
            find = partial(_entropy, plugin)
        elif name not in _RULES:
            raise ConfigError(
                f"detect-secrets {VERSION} brings the plugin {name}, for which it is not known where "
                "its secret lies. Install the pinned version, or add a rule."
            )
        else:
            rule = _RULES[name]
            if rule is None:
                continue
            find = partial(_vendor, plugin, rule)
        made.append(LineDetector(f"detect-secrets/{name}", VERSION, necessary(plugin), find, is_unicode=True))
    return tuple(made)
