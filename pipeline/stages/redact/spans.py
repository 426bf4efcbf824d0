"""Spans, and the one place where text is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pipeline.errors import PermastackError


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `[start, end)` of the original text that give way to `surrogate`. It never holds the value."""

    start: int
    end: int
    cls: str
    detector: str
    version: str
    confidence: float
    zone: str
    surrogate: str
    line: int


def as_spans(rows: Sequence[Mapping[str, Any]]) -> list[Span]:
    """Spans from rows of the schema SPAN."""
    return [Span(**{field.name: row[field.name] for field in fields(Span)}) for row in rows]


def redact(data: bytes, spans: Sequence[Span]) -> bytes:
    """`data` with every span replaced by its surrogate; all other bytes and the number of newlines stay.

    `spans` are sorted and disjoint, as `Scanner.scan` returns them; anything else is a `PermastackError`, as
    is a surrogate that would change the number of lines. O(bytes).
    """
    pieces: list[bytes] = []
    done = 0
    for span in spans:
        if not done <= span.start < span.end <= len(data):
            raise PermastackError(
                f"Spans must be sorted, disjoint and inside the text of {len(data)} bytes; found "
                f"{span.cls} at {span.start}-{span.end} after byte {done}. Do the spans belong to this text?"
            )
        surrogate = span.surrogate.encode()
        if surrogate.count(b"\n") != data.count(b"\n", span.start, span.end):
            raise PermastackError(
                f"The surrogate of {span.cls} at {span.start}-{span.end} must have as many newlines as the "
                "bytes that it replaces. Do the spans belong to this text?"
            )
        pieces += (data[done : span.start], surrogate)
        done = span.end
    pieces.append(data[done:])
    return b"".join(pieces)
