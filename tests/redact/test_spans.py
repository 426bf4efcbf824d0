from __future__ import annotations

import pytest

from pipeline.errors import PermastackError
from pipeline.stages.redact import Span, redact
from pipeline.stages.redact.surrogates import is_reserved, surrogate


def span(start: int, end: int, stand_in: str = "S") -> Span:
    return Span(start, end, "SECRET", "d", "1", 1.0, "code", stand_in, 1)


def test_only_spans_change() -> None:
    assert redact(b"0123456789", [span(0, 2, "ab"), span(2, 3, ""), span(8, 10, "xyz")]) == b"ab34567xyz"
    assert redact(b"abc", []) == b"abc"
    assert redact("é=x".encode(), [span(3, 4, "ü")]) == "é=ü".encode()


@pytest.mark.parametrize(
    "spans",
    [
        [span(3, 3)],
        [span(4, 2)],
        [span(0, 3), span(2, 4)],
        [span(5, 6), span(0, 1)],
        [span(8, 11)],
        [span(-1, 2)],
    ],
)
def test_spans_that_do_not_fit_are_refused(spans: list[Span]) -> None:
    with pytest.raises(PermastackError, match="sorted, disjoint"):
        redact(b"0123456789", spans)


def test_newlines_must_stay() -> None:
    with pytest.raises(PermastackError, match="newlines"):
        redact(b"ab\ncd", [span(1, 4)])
    assert redact(b"ab\ncd", [span(1, 4, "x\ny")]) == b"ax\nyd"


def test_surrogates() -> None:
    assert [surrogate("IPV4", k) for k in (1, 254, 255, 508, 509, 762, 763)] == [
        "192.0.2.1",
        "192.0.2.254",
        "198.51.100.1",
        "198.51.100.254",
        "203.0.113.1",
        "203.0.113.254",
        "192.0.2.1",
    ]
    assert surrogate("IPV6", 17) == "2001:db8::11"
    assert len({surrogate("IPV6", k) for k in range(1, 200_000, 7)}) == len(range(1, 200_000, 7))
    assert surrogate("EMAIL", 3) == "user3@example.com"
    assert surrogate("JWT", 2) == "REDACTED_JWT_2"
    assert is_reserved("x REDACTED_JWT_2 y")
    assert not is_reserved("UNREDACTEDLY")
