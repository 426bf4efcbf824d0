"""What a detector is.

A detector names regular expressions of which at least one matches wherever it finds something (`necessary`);
the prefilter runs them all in one pass and calls the detector only where one of them hits. So a detector
costs next to nothing on text that it has nothing to say about, and its `find` may be as exact as it likes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

RULES_VERSION = "4"
"""Version of this package's own rules and surrogates; raise it when findings may change."""


class Necessary(NamedTuple):
    """A pattern in Python's syntax with its `re` flags; engines may match more than it says."""

    pattern: str
    flags: int = 0


def any_of(*patterns: str, flags: int = 0) -> tuple[Necessary, ...]:
    """Patterns of which one has to match, all with these flags."""
    return tuple(Necessary(pattern, flags) for pattern in patterns)


class Match(NamedTuple):
    """A finding in a window's text: the value at `[start, end)`, inside what the rule matched as a whole."""

    start: int
    end: int
    cls: str
    confidence: float
    whole_start: int
    whole_end: int


@dataclass(frozen=True)
class LineDetector:
    """Finds values inside one line. `find` gets the window's text and the file's path.

    The text is one character a byte (Latin-1), so that places are offsets and a byte-wise prefilter is exact;
    the expressions of such a detector are compiled with `re.ASCII`. Where `is_unicode`, it is the decoded text.
    """

    name: str
    version: str
    necessary: tuple[Necessary, ...]
    find: Callable[[str, str], Iterator[Match]]
    is_unicode: bool = False


@dataclass(frozen=True)
class BlockDetector:
    """Finds values that run over lines. `find` gets all bytes and where the block may begin."""

    name: str
    version: str
    necessary: tuple[Necessary, ...]
    find: Callable[[bytes, int, int], Iterator[Match]]


Detector = LineDetector | BlockDetector


def digest(detectors: tuple[Detector, ...]) -> str:
    """Names a list of detectors: their names, versions and patterns."""
    told = "\n".join(f"{d.name}\t{d.version}\t{p.flags}\t{p.pattern}" for d in detectors for p in d.necessary)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
