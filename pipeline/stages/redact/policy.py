"""The policy: how sure is sure enough, for which class, in which file; and how risky a file is.

The dial's settings and the weights are data (`levels.toml`); a configuration adds overrides for paths, languages and
classes. Both together are the policy, and its digest goes into a release.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

from .config import Override, RedactConfig
from .findings import Finding
from .spans import Span

_LEVELS = Path(__file__).with_name("levels.toml")


@cache
def levels() -> dict[str, Any]:
    """The dial's settings, as the data file has them."""
    return tomllib.loads(_LEVELS.read_text())


def levels_digest() -> str:
    """Names the data file."""
    return hashlib.sha256(json.dumps(levels(), sort_keys=True).encode()).hexdigest()[:16]


def digest(config: RedactConfig) -> str:
    """Names a policy: the data file and what a configuration changes in it."""
    told = {"levels": levels(), "settings": json.loads(config.model_dump_json(exclude={"commitment_key", "engine"}))}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Rules:
    """What holds in one file."""

    sensitivity: str
    kept: frozenset[str]
    overrides: tuple[Override, ...]

    @cached_property
    def decides(self) -> Callable[[str, float], bool]:
        """`replaces`, with what it said before: findings come in few classes and confidences."""
        return lru_cache(maxsize=1024)(self.replaces)

    def replaces(self, cls: str, confidence: float) -> bool:
        """Whether a finding gives way. The last override that speaks of its class decides."""
        if cls in self.kept:
            return False
        level = levels()[self.sensitivity]
        least: float = level["least"]
        without = cls in level.get("without", ())
        for override in self.overrides:
            if override.classes and cls not in override.classes:
                continue
            if override.action == "keep":
                without = True
            elif override.action in ("replace", "drop") or override.least is not None:
                without = False
            least = least if override.least is None else override.least
        return not without and confidence >= least

    def drops(self, found: Iterable[Finding | Span]) -> str | None:
        """Why the whole file goes, if it does. Of several overrides that drop it the first speaks."""
        giving_way = [one for one in found if self.replaces(one.cls, one.confidence)]
        for override in self.overrides:
            if override.action != "drop":
                continue
            spoken_of = [one for one in giving_way if not override.classes or one.cls in override.classes]
            danger = risk(spoken_of)
            if spoken_of and danger >= override.risk:
                classes = ", ".join(sorted({one.cls for one in spoken_of}))
                return f"holds {classes} (risk {danger:.2f}); an override of the policy drops such files"
        return None

    @property
    def id(self) -> str:
        """Empty where no override holds: then they are the configuration's own."""
        told = [override.model_dump(mode="json") for override in self.overrides]
        return hashlib.sha256(json.dumps([self.sensitivity, told]).encode()).hexdigest()[:16] if told else ""


def rules_for(config: RedactConfig, path: bytes) -> Rules:
    """The rules of the file at `path`. Globs are those of `fnmatch`: `*` runs over slashes too."""
    sensitivity: str = config.sensitivity
    holding = []
    text = path.decode("utf-8", "surrogateescape")
    for override in config.overrides:
        if override.paths and not any(fnmatchcase(text, glob) for glob in override.paths):
            continue
        if override.languages and language_of(text) not in override.languages:
            continue
        sensitivity = override.sensitivity or sensitivity
        holding.append(override)
    return Rules(sensitivity, frozenset(config.keep_classes), tuple(holding))


@cache
def language_of(path: str) -> str | None:
    """The language that a file's name alone tells."""
    import enry

    name = path.rpartition("/")[2]
    for told in (enry.get_language_by_filename(name), enry.get_language_by_extension(name)):
        language: str = told[0] if isinstance(told, tuple) else told
        if language:
            return language
    return None


def risk(spans: Iterable[Span | Finding]) -> float:
    """How likely it is, from 0 to 1, that what was found in a file does harm if one of the places is real.

    The complement of the product of (1 - weight x confidence), so that more and worse findings raise it and none
    makes it 0.
    """
    weights = levels()["weights"]
    safe = 1.0
    for span in spans:
        safe *= 1 - weights.get(span.cls, weights["other"]) * span.confidence
    return round(1 - safe, 4)
