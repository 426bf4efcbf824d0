from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.schema import BLOB, DUPLICATES
from pipeline.site.duplicates import bars, curve, difference, page
from pipeline.stages.near.bands import band_rows
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.report import recall, summary

from .samples import blobs_of, jaccard, large, shingle_set, variants

CONFIG = NearConfig()
TEXTS = variants(300)
NO_BUDGET = {"budget_hits": 3, "giant_components": []}
KEYS = band_rows(blobs_of(TEXTS), large(TEXTS), CONFIG)


def _pairs() -> pa.Table:
    """Every pair at 0.7 that shares a key, the later file called dropped."""
    sets = [shingle_set(text) for text in TEXTS]
    blobs = blobs_of(TEXTS).to_pylist()
    keys = [set(enumerate(KEYS["key"].to_pylist()[32 * i : 32 * i + 32])) for i in range(len(TEXTS))]
    rows = [
        {"dropped": blobs[b], "kept": blobs[a], "kind": "near", "jaccard": j, "component": bytes(20)}
        for b in range(len(TEXTS))
        for a in range(b)
        if (j := jaccard(sets[a], sets[b])) >= 0.7 and keys[a] & keys[b]
    ]
    return pa.Table.from_pylist(rows, schema=DUPLICATES)


PAIRS = _pairs()


def test_recall_expected_and_measured() -> None:
    rows = recall(PAIRS, KEYS, CONFIG)
    assert sum(row["pairs"] for row in rows) == len(PAIRS) > 100
    assert rows[-1]["expected"] == pytest.approx(1.0)
    sets = [shingle_set(text) for text in TEXTS]
    true = sum(0.7 <= jaccard(a, b) < 0.75 for i, a in enumerate(sets) for b in sets[:i])
    assert rows[0]["measured"] == pytest.approx(rows[0]["pairs"] / true, abs=0.12)
    assert rows[0]["expected"] == pytest.approx(rows[0]["pairs"] / true, abs=0.12)


def test_summary_counts_and_names() -> None:
    kept, dropped = PAIRS["kept"][0].as_py(), PAIRS["dropped"][0].as_py()
    about = pa.table({
        "blob": pa.array([kept, dropped], BLOB), "language": [None, "C"], "license_expression": [None, "MIT"],
    })  # fmt: skip
    found = summary(PAIRS, about, KEYS, CONFIG)
    assert found["dropped"] == len(PAIRS)
    assert sum(found["dropped_by_language"].values()) == sum(found["dropped_by_license"].values()) == len(PAIRS)
    times = PAIRS["dropped"].to_pylist().count(dropped)
    assert found["dropped_by_language"] == {"": len(PAIRS) - times, "C": times}
    assert found["dropped_by_license"] == {"": len(PAIRS) - times, "MIT": times}
    assert sum(int(size) * count for size, count in found["cluster_sizes"].items()) == len(PAIRS) + found["clusters"]
    assert len(found["largest"]) == 10
    assert found["largest"][0]["files"] == max(map(int, found["cluster_sizes"]))
    assert found["largest"][0]["jaccard"] >= 0.7


def test_nothing_dropped() -> None:
    found = summary(DUPLICATES.empty_table(), pa.table({"blob": pa.array([], BLOB)}), KEYS, CONFIG)
    assert (found["dropped"], found["largest"]) == (0, [])
    assert {row["measured"] for row in found["recall"]} == {None}
    assert "None." in page(found | NO_BUDGET, "empty")
    large = [{"files": 2500, "pieces": 3}, {"files": 1000, "pieces": 2}]
    made = page(found | {"budget_hits": 0, "giant_components": large}, "cut")
    assert "2 giant components of 3,500 files in all were decided in 5 pieces." in made


def test_the_page_escapes_what_comes_from_files() -> None:
    found = summary(PAIRS, pa.table({"blob": pa.array([], BLOB)}), KEYS, CONFIG) | NO_BUDGET
    for row in found["largest"]:
        row["difference"] = difference("<script>alert(1)</script>\nsame", "same")
    made = page(found, "<title>")
    assert "<script>" not in made
    assert "&lt;script&gt;" in made
    assert made.count("<svg") == 4
    assert "<b>" not in bars([("<b>", 2)])
    assert f">{'x' * 35}…<" in bars([("x" * 90, 2)])
    assert curve(found["recall"]).count("<circle") == sum(row["measured"] is not None for row in found["recall"])


def test_a_difference_is_bounded() -> None:
    lines = difference("\n".join(map(str, range(10_000))), "x" * 10_000)
    assert len(lines) == 30
    assert max(map(len, lines)) <= 160
