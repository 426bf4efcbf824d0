"""Secrets that are known only by the name beside them: assignments, arguments, attributes, headers, command lines.

Four things must agree: the name (`names`), the form in which name and value stand together, the value's own look
(`values`) and the kind of file. What comes out is a confidence; the policy says how much is enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import ahocorasick

from .detector import RULES_VERSION, BlockDetector, LineDetector, Match, Necessary, any_of
from .names import Kind, kind_of
from .values import Look, look_of

_WORDS = tuple(
    str.split(
        "pass pwd psw contrase senha secret token key cred auth bearer salt pepper signature kennwort wachtwoord "
        "parola haslo psk bindpw rootpw authtok rocommunity rwcommunity"
    )
)
_WHOLE_WORDS = ("pat", "sas", "sig", "pw")  # between other characters than letters
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$ñÑ"
_BEGINS = frozenset("\"'`])\\ \t=:>|?!(&<-")  # what may follow a name in any of the forms
_SECONDS = {"&": "q#", ")": ")] \t=:!>", "]": ")] \t=:!>", "(": " \tbruBRUf@\\\"'`&", "!": "="}
_LEFT, _RIGHT, _LONGEST = 64, re.compile(r"[\w\-.$]{0,48}", re.ASCII), 512

_QUOTE = r"(?:\\{0,3}[\"'`]|&quot;|&#3[49];)"
_TYPE = r"(?::\s{0,3}(?:&?'?[\w.<>\[\]|?]{1,24}\s?){1,3})?"
_AFTER = re.compile(
    # name = "value", "name": "value", name := value, name: str = "value", $x['name'] = ..., --name=value
    rf"(?P<compared>{_QUOTE}?[\])]{{0,3}}[ \t]{{0,4}}[=!]==?[ \t]{{0,4}})"
    rf"|(?P<assigned>{_QUOTE}?[\])]{{0,2}}[ \t]{{0,12}}(?:(?:=>|:=|\?=|\|\|=|=|:)|{_TYPE}[ \t]?=)[ \t]{{0,12}})"
    # <name>value</name>, <x name="...">value<
    rf"|(?P<element>{_QUOTE}?(?:\s[^<>\n]{{0,60}})?>(?:\s{{0,4}}<(?:value|string|text)>)?)(?=[^<>\n]{{1,400}}</)"
    # key="name" value="value"
    rf"|(?P<attribute>{_QUOTE}\s{{0,4}},?\s{{0,4}}(?:\w{{1,12}}=[\"'][^\"'\n]{{0,20}}[\"']\s)?{_QUOTE}?(?:value|val|content|default)\b{_QUOTE}?\s{{0,3}}[=:]\s{{0,3}})"
    # "name", "value": an argument beside its name
    rf"|(?P<pair>{_QUOTE}[ \t]{{0,3}},[ \t]{{0,3}})(?={_QUOTE})"
    # setName("value")
    r"|(?P<call>\([ \t]{0,3})(?=[bruBRUf@]{0,2}(?:\\{0,3}[\"'`]|&quot;|&#3[49];))"
    # --name value, password 'value', requirepass value, ENV NAME value, the password is "value"
    r"|(?P<spaced>[\"']?(?:[ \t]+(?:is|for[ \t]+[\w\"' -]{1,40}[ \t]is)\b:?)?[ \t]{1,8})(?=\S)",
    re.IGNORECASE | re.ASCII,
)
_QUOTED = re.compile(
    r"(?:[bruBRUfFL@$]{0,2})(?P<quote>\\{0,3}\"\"\"|\\{0,3}[\"'`]|&quot;|&#3[49];)(?P<value>(?:(?!(?P=quote))(?:\\[^\n]|[^\n])){1,512}?)(?P=quote)",
    re.ASCII,
)
_DEFAULT = re.compile(
    # getenv("NAME", "value"), env.NAME || "value", ${NAME:-value}
    r"(?:[\w.$\[\]]{1,60}\([ \t]*[\"'][\w.\-]{1,80}[\"'][ \t]*,[ \t]*(?:\w{1,20}[ \t]*=[ \t]*)?"
    r"|(?:[\w.$]{1,60}(?:\([^()\n]{0,80}\)|\[[^\[\]\n]{1,80}\])?[ \t]*(?:\|\||\?\?|\bor\b|\?:)[ \t]*))"
    r"(?=\\{0,3}[\"'`])|\$\{[\w.]{1,60}:-?(?P<value>[^}\s\"']{3,200})\}",
    re.ASCII,
)
_WRAPPER = re.compile(
    r"(?:new[ \t]+)?(?!\w*(?:get|env|read|load|fetch|find|param|prompt|input|transl|label|text|msg|"
    r"_\())[A-Za-z_][\w.:]{0,50}\([ \t]*(?=[bru]?\\{0,3}[\"'`])",
    re.IGNORECASE | re.ASCII,
)
_SCHEME = re.compile(r"(?:Bearer|Basic|Token|ApiKey|Api-Key|Digest|SSWS|GenieKey|bot)[ \t]+", re.IGNORECASE | re.ASCII)
_BARE = re.compile(r"[^\s\"'`<>,;(){}\[\]|&\\]{3,512}", re.ASCII)
_BARE_LINE = re.compile(r"[^\s\"'<>`][^\s\"'`<>]{2,511}(?=[ \t]*(?:\r?$|[ \t][#;]|[;,]\r?$|\\\r?$|<))", re.ASCII)
_BARE_END = re.compile(
    r"[ \t]*(?:$|\r|[#;,&|)<\\]|//|--|\"|')|[ \t]+(?:[&|]|-{1,2}\w|\w{1,20}[=:(]|[a-z]{2,})", re.ASCII
)
_ENV = re.compile(
    r"(?:^|[\s;&\"'])(?:(?:export|set|setx|ENV|ARG|-e|--env|--build-arg)[ \t]+)?(?:[A-Z][A-Z0-9_]*)$", re.ASCII
)

_CODE_FILE = re.compile(
    r"\.(?:py[iwx]?|[cm]?[jt]sx?|java|kts?|scala|groovy|go|c|cc|cpp|cxx|h|hh|hpp|hxx|cs|fs|vb|rb|php[0-9]?|phtml|rs|swift|m|mm|"
    r"dart|lua|p[lm]|r|jl|ex|exs|erl|hs|ml|mli|clj[cs]?|elm|vue|svelte|html?|xhtml|css|scss|less|ipynb|sol|pas|f90|zig|nim|d)$",
    re.IGNORECASE | re.ASCII,
)
_EXAMPLE_FILE = re.compile(
    r"(?:^|[._-])(?:example|sample|template|tmpl|tpl|dist|default|demo)s?(?:[._-]|$)", re.IGNORECASE | re.ASCII
)
_LOCK_FILE = re.compile(
    r"(?:^|[/.-])(?:package-lock\.json|npm-shrinkwrap\.json|packages\.lock\.json|go\.sum|cartfile\.resolved|package\.resolved|"
    r"pnpm-lock\.yaml|yarn\.lock|\w+\.lock|gemfile\.lock|.*\.sum|.*\.lock\.\w+|manifest-sha\w+\.txt|sha\w*sums)$",
    re.IGNORECASE | re.ASCII,
)


class _Value(NamedTuple):
    start: int
    end: int
    quoted: bool


# Confidence of what a value looks like under a name of some kind; the policy's thresholds cut through this table.
_TABLE: dict[tuple[Kind, Look], float] = {
    ("password", "random"): 0.9,
    ("password", "shaped"): 0.7,
    ("password", "mixed"): 0.8,
    ("password", "word"): 0.6,
    ("password", "number"): 0.55,
    ("password", "uuid"): 0.5,
    ("secret", "random"): 0.9,
    ("secret", "shaped"): 0.6,
    ("secret", "mixed"): 0.6,
    ("secret", "word"): 0.4,
    ("secret", "number"): 0.3,
    ("secret", "uuid"): 0.5,
    ("key", "random"): 0.75,
    ("key", "shaped"): 0.5,
    ("key", "mixed"): 0.4,
    ("key", "uuid"): 0.35,
    ("weak", "random"): 0.45,
}


def is_lock_file(path: str) -> bool:
    """Whether a file's name is that of a lock file or a list of checksums."""
    return _LOCK_FILE.search(path) is not None


def is_code_file(path: str) -> bool:
    """Whether a file's name is that of source code, where only quoted values count."""
    return _CODE_FILE.search(path) is not None


@lru_cache(maxsize=1024)
def _file_of(path: str) -> tuple[bool, bool, bool]:
    """Whether a file's name is that of a lock file, of source code, of an example to be copied."""
    return is_lock_file(path), is_code_file(path), _EXAMPLE_FILE.search(path) is not None


# In source code a value stands in quotes, in a query or option, after a scheme, in an element or as an environment's.
_MAY_HOLD = re.compile(r"[\"'`&?]|--|</|\$\{|[A-Z]{3}|(?i:bearer|basic|token|digest|api-?key|ssws|bot)[ \t]", re.ASCII)


def _automaton() -> ahocorasick.Automaton:
    made = ahocorasick.Automaton()
    for word in (*_WORDS, *_WHOLE_WORDS):
        made.add_word(word, len(word))
    made.make_automaton()
    return made


_WORD_AUTOMATON = _automaton()


def _words_in(text: str) -> list[tuple[int, int]]:
    """Where the words stand that a name may be told by, in order."""
    folded = text.lower()  # Latin-1: every character keeps its place
    places = []
    for last, length in _WORD_AUTOMATON.iter(folded):
        at, end = last + 1 - length, last + 1
        whole = folded[at:end] in _WHOLE_WORDS
        if not whole or not (_is_letter(folded[at - 1 : at]) or _is_letter(folded[end : end + 1])):
            places.append((at, end))
    return sorted(places)


def _is_letter(character: str) -> bool:
    return "a" <= character <= "z"


def _assigned(text: str, path: str) -> Iterator[Match]:
    locked, code, example = _file_of(path)
    if locked or (code and not _MAY_HOLD.search(text)):
        return
    done = 0
    for first, last in _words_in(text):
        if first < done:
            continue
        left = text[max(0, first - _LEFT) : first]
        start = first - len(left) + len(left.rstrip(_NAME_CHARACTERS))
        right = _RIGHT.match(text, last)
        end = right.end() if right else last
        done = last
        name = text[start:end].rstrip("-.$")
        next_two = text[start + len(name) : start + len(name) + 2]
        if next_two[:1] not in _BEGINS or (next_two[:1] in _SECONDS and next_two[1:] not in _SECONDS[next_two[:1]]):
            continue
        kind = kind_of(name if name.isascii() else name.encode("latin-1").decode("utf-8", "replace"))
        if kind is None or text[start - 2 : start] == "::" or text[start - 1 : start] == "!":
            done = max(done, end)
            continue
        after = _AFTER.match(text, start + len(name), min(len(text), end + _LONGEST))
        if after is None:
            continue
        done = max(done, end)
        if after.lastgroup is None:
            continue
        value = _value_after(text, after, name, start, code)
        if value is None or (after.lastgroup == "pair" and _NEXT_NAME.match(text, value.end)):
            continue
        confidence = _believed(text, value, kind, after.lastgroup, name, code, example)
        if confidence > 0:
            done = max(done, value.end)
            cls = "PASSWORD" if kind == "password" else "SECRET"
            yield Match(value.start, value.end, cls, confidence, start, value.end)


def _value_after(text: str, after: re.Match[str], name: str, start: int, code: bool) -> _Value | None:
    """The value that stands in the form that `after` found, if one does."""
    form, at = after.lastgroup, after.end()
    stop = min(len(text), at + _LONGEST)
    if form == "element":
        end = text.find("<", at, stop)
        return _Value(at, end, True) if end > at else None
    opens = text[at : at + 1] in ('"', "'", "`")  # then it is neither a call nor a default
    wrapper = _WRAPPER.match(text, at, stop) if form in ("assigned", "call") and not opens else None
    if wrapper:
        at = wrapper.end()
    default = None if opens else _DEFAULT.match(text, at, stop)
    if default and default["value"]:
        return _Value(*default.span("value"), False)
    if default:
        at = default.end()
    quoted = _QUOTED.match(text, at, stop)
    if quoted and form == "spaced" and "`" in quoted["quote"]:
        return None  # words of a sentence in Markdown
    if quoted:
        first, last = quoted.span("value")
        scheme = _SCHEME.match(text, first, last)
        return _Value(scheme.end() if scheme else first, last, True)
    if form in ("compared", "pair", "call", "attribute") or default or wrapper:
        return None
    scheme = _SCHEME.match(text, at, stop)
    if scheme:
        at = scheme.end()
    before = text[max(0, start - 40) : start]
    query = before.endswith(("?", "&", "&amp;"))
    option = name.startswith("--") or before.endswith("--") or (name[:1] == "-" and name[1:2].isupper())
    if form == "spaced" and not (option or _is_directive(text, start, before, name)):
        return None
    if code and not (query or option or scheme or _ENV.search(before + name)):
        return None
    whole = _BARE_LINE.match(text, at, stop) if form == "assigned" and not (query or code) else None
    bare = whole or _BARE.match(text, at, stop)
    if bare is None or (bare is not whole and bare.end() < len(text) and not _BARE_END.match(text, bare.end(), stop)):
        return None
    told = bare.group().rstrip(",;")
    if told[-1:] == "]" and "[" not in told:
        told = told[:-1]  # a synopsis: [password=WORD]
    return _Value(bare.start(), bare.start() + len(told), False)


def _is_directive(text: str, start: int, before: str, name: str) -> bool:
    """Whether `name value` stands as in .netrc, redis.conf or a Dockerfile, and not in a sentence."""
    if re.search(
        r"(?:login|user(?:name)?|account)[ \t]+(?!(?:and|or|whose|is|the|with)\b|&)\S+[ \t]+$|"
        r"(?:^|\n)[ \t]*(?:ENV|ARG|setenv|define)[ \t]+$",
        before,
    ):
        return True
    line_starts = before.rpartition("\n")[2].strip() == ""
    rest = text[start + len(name) : start + len(name) + _LONGEST].split()
    if line_starts and len(rest) == 1:
        return True
    # `vendor TOKEN 0123...` at the end of a line, where the value can be nothing else.
    return len(rest) == 1 and len(rest[0]) >= 20 and look_of(rest[0]) == "random"


_NEXT_NAME = re.compile(r"\\{0,3}[\"'`][ \t]{0,3}(?::|=>)", re.ASCII)
_GETTER = re.compile(r"[\w.$-]*?(?:^|[._$-])(?:get|fetch|read|load|lookup|find)(?:[_A-Z]|$)", re.ASCII)
_IDENTIFIER = re.compile(r"(?=(?:.*[_-])?[A-Za-z]{3,}(?:[_-]|$))[A-Za-z0-9]{1,16}(?:[_-][A-Za-z0-9]{1,12})+", re.ASCII)
_SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}|: |^\W*[A-Z][a-z]+ [a-z]", re.ASCII)
_COMMA_OR_BRACKET = re.compile(r"[(\[{]|=>|&&|\|\|", re.ASCII)


def _believed(text: str, value: _Value, kind: Kind, form: str, name: str, code: bool, example: bool) -> float:
    told = text[value.start : value.end]
    stripped = told.strip()
    if not stripped or stripped[0] in ",;:)]}":
        return 0.0
    if not stripped.isascii():
        stripped = stripped.encode("latin-1", "replace").decode("utf-8", "replace")
    look = look_of(stripped)
    if look is None or (look != "random" and stripped[-1] in ":?\u3002\uff1a"):  # a label
        return 0.0
    if _is_its_name(stripped, name):
        return 0.0
    if not stripped.isascii():
        # In words of another script it is a label or a message; few type a password so.
        foreign = sum(not c.isascii() for c in stripped)
        if " " in stripped or 3 * foreign > len(stripped) or look == "word":
            return 0.25 if " " not in stripped else 0.0
    if re.search(r"\s", stripped):
        # WordPress' salts have blanks; sentences have words.
        if _SENTENCE.search(stripped) or look != "random" or len(stripped) < 24:
            if kind != "password" or form != "assigned" or not value.quoted:
                return 0.0
            return max(_believed_phrase(stripped, name, text[: value.start]) - (0.2 if code or example else 0), 0.0)
    elif look in ("word", "mixed") and len(stripped) < 24 and kind_of(stripped) is not None:
        # `password: user_password`, `token: "refresh_token"`: the name of another such value.
        plain = look == "word" or stripped.replace("_", "").replace("-", "").isalpha()
        if plain and not (kind == "password" and _is_a_phrase(stripped)):
            return 0.25 if kind == "password" and value.quoted and not code else 0.0
    confidence = _TABLE.get((kind, look), 0.0)
    if form == "call" and _GETTER.match(name):
        return 0.0
    if look == "mixed":
        if kind != "password" and (len(stripped) < 8 or _IDENTIFIER.fullmatch(stripped)):
            confidence = 0.3
        elif len(stripped) < 6:
            confidence -= 0.2
        if not value.quoted and _COMMA_OR_BRACKET.search(stripped):
            confidence -= 0.3
    if look == "random" and kind in ("key", "weak") and len(stripped) < 20:
        confidence -= 0.2
    if look in ("word", "number", "shaped"):
        if code or example:
            confidence -= 0.2
        if stripped.istitle() and value.quoted:  # a label in some language
            confidence -= 0.2
        if len(stripped) < 4:
            confidence -= 0.3
    if form in ("pair", "call", "compared") and look != "random":
        confidence -= 0.15 if look in ("mixed", "shaped") else 0.35
    if form == "spaced" and (
        code or not (len(stripped) >= 20 or re.search(r"\bis\b", text[max(0, value.start - 40) : value.start]))
    ):
        confidence -= 0.15
    return max(confidence, 0.0)


_OF_SENTENCES = frozenset(
    str.split(
        "a again an and are at be by can change characters confirm contain current de der die do does el enter for "
        "forgot from has have hide if in invalid is la le least length match minimum mot must new no not of old on "
        "one only or please required reset should show that the this to too use user username was will with without "
        "wrong you your"
    )
)
_PHRASE = re.compile(r"[a-z0-9!@#$%^&*+?._-]{1,24}(?: [a-z0-9!@#$%^&*+?._-]{1,24}){1,7}", re.ASCII)


def _believed_phrase(phrase: str, name: str, before: str) -> float:
    """How likely words in small letters are a password. Where there are translations, they are more often a label.

    Those stand after a colon or an arrow, or beside a quoted name.
    """
    words = phrase.split(" ")
    if not _PHRASE.fullmatch(phrase) or any(word in _OF_SENTENCES or kind_of(word) for word in words):
        return 0.0
    if "phrase" in name.lower() or name.lower().endswith("psk"):
        return 0.6
    mixed = any(not word.isalpha() for word in words)
    assigned = re.search(r"[\w\])][ \t]{0,12}=[ \t]{0,12}[bruBRUf@]{0,2}[\"'`]$", before[-40:], re.ASCII) is not None
    return 0.5 if mixed or assigned else 0.25


_QUALIFIERS = frozenset(
    str.split(
        "account admin client confirm current database default email enter invalid login master mysql network postgres "
        "private proxy repeat retype reset root server service session smtp store system test user username your"
    )
)


def _is_a_phrase(value: str) -> bool:
    """Whether small letters in one run are a phrase that ends in "password", and not the name of a field."""
    before, ends, after = value.rpartition("pass")
    return (
        bool(ends)
        and after in ("", "word", "wd")
        and len(before) > 4
        and before.isalpha()
        and before.islower()
        and (before not in _QUALIFIERS)
    )


def _is_its_name(value: str, name: str) -> bool:
    if not -8 < len(value) - len(name) < 8:
        return False
    plain, other = ("".join(filter(str.isalnum, text)).lower() for text in (value, name))
    return plain == other


_NECESSARY = (
    Necessary(
        r"(?:pass|pwd|psw|contrase|senha|secret|token|[\w.-]key|cred|auth|bearer|salt|pepper|signature|kennwort|wachtwoord|parola|"
        r"haslo|psk|(?:bind|root)pw|authtok|r[ow]community|(?:^|[^a-z])(?:pat|sas|sig|pw))[\w\-.$]{0,48}(?:[\"'`\])\\]|&quot;|&#3[49];){0,8}"
        r"(?:[ \t]{0,12}[=:>?|,!(]{1,3}|[ \t]{1,8}|\s[^<>\n]{0,60}>)[ \t]{0,12}[^\s,;)(\]]",
        re.IGNORECASE,
    ),
)

ASSIGNMENT = LineDetector("assignment", RULES_VERSION, _NECESSARY, _assigned)


# --- a name on one line, its value on the next --------------------------------------------------------

_BELOW = re.compile(
    # - name: DB_PASSWORD        variable "db_password" {          <key>Password</key>
    #   value: x                   default = "x"                    <string>x</string>
    rb"(?:\bname:[ \t]*[\"']?([\w.\-]{2,80})[\"']?[ \t]*\r?\n[ \t]*value:[ \t]*[\"']?([^\s\"'#][^\r\n\"']"
    rb"{2,255}?)[\"']?[ \t]*(?=\r?\n|\Z)"
    rb"|\b(?:variable|parameter)[ \t]+[\"']?([\w.\-]{2,80})[\"']?[ \t]*"
    rb"\{[ \t]*(?:\r?\n[ \t]*(?!default)[^\r\n{}]{1,120}){0,3}\r?\n[ \t]*default[ \t]*=[ \t]*\"([^\"\r\n]"
    rb"{3,255})\""
    rb"|<key>([\w.\- ]{2,80})</key>[ \t]*\r?\n[ \t]*<string>([^<>\r\n]{3,255})</string>"
    # <AdministratorPassword>
    #   <Value>x</Value>
    rb"|<(\w{2,80})>[ \t]*\r?\n[ \t]*<[Vv]alue>([^<>\r\n]{3,255})</[Vv]alue>)"
)


def named_value(data: bytes, start: int, end: int, name: str) -> Iterator[Match]:
    """The value at `[start, end)`, if it may be a secret under this name in a file that is not source code."""
    kind = kind_of(name)
    value = data[start:end].decode("utf-8", "surrogateescape")
    if kind is None or not value:
        return
    confidence = _believed(value, _Value(0, len(value), True), kind, "assigned", name, False, False)
    if confidence > 0:
        yield Match(start, end, "PASSWORD" if kind == "password" else "SECRET", confidence, start, end)


def _below(data: bytes, start: int, end: int) -> Iterator[Match]:
    for found in _BELOW.finditer(data, max(0, start), min(len(data), end + 1024)):
        if found.start() > end:
            break
        group = found.lastindex or 2
        yield from named_value(data, *found.span(group), found.group(group - 1).decode("latin-1"))


BELOW = BlockDetector(
    "assignment-below",
    RULES_VERSION,
    any_of(
        r"\bname:[ \t]*[\"']?[\w.\-]*(?:pass|pwd|secret|token|key|cred|auth|salt)[\w.\-]*[\"']?[ \t\r]*$",
        r"\b(?:variable|parameter)[ \t]+[\"']?[\w.\-]*(?:pass|pwd|secret|token|key|cred|auth)",
        r"<(?:key>)?[\w.\- ]*(?:pass|pwd|secret|token|key|cred|auth)[\w.\- ]*(?:</key)?>[ \t\r]*$",
        flags=re.IGNORECASE,
    ),
    _below,
)
