"""Secrets that are known only by the name that they are assigned to: which of them to believe."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from .placeholders import is_placeholder

_REFERENCE = re.compile(r"^[\w.$-]{1,200}[\[(]|^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$|^\w+(?:->|::)\w|^&\w|^@[\w/]+$")
_UUID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
_NAME = re.compile(r"^[A-Za-z]+(?:[ _.\-/:]+[A-Za-z]*)*$")
_LETTER = re.compile("[A-Za-z]")
_SPACE = re.compile(r"\s")
_COMPARES = re.compile("[=!]==?")
_SECRET_WORD = re.compile(r"pass|pwd|secret|key|token|auth|cred|contrase", re.IGNORECASE)
_PATH = re.compile(r"^(?:\.{0,2}/|~/|[A-Za-z]:\\|file:)[\w./\\ -]*$|^https?://[^@]*$")

_KEY_LIKE = re.compile(
    r"(?:key|secret|token|passw|pwd|auth|cred|private|salt|signature|bearer|session)\w*[\"'`\])]{0,3}\s*"
    r"(?:[:=]{1,3}>?|=>|,|\()[\s\[({]*[\"'`@]{0,2}$",
    re.IGNORECASE,
)
_CHECKSUM = re.compile(
    r"sha-?\d|md5|\bsha\b|hash|checksum|digest|integrity|fingerprint|commit|revision|etag|nonce|uuid|guid|"
    r"public.?key|publickeytoken|cache.?key|sort.?key|primary.?key|foreign.?key|data:",
    re.IGNORECASE,
)
_LOCK_FILES = frozenset(
    str.split(
        "package-lock.json npm-shrinkwrap.json packages.lock.json brewfile.lock.json go.sum "
        "cartfile.resolved package.resolved pnpm-lock.yaml yarn.lock"
    )
)


def is_assigned_secret(text: str, start: int, end: int, assignment: re.Match[str]) -> bool:
    """Whether the value at `[start, end)` of a line, found beside a word such as `password`, can be a secret.

    References to code, names, paths, URLs without a user, sentences, templates and stock words are not.
    Linear.
    """
    value = text[start:end]
    quoted = start > 0 and text[start - 1] in "\"'`"
    if is_placeholder(value) or _UUID.match(value) or not _LETTER.search(value):
        return False
    if _SPACE.search(value) or _PATH.match(value) or _REFERENCE.match(value):
        return False
    if _NAME.match(value) and (_SECRET_WORD.search(value) or not quoted or len(value) < 6):
        return False
    # `password === "x"` and the like compare with a word of the program's own unless it looks random.
    return not (_NAME.match(value) and _COMPARES.search(text, assignment.start(), start))


def is_random_secret(text: str, start: int, end: int, path: str) -> bool:
    """Whether a random-looking string is assigned to a key-like name, outside lock files and checksums."""
    name = PurePosixPath(path).name.lower()
    if name in _LOCK_FILES or name.endswith((".lock", ".sum")):
        return False
    value = text[start:end]
    before = text[max(0, start - 120) : start]
    if is_placeholder(value) or _UUID.match(value) or _NAME.match(value) or _PATH.match(value):
        return False
    return _KEY_LIKE.search(before) is not None and _CHECKSUM.search(before) is None
