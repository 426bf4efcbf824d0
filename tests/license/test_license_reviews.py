"""Reviews: what people read goes before detection, where it was read, and only where readers agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.stages.license.evidence import Fact, Finding
from pipeline.stages.license.expression import parse
from pipeline.stages.license.reviews import Review, Reviews, load_reviews

BLOB = b"\1" * 20
SUBJECT = "swh:1:cnt:" + BLOB.hex()
GPL = Fact(BLOB, (Finding(parse("GPL-2.0-only"), "gpl.RULE", "2-aho", 100.0),))


def review(
    expression: str = "MIT", reviewer: str = "Ann", day: str = "2026-01-02", scope: str = "everywhere"
) -> Review:
    return Review.model_validate(
        {
            "subject": SUBJECT,
            "expression": expression,
            "reviewer": reviewer,
            "date": day,
            "reason": "read it",
            "scope": scope,
        }
    )


def applied(*reviews: Review, origin: str | None = None) -> str | None:
    expression = Reviews(reviews).applied(GPL, origin).expression
    return None if expression is None else str(expression)


def test_a_review_goes_before_detection_and_says_so() -> None:
    (finding,) = Reviews([review()]).applied(GPL, None).findings
    assert (str(finding.expression), finding.matcher, finding.rule) == ("MIT", "review", "Ann, 2026-01-02: read it")
    assert applied(review("NONE")) is None
    assert applied() == "GPL-2.0-only"
    assert Reviews([review()]).applied(Fact(b"\2" * 20, ()), None).findings == ()


def test_scopes() -> None:
    own = review("ISC", scope="https://example.org/x")
    assert applied(own) == "GPL-2.0-only"
    assert applied(own, origin="https://example.org/x") == "ISC"
    assert applied(own, review(), origin="https://example.org/x") == "ISC"
    assert applied(own, review(), origin="https://example.org/y") == "MIT"


def test_readers_who_differ_are_not_applied() -> None:
    assert applied(review(), review("ISC", "Bob")) == "GPL-2.0-only"
    assert applied(review(), review("MIT", "Bob")) == "MIT"
    assert applied(review("ISC"), review("MIT", day="2026-02-01"), review("MIT", "Bob")) == "MIT"
    assert Reviews([review(), review("MIT", "Bob")]).agreement() == (1, 1, [])
    assert Reviews([review(), review("ISC", "Bob")]).agreement() == (0, 1, [SUBJECT])
    assert Reviews([review()]).agreement() == (0, 0, [])


def test_the_digest_is_about_the_reviews_not_their_order() -> None:
    one, two = review(), review("ISC", "Bob")
    assert Reviews([one, two]).digest == Reviews([two, one, one]).digest != Reviews([one]).digest
    assert Reviews().digest == "none"


def test_a_file_round_trips(tmp_path: Path) -> None:
    file = tmp_path / "reviews.jsonl"
    file.write_text(review().line() + "\n\n" + review("ISC", "Bob").line() + "\n", "utf-8")
    assert load_reviews(file).all == [review(), review("ISC", "Bob")]
    assert load_reviews(None).all == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subject": "swh:1:dir:" + "0" * 40}, "is no content"),
        ({"expression": "MIT AND"}, "not a licence expression"),
        ({"expression": "Our own"}, "stands where AND, OR or the end was expected|lists"),
        ({"reviewer": ""}, "reviewer"),
        ({"date": "yesterday"}, "date"),
        ({"resaon": "x"}, "resaon"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, change: dict[str, str], said: str) -> None:
    file = tmp_path / "reviews.jsonl"
    file.write_text(json.dumps(json.loads(review().line()) | change), "utf-8")
    with pytest.raises(ConfigError, match=rf"reviews\.jsonl, line 1: .*({said})"):
        load_reviews(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_reviews(tmp_path / "none.jsonl")
