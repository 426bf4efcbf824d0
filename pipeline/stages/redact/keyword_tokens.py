"""Tokens that stand beside a word that says what they are, without the form of an assignment.

Notes, logs and command lines have `acme TOKEN 0123...`, `acme-secret-0123...`, `acme private key: 0123...`. The word
alone is weak evidence, so the token has to be one that is nothing else: digits and letters in the mix of chance, or a
UUID, at the end of its line or before a quote, and no word on the line may say that it is a digest or an identifier.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .assignments import is_code_file, is_lock_file
from .detector import RULES_VERSION, LineDetector, Match, Necessary
from .values import look_of

_WORD = r"(?:secret|token|access|private|password|auth|cred(?:ential)?s?|key)"
_TOKEN = re.compile(
    rf"(?P<before>[^\n]{{0,40}}?(?P<word>(?i:{_WORD}))(?:[-_. ]{{0,2}}(?i:{_WORD}|code))?)"
    r"[\"']?(?:[ \t]{0,4}(?:=>|[:=])[ \t]{0,4}|[ \t]{1,8}|[-.])[\"']?"
    r"(?P<token>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z0-9_]{20,128}={0,2})(?=[\"'\s,;)]|$)",
    re.ASCII,
)
_ELSE = re.compile(
    r"public|commit|sha[-_ ]?[0-9]|\bsha\b|md5|hash|digest|checksum|etag|fingerprint|cache|revision|foreign|primary|"
    r"partition|sort|repository|example|uuid|guid|index|object|account|tenant|request|trace|session|build|node|device|"
    r"client[-_ ]?id|[cx]srf|authenticity|forgery|verification|hex(?:key|secret|pass)",
    re.IGNORECASE | re.ASCII,
)
_NECESSARY = Necessary(
    rf"(?i:{_WORD})(?:[-_. ]{{0,2}}(?i:{_WORD}|code))?"
    r"[\"']?(?:[ \t]{0,4}(?:=>|[:=])[ \t]{0,4}|[ \t]{1,8}|[-.])[\"']?"
    r"(?:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-|[A-Za-z0-9_]{20})"
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
        if look == "uuid" or (look == "random" and any(map(str.isdigit, token))):
            start = found.end("before")
            yield Match(*found.span("token"), "SECRET", 0.5 if look == "uuid" else 0.6, start, found.end())


KEYWORD_TOKEN = LineDetector("keyword-token", RULES_VERSION, (_NECESSARY,), _find)
