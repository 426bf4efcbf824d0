"""Findings of single detectors, and how they become disjoint places."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .spans import Span

PERSONAL = frozenset({"EMAIL", "IPV4", "IPV6", "PHONE", "CARD", "IBAN", "SSN", "NATIONAL_ID", "NAME"})
_GENERIC = frozenset({"PASSWORD", "SECRET", "LOGIN", "KUBERNETES_SECRET"})


class Finding(NamedTuple):
    """A value at bytes `[start, end)` of a text."""

    start: int
    end: int
    cls: str
    detector: str
    version: str
    confidence: float


def rank(cls: str) -> int:
    """Which class an overlap gets: secrets before personal data, a known format before a name beside it."""
    if cls in ("PRIVATE_KEY", "PRIVATE_KEY_BASE64"):
        return 0
    if cls in PERSONAL:
        return 4
    if cls == "HIGH_ENTROPY":
        return 3
    return 2 if cls in _GENERIC else 1


def _precedence(found: Finding) -> tuple[int, int, int, bool, str]:
    # Rules of our own know checksums.
    borrowed = found.detector.startswith("detect-secrets/")
    return rank(found.cls), found.start, -found.end, borrowed, found.detector


def merged(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Overlapping findings as one: the union of their places, named after the one that ranks first."""
    last: Finding | None = None
    for found in sorted(findings):
        if last is None or found.start >= last.end:
            if last is not None:
                yield last
            last = found
        else:
            first = min(last, found, key=_precedence)
            last = first._replace(start=last.start, end=max(last.end, found.end))
    if last is not None:
        yield last


class Places:
    """Turns places in a redacted text into places in the original. O(log spans) each."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._firsts = [span.start for span in spans]
        self._starts: list[int] = []
        self._ends: list[int] = []
        shift = 0
        for span in spans:
            length = len(span.surrogate.encode())
            self._starts.append(span.start + shift)
            self._ends.append(span.start + shift + length)
            shift += length - (span.end - span.start)

    def released(self, span: Span) -> tuple[int, int]:
        """Where the surrogate of a span stands in the redacted text."""
        at = bisect_left(self._firsts, span.start)
        return self._starts[at], self._ends[at]

    def original(self, found: Finding) -> Finding:
        """The same finding in the original text; a surrogate that it touches counts as a whole."""
        start, end = found.start, found.end
        at = bisect_right(self._starts, start) - 1
        if at >= 0:
            inside = start < self._ends[at]
            start = self._spans[at].start if inside else start - self._ends[at] + self._spans[at].end
        at = bisect_left(self._starts, end) - 1
        if at >= 0:
            inside = end <= self._ends[at]
            end = self._spans[at].end if inside else end - self._ends[at] + self._spans[at].end
        return found._replace(start=start, end=end)
