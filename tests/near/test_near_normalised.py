from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.audit.explain import Explainer
from pipeline.audit.verify import audit_release
from pipeline.build import build
from pipeline.config import make_config
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.normalised import digests, identity_rows
from pipeline.stages.near.verify import choose
from pipeline.swhid import content_id
from tests.corpus import long_module, tar_of

from .samples import blobs_of, choosable, large

CONFIG = NearConfig(normalised=True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a\nb\n", "a\r\nb\r\n", True),
        ("a\nb\n", "a\rb", True),
        ("a\nb", "a  \nb\t\n\n", True),
        ("a\nb", "\ufeffa\nb", True),
        ("a\nb", "a\n b", False),
        ("a\nb", "a\n\nb", False),
        ("a", "A", False),
        ("a b", "a  b", False),
        ("é\u00a0", "é", False),  # a no-break space is not blank
    ],
)
def test_what_counts_as_the_same(one: str, other: str, same: bool) -> None:
    first, second = digests(large([one, other])).to_pylist()
    assert (first == second) == same


@pytest.mark.parametrize("blank", ["", " ", "\n\n", "\t \t\n  \n", "\ufeff"])
def test_blanks_alone_have_no_digest(blank: str) -> None:
    assert digests(large([blank])).to_pylist() == [None]
    assert identity_rows(pa.chunked_array([blobs_of([blank])]), pa.chunked_array([large([blank])])).num_rows == 0


def _choosable(texts: list[str], **kinds: Any) -> pa.Table:
    return choosable(texts, CONFIG, **kinds).append_column("normalised", digests(large(texts)))


LONG = "one two three four five six seven"


@pytest.mark.parametrize(
    ("texts", "kinds", "expected"),
    [
        (["x = 1\n", "x = 1\r\n", "x = 2\n"], {}, [(1, 0, True, False)]),  # too short to be compared
        ([LONG, f"{LONG}\r\n", f"{LONG} eight"], {}, [(1, 0, True, False), (2, 0, False, False)]),
        (["x = 1\n", "x = 1\r\n"], {"priors": [1]}, [(0, 1, True, False)]),
        (["x = 1\n", "x = 1\r\n"], {"priors": [0, 1]}, []),
        (["x = 1\n", "x = 1\r\n"], {"priors": [0], "guards": [1]}, [(0, 1, True, True)]),
        (["", "\n"], {}, []),
        (["+-[]<>+-!" * 9, "+-[]<>+-!" * 9 + "\r\n"], {}, [(1, 0, True, False)]),
    ],
)  # fmt: skip
def test_choice(texts: list[str], kinds: dict[str, Any], expected: list[tuple[int, int, bool, bool]]) -> None:
    place = {blob: i for i, blob in enumerate(blobs_of(texts).to_pylist())}
    rows = choose(_choosable(texts, **kinds), CONFIG).dropped.to_pylist()
    found = [(place[r["dropped"]], place[r["kept"]], r["normalised"], r["against_guard"]) for r in rows]
    assert sorted(found) == expected
    assert all(row["jaccard"] == 1.0 for row in rows if row["normalised"])


def _build(root: Path, facts: Path, *changes: str) -> Path:
    data: dict[str, Any] = {
        "ingest": {"sources": [{"kind": "archives", "path": "in/*"}]},
        "license": {"headers": False},
        "redact": {"enabled": False},
        "language": {"enabled": False},
        "near": {"normalised": True},
        "execution": {"facts": str(facts), "parts": 2, "buckets": 2, "cluster": {"kind": "inline"}},
    }
    return build(make_config(data, list(changes), root, "test")).folder


def test_in_a_release_and_after_it(facts: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    about = "Metadata-Version: 2.4\nName: r\nVersion: 1.0\nLicense-Expression: MIT\n"
    files = {"PKG-INFO": about, "short.py": "x = 1\n", "short_crlf.py": "x = 1\r\n", "long.py": long_module("long")}
    files["long_crlf.py"] = files["long.py"].replace("\n", "\r\n")
    (tmp_path / "in" / "r-1.0.tar.gz").write_bytes(tar_of("r-1.0", files))
    release = _build(tmp_path, facts)
    assert audit_release(release).problems == []
    rows = pq.read_table(release / "ledger/duplicates").to_pylist()
    gone = {content_id(files[name].encode()) for name in ("short_crlf.py", "long_crlf.py")}
    assert {(row["dropped"], row["kind"], row["jaccard"]) for row in rows} == {(b, "normalised", 1.0) for b in gone}
    (answer,) = Explainer(release).explain(f"swh:1:cnt:{content_id(files['short_crlf.py'].encode()).hex()}")
    assert answer["rule"] == "normalised_duplicate"
    assert answer["duplicate_of"]["kind"] == "normalised"

    new = {"PKG-INFO": about, "again.py": "x = 1 \n", "other.py": "x = 2\n"}
    (tmp_path / "in" / "s-1.0.tar.gz").write_bytes(tar_of("s-1.0", new))
    after = _build(tmp_path, facts, "dataset.version=0.2.0", f"near.prior={release}")
    assert audit_release(after).problems == []
    found = {row["dropped"]: row for row in pq.read_table(after / "ledger/duplicates").to_pylist()}
    assert gone < found.keys()
    row = found[content_id(new["again.py"].encode())]
    assert (row["kept"], row["kind"]) == (content_id(files["short.py"].encode()), "normalised")

    plain = _build(tmp_path, facts, "dataset.version=0.3.0", "near.normalised=false")
    kinds = [row["kind"] for row in pq.read_table(plain / "ledger/duplicates").to_pylist()]
    assert kinds.count("near") == 1
    assert "normalised" not in kinds
