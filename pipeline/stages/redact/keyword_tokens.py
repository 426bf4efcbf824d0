"""Tokens that stand beside a word that says what they are, without the form of an assignment.

Notes, logs and command lines have `acme TOKEN 0123...`, `acme-secret-0123...`, `acme private key: 0123...`. The word
alone is weak evidence, so the token has to be one that is nothing else: digits and letters in the mix of chance, or a
UUID, at the end of its line or before a quote, and no word on the line may say that it is a digest or an identifier.
Where a line holds nothing besides, at most two words and the token, the token need only be shaped like a key: in one
run, or in groups as they are printed on cards (`AB12CD-34EF56-...`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .assignments import is_code_file, is_lock_file
from .detector import RULES_VERSION, LineDetector, Match, Necessary
from .values import Look, is_shaped, look_of

_WORD = r"(?:secret|token|access|private|password|auth|cred(?:ential)?s?|key)"
_TOKEN = re.compile(
    rf"(?P<before>[^\n]{{0,40}}?(?P<word>(?i:{_WORD}))(?:[-_. ]{{0,4}}(?i:{_WORD}|code))?)"
    r"[\"']?(?:[ \t]{0,4}(?:=>|[:=])[ \t]{0,4}|[ \t]{1,8}|[-.])[\"']?"
    r"(?P<token>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z0-9_]{14,128}={0,2}"
    r"|[A-Za-z0-9]{2,16}(?:-[A-Za-z0-9]{2,16}){1,8}|[A-Za-z0-9_.+/-]{20,128}={0,2})(?=[\"'\s,;)]|$)",
    re.ASCII,
)
_ELSE = re.compile(
    r"::|public|commit|sha[-_ ]?[0-9]|\bsha\b|md5|hash|digest|checksum|etag|fingerprint|cache|revision|foreign|primary|"
    r"partition|sort|repository|example|uuid|guid|index|object|account|tenant|request|trace|session|build|node|device|"
    r"client[-_ ]?id|peer|[cx]srf|authenticity|forgery|verification|hex(?:key|secret|pass)",
    re.IGNORECASE | re.ASCII,
)
_NECESSARY = Necessary(
    rf"(?i:{_WORD})(?:[-_. ]{{0,4}}(?i:{_WORD}|code))?"
    r"[\"']?(?:[ \t]{0,4}(?:=>|[:=])[ \t]{0,4}|[ \t]{1,8}|[-.])[\"']?"
    r"[A-Za-z0-9_.+/-]{16}"  # no look of a key is shorter
)


def _find(text: str, path: str) -> Iterator[Match]:
    if is_lock_file(path) or is_code_file(path):
        return
    indent = len(text) - len(text.lstrip())
    for found in _TOKEN.finditer(text):
        token = found["token"]
        if _ELSE.search(found["before"]) or (found["word"].lower() == "key" and found.start("word") == indent):
            continue
        look = look_of(token)
        if look == "random" and any(map(str.isdigit, token)) and len(token) >= 20 and "-" not in token:
            confidence = 0.6
        elif look == "uuid" or (look is not None and _is_alone(text, found) and _is_shaped(token, look)):
            confidence = 0.5
        else:
            continue
        yield Match(*found.span("token"), "SECRET", confidence, found.end("before"), found.end())


def _is_alone(text: str, found: re.Match[str]) -> bool:
    """Whether the line holds nothing but a word or two, those that tell of the token, and the token."""
    told = re.sub(_WORD, " ", text[: found.start("token")], flags=re.IGNORECASE)
    return not text[found.end() :].strip("\"', ;)\r\n") and len(_WORDS.findall(told)) <= 2


_WORDS = re.compile(r"[A-Za-z0-9_.]+", re.ASCII)


_LONG_RUN = re.compile("[A-Za-z0-9]{16}")


def _is_shaped(token: str, look: Look) -> bool:
    """Whether a token is in the shape of a key: in one run, or in groups of which half hold digits."""
    token = token.rstrip("=")
    groups = token.split("-")
    if look == "random" and _LONG_RUN.search(token) and any(map(str.isdigit, token)):
        return True
    if len(groups) == 1:
        return is_shaped(token)
    return len(token) >= 16 and 2 * sum(any(map(str.isdigit, group)) for group in groups) >= len(groups)


KEYWORD_TOKEN = LineDetector("keyword-token", RULES_VERSION, (_NECESSARY,), _find)


# --- the name of a service instead of such a word ---------------------------------------------------------

_SERVICES = Path(__file__).with_name("services.txt")
_LEAST_NAME = 5
_PAIR = r"[\"']?(?:[ \t]{0,4}(?:=>|:=|[:=])[ \t]{0,4}|[ \t]{1,8})[\"']?"
_LINE = re.compile(
    rf"[ \t\"'$#/*-]{{0,16}}(?:export[ \t]+|set[ \t]+)?(?P<name>[A-Za-z][\w.-]{{4,60}}){_PAIR}"
    r"(?P<token>[A-Za-z0-9_]{20,128}={0,2})[\"']?[ \t;,]{0,4}\r?$",
    re.ASCII,
)
_NO_KEY = re.compile(
    r"(?:id|ids|url|uri|host|domain|user|username|name|org|organi[sz]ation|email|version|image|tag|ref|rev|region|bucket)$",
    re.IGNORECASE | re.ASCII,
)


@cache
def services() -> frozenset[str]:
    """The names of the data file."""
    return frozenset(line for line in _SERVICES.read_text("utf-8").splitlines() if line and not line.startswith("#"))


def _of_services(text: str, path: str) -> Iterator[Match]:
    """A token of chance in a line that holds nothing but the name of a service and it."""
    if is_lock_file(path) or is_code_file(path):
        return
    found = _LINE.match(text)
    if found is None or _ELSE.search(found["name"]) or _NO_KEY.search(found["name"]):
        return
    name, token = found["name"].lower(), found["token"]
    if not any(name[:end] in services() for end in range(_LEAST_NAME, len(name) + 1)):
        return
    if look_of(token) == "random" and any(map(str.isdigit, token)):
        yield Match(*found.span("token"), "SECRET", 0.5, found.start("name"), found.end())


SERVICE_TOKEN = LineDetector(
    "service-token",
    RULES_VERSION,
    (
        Necessary(
            rf"^[ \t\"'$#/*-]*(?:export[ \t]+|set[ \t]+)?(?i:{'|'.join(sorted(services()))})[\w.-]{{0,56}}"
            rf"{_PAIR}[A-Za-z0-9_]{{20}}"
        ),
    ),
    _of_services,
)
