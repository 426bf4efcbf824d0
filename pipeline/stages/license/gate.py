"""The word gate: files that hold none of these words cannot state a licence, and ScanCode need not read them.

Wider than the list that lost 0 of 700 verdicts on labelled files: a word is searched wherever that is as
quick, without its borders. Literal searches one by one run at the speed of memory; one regular expression of
all words does 4 MB/s.
"""

from __future__ import annotations

import re

_WORDS = (
    b"copyright",
    b"licen",
    b"spdx",
    b"gpl",
    b"apache",
    b"(c)",
    b"warrant",
    b"redistribut",
    b"permission",
    b"copyleft",
    b"domain",  # public domain
    b"bsd",
    b"mozilla",
    b"commons",  # creative commons
    b"cc0",
    b"proprietary",
    b"all rights reserved",
    b"confidential",
    b"as is",
)
# As parts of words these are everywhere (commit, example), so their borders count. The look-behind after the
# literal lets the engine search for the literal first.
_MIT = re.compile(rb"mit(?<=\bmit)\b")
_MPL = re.compile(rb"mpl(?<=\bmpl)\b")
# The copyright sign in UTF-8 (as part of it) and Latin-1; and what case folding makes equal to i, k and s.
_SIGN = b"\xa9"
_FOLDED = tuple(letter.encode() for letter in "\u0130\u0131\u017f\u212a")


def may_have_license(data: bytes) -> bool:
    """Whether a text (its bytes in UTF-8 or another extension of ASCII) holds a word that a licence statement
    needs.

    Linear; one lower-cased copy in memory.
    """
    lowered = data.lower()
    if any(word in lowered for word in _WORDS) or _MIT.search(lowered) or _MPL.search(lowered):
        return True
    return not data.isascii() and (_SIGN in data or any(letter in data for letter in _FOLDED))
