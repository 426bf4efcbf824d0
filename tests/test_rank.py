"""The total order of occurrences against the same order written in Python."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given

from pipeline.rank import VERDICT_ORDER, ranked
from pipeline.swhid import content_id
from tests.exact.rows import Row, python_key, rows, table


def order_of(given_rows: list[Row]) -> list[tuple[str, bytes, bytes]]:
    found = ranked(table(given_rows))
    return list(zip(*(found.column(name).to_pylist() for name in ("origin", "path", "blob")), strict=True))


BASE = Row("pkg:pypi/b@1", b"b.py", content_id(b"1"))


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"license_type": "permissive"}, {"license_type": "permissive_weak"}),
        ({"license_type": "permissive_weak"}, {"license_type": "no_license"}),
        ({"license_type": "no_license"}, {"license_type": "contested"}),
        ({"license_type": "contested"}, {"license_type": "non_permissive"}),
        ({"license_type": "permissive", "stars": None}, {"license_type": "no_license", "stars": 9}),
        ({"stars": 10}, {"stars": 9}),
        ({"stars": 0}, {"stars": None}),
        ({"stars": 9, "date": None}, {"stars": 8, "date": 0}),
        ({"date": 0}, {"date": 1}),
        ({"date": -1}, {"date": 0}),
        ({"date": 2**40}, {"date": None}),
        ({"date": 1, "origin": "z"}, {"date": 2, "origin": "a"}),
        ({"origin": "a", "path": b"z"}, {"origin": "b", "path": b"a"}),
        ({"origin": "Z"}, {"origin": "a"}),
        ({"path": b"a"}, {"path": b"b"}),
        ({"path": b"a"}, {"path": b"a/b"}),
        ({"path": b"z"}, {"path": b"\xff"}),
    ],
)
def test_table_of_pairs(better: dict[str, Any], worse: dict[str, Any]) -> None:
    first, second = BASE._replace(**better), BASE._replace(**worse)
    for pair in ([first, second], [second, first]):
        assert order_of(pair)[0] == (first.origin, first.path, first.blob)


@given(rows())
def test_the_order_is_that_of_the_python_key(given_rows: list[Row]) -> None:
    expected = [(row.origin, row.path, row.blob) for row in sorted(given_rows, key=python_key)]
    assert order_of(given_rows) == expected
    assert order_of(given_rows[::-1]) == expected
    # Total: no two rows are equal, so that nothing else can decide.
    assert len({python_key(row) for row in given_rows}) == len(given_rows)


def test_every_verdict_has_a_place() -> None:
    from pipeline.stages.license.policy import LicenseType

    assert {str(verdict) for verdict in LicenseType} == set(VERDICT_ORDER)


def test_prior_files_come_first_and_guards_before_other_verdicts() -> None:
    verdicts = ["permissive", "non_permissive", None]
    occurrences = pa.table(
        {
            "license_type": pa.array(verdicts, pa.string()),
            "stars": pa.array([5, None, None], pa.int64()),
            "date": pa.array([datetime(2020, 1, 1, tzinfo=UTC), None, None], pa.timestamp("ms", tz="UTC")),
            "origin": pa.array(["a", "b", None], pa.string()),
            "path": pa.array([b"a", b"b", None], pa.binary()),
            "blob": pa.array([content_id(b"a"), content_id(b"b"), content_id(b"c")], pa.binary(20)),
            "prior": [False, True, False],
        }
    )
    assert ranked(occurrences).column("license_type").to_pylist() == ["non_permissive", None, "permissive"]
