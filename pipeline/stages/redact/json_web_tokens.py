"""JSON web tokens (RFC 7519): signed ones, and encrypted ones (RFC 7516), by their header."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator

from .detector import RULES_VERSION, LineDetector, Match, Necessary
from .placeholders import is_made_up_token

_PATTERN = (
    r"(?<![A-Za-z0-9_+/-])e(?:yJ|yA|wo|w0|yI)[A-Za-z0-9_-]{10,2000}={0,2}\.[A-Za-z0-9_/+-]{4,8000}={0,2}(?:\.["
    r"A-Za-z0-9_/+-]{0,8000}={0,2}){0,3}"
)
_TOKEN = re.compile(_PATTERN, re.ASCII)
_NECESSARY = Necessary(r"e(?:yJ|yA|wo|w0|yI)[A-Za-z0-9_-]{10,}={0,2}\.[A-Za-z0-9_/+-]{4}")


def _decoded(part: str) -> bytes:
    padded = part.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4))
    except binascii.Error:
        return b""


def is_header(part: str) -> bool:
    """Whether a part decodes to a JOSE header: an object that names an algorithm."""
    try:
        told = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and ("alg" in told or "typ" in told)


def _find(text: str, _path: str) -> Iterator[Match]:
    for found in _TOKEN.finditer(text):
        parts = found.group().split(".")
        if is_made_up_token(found.group()):
            continue
        if is_header(parts[0]):
            yield Match(*found.span(), "JWT", 0.95, *found.span())
        elif len(parts) >= 3 and _decoded(parts[0]).startswith((b'{"', b"{ ", b"{\n")) and len(found.group()) >= 60:
            # Cut or edited in its header; what follows is still a claim and a signature.
            yield Match(*found.span(), "JWT", 0.7, *found.span())


JWT = LineDetector("json-web-token", RULES_VERSION, (_NECESSARY,), _find)
