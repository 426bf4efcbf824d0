"""A content as a dataset holds it, put back into the bytes that its ids were taken of, where that can be proved.

Datasets hold text; ids are of bytes. Which encoding the text came from is said by some, and where it is not, or
wrongly, the ids tell: bytes whose SHA-1 is the one given are the right ones, whatever the encoding is called.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pipeline.stages.ingest.decoding import CERTAIN, encode

_MARKED = {"utf-8-sig": ("utf-8-sig",), "utf-16": ("utf-16-le-sig", "utf-16-be-sig"),
           "utf-32": ("utf-32-le-sig", "utf-32-be-sig")}  # fmt: skip
"""Python's names of encodings with a byte order mark, by the names of `decoding`: Python's own choose by machine."""

# Character sets only: others of Python's encodings are slow on purpose-made text (punycode) or no encodings of text.
_SETS = re.compile(
    r"ascii|utf-8|utf-(16|32)-[lb]e|iso8859-\d+|cp\d+|gb\w+|big5\w*|euc_\w+|shift_jis\w*|koi8-[rtu]|mac-\w+|tis-620"
    r"|iso2022_\w+|hz|johab|kz1048|ptcp154"
)
_TRIED = ("utf-8-sig", "utf-16-le-sig", "utf-16-be-sig", "cp1252", "iso8859-1")
"""What is tried beyond what is stated. Each is proved by an id or not taken."""
_LONGEST_NAME = 40


Proof = Literal["checked", "unchecked", "not_encoded", "altered", "unread"]
"""checked: all given ids agree; unchecked: none was given; not_encoded: none was given, and the text does not go back
into the encoding that is stated, so it stands as UTF-8; altered: a given id disagrees; unread: it is in a store."""


@dataclass(frozen=True, slots=True)
class Identified:
    """The bytes of a content and their git id."""

    blob: bytes
    length: int
    proof: Proof
    encoding: str | None
    """Null where the dataset held bytes, or nothing speaks for any."""
    wrong: tuple[str, ...] = ()
    """Which given ids disagree."""
    data: bytes | None = None
    """Set where the bytes differ from those that came in."""


def identify(
    held: memoryview, is_text: bool, stated: str | None, sha1_git: bytes | None, sha1: bytes | None
) -> Identified:
    """The bytes behind `held` (UTF-8 where it is text) that have the ids given.

    Without an id, text is encoded as stated where that is possible. Where no candidate has the ids, what was held
    stands, with `wrong`. Cost: two hashes of each candidate, and nearly always one candidate.
    """
    given = sha1_git is not None or sha1 is not None
    blob, wrong = _hashed(held, sha1_git, sha1)
    as_it_is = Identified(blob, len(held), "checked" if given else "unchecked", "utf-8" if is_text else None)
    if not wrong and (given or not is_text or _encodings_of(stated or "utf-8") == ("utf-8",)):
        return as_it_is
    if is_text:
        for name, data in _candidates(bytes(held), stated, others=given):
            other, differing = _hashed(memoryview(data), sha1_git, sha1)
            if not differing:
                return Identified(other, len(data), as_it_is.proof, name, data=None if data == held else data)
    return Identified(blob, len(held), "altered" if given else "not_encoded", None, wrong)


def _hashed(data: memoryview, sha1_git: bytes | None, sha1: bytes | None) -> tuple[bytes, tuple[str, ...]]:
    git = hashlib.sha1(b"blob %d\0" % len(data), usedforsecurity=False)
    git.update(data)
    blob = git.digest()
    wrong = []
    if sha1_git is not None and sha1_git != blob:
        wrong.append("sha1_git")
    if sha1 is not None and hashlib.sha1(data, usedforsecurity=False).digest() != sha1:
        wrong.append("sha1")
    return blob, tuple(wrong)


def _candidates(held: bytes, stated: str | None, *, others: bool) -> Iterator[tuple[str, bytes]]:
    for name in dict.fromkeys([*_encodings_of(stated or "utf-8"), *(_TRIED if others else ())]):
        data = _encoded(held, name)
        if data is not None:
            yield name, data


def _encoded(held: bytes, name: str) -> bytes | None:
    try:
        if name in CERTAIN:
            return encode(held, name)
        data = held.decode().encode(name)
        return data if data.decode(name).encode() == held else None
    except UnicodeError:
        return None


@lru_cache(maxsize=1024)
def _encodings_of(stated: str) -> tuple[str, ...]:
    """The encodings that a name may mean; none for one that is unknown or no character set."""
    if len(stated) > _LONGEST_NAME:
        return ()
    try:
        name = codecs.lookup(stated).name
    except (LookupError, ValueError):
        return ()
    if name in _MARKED:
        return _MARKED[name]
    if not _SETS.fullmatch(name):
        return ()
    return ("utf-8",) if name == "ascii" else (name,)
