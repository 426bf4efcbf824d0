"""Rows of a dataset to listings: nothing vanishes, and no order matters."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schema import DATASET_REFUSALS
from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.dataset.config import ColumnNames, ParquetSource
from pipeline.stages.ingest.dataset.layouts import mapping_of
from pipeline.stages.ingest.dataset.listing import listing_of
from pipeline.stages.ingest.dataset.mapping import Mapping
from pipeline.stages.ingest.dataset.rows import ROWS, rows_of
from pipeline.stages.ingest.source import Listing, OriginInput, UnusableOrigin
from pipeline.swhid import MODE_EXECUTABLE, MODE_FILE, TreeEntry, content_id, directory_ids, swhid

CONFIG = IngestConfig(max_file_bytes=12, max_entries=20)
NAMES = (
    *("path", "repo", "content", "encoding", "sha1_git", "sha1", "length", "mode", "stars", "forks", "date"),
    *("snapshot", "revision", "directory", "branch", "visit_date"),
)
MAPPING = Mapping(ColumnNames(licenses=("licenses",), **{name: name for name in NAMES}), "https://a.org/{repo}")
SCHEMA = pa.schema(
    [
        ("path", pa.binary()), ("repo", pa.string()), ("content", pa.string()), ("encoding", pa.string()),
        ("sha1_git", pa.string()), ("sha1", pa.string()), ("length", pa.int64()), ("mode", pa.int64()),
        ("stars", pa.int64()), ("forks", pa.int64()), ("date", pa.int64()), ("snapshot", pa.string()),
        ("revision", pa.string()), ("directory", pa.string()), ("branch", pa.string()), ("visit_date", pa.int64()),
        ("licenses", pa.list_(pa.string())),
    ]
)  # fmt: skip

TEXTS = ["", "a", "caf\u00e9", "\u65e5\u672c", "x" * 12, "x" * 13, "nul\0"]
IDS = st.sampled_from([None, "", "beef", *(content_id(t.encode()).hex() for t in TEXTS), content_id(b"caf\xe9").hex()])
PLAIN = st.sampled_from([None, "beef", *(hashlib.sha1(t.encode()).hexdigest() for t in TEXTS)])
ROW = st.fixed_dictionaries(
    {
        "path": st.sampled_from(
            [None, b"", b"a", b"a", b"a/b", b"./a", b"/a", b"../a", b".git/x", b"c\\d", b"\xff", b"a\0", b"x" * 5000]
        ),
        "repo": st.sampled_from([None, "", "o/r", "o/r", "o/s", "two words", "{x}", "line\nbreak", "r" * 2000]),
        "content": st.sampled_from([None, *TEXTS]),
        "encoding": st.sampled_from([None, "latin-1", "UTF-16", "punycode", "nonsense"]),
        "sha1_git": IDS,
        "sha1": PLAIN,
        "length": st.sampled_from([None, -1, 1, 13]),
        "mode": st.sampled_from([None, 0o100644, 0o100755, 0o120000, 0o160000, 7, -1]),
        "stars": st.sampled_from([None, 0, 5]),
        "forks": st.none(),
        "date": st.sampled_from([None, 0, -5, 2**62]),
        "snapshot": IDS,
        "revision": IDS,
        "directory": IDS,
        "branch": st.sampled_from([None, "main"]),
        "visit_date": st.sampled_from([None, 3]),
        "licenses": st.sampled_from([None, [], ["MIT"], [None, "ISC"]]),
    }
)
ROWS_OF_ANY_KIND = st.lists(ROW, max_size=8)
OPTIONS = st.fixed_dictionaries({"keep_mismatched": st.booleans(), "has_store": st.booleans()})


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def read(rows: list[dict[str, Any]], **options: bool) -> tuple[pa.Table, pa.Table]:
    return rows_of(table(rows), MAPPING, dataset="data", config=CONFIG, **options)


def listed(rows: list[dict[str, Any]], origin: str = "https://a.org/o/r", **options: bool) -> Listing:
    kept, refused = read([{"repo": "o/r", **row} for row in rows], **options)
    _, listing = listing_of(origin, kept, refused, CONFIG)
    assert isinstance(listing, Listing)
    return listing


def by_origin(kept: pa.Table, refused: pa.Table) -> dict[str, tuple[OriginInput, Listing | UnusableOrigin]]:
    found = {}
    for origin in sorted({*kept.column("origin").to_pylist(), *refused.column("origin").to_pylist()}):
        rows, lost = (t.filter(pc.equal(t.column("origin"), origin)) for t in (kept, refused))
        found[origin] = listing_of(origin, rows, lost, CONFIG)
    return found


@given(ROWS_OF_ANY_KIND, OPTIONS)
def test_each_row_is_kept_or_refused_and_is_what_it_says(rows: list[dict[str, Any]], options: dict[str, bool]) -> None:
    kept, refused = read(rows, **options)
    assert (kept.schema, refused.schema) == (ROWS, DATASET_REFUSALS)
    assert kept.num_rows + refused.num_rows == len(rows)
    for row in kept.to_pylist():
        assert row["proof"] in (
            {"unread"} if row["data"] is None else {"checked", "unchecked", "not_encoded", "altered"}
        )
        if row["data"] is not None:
            assert row["blob"] == content_id(row["data"])
            assert row["length"] == len(row["data"]) <= CONFIG.max_file_bytes
        else:
            assert options["has_store"]
            assert row["sha1"] is not None
        assert row["proof"] != "altered" or options["keep_mismatched"]


@given(ROWS_OF_ANY_KIND, OPTIONS, st.integers(0, 8))
def test_batches_do_not_matter(rows: list[dict[str, Any]], options: dict[str, bool], cut: int) -> None:
    whole = read(rows, **options)
    pieces = [read(rows[:cut], **options), read(rows[cut:], **options)]
    for at_once, split in zip(whole, zip(*pieces, strict=True), strict=True):
        assert pa.concat_tables(split).combine_chunks().equals(at_once.combine_chunks())


@given(ROWS_OF_ANY_KIND, OPTIONS, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_listings_conserve(
    rows: list[dict[str, Any]], options: dict[str, bool], shuffle: random.Random
) -> None:
    # Few origins, so that rows meet.
    rows = [row | {"repo": row["repo"] and "o/r"} for row in rows]
    found = by_origin(*read(rows, **options))
    shuffled = rows.copy()
    shuffle.shuffle(shuffled)
    again = by_origin(*read(shuffled, **options))
    assert {o: (i, str(r) if isinstance(r, UnusableOrigin) else r) for o, (i, r) in found.items()} == {
        o: (i, str(r) if isinstance(r, UnusableOrigin) else r) for o, (i, r) in again.items()
    }
    total = 0
    for item, listing in found.values():
        assert isinstance(listing, Listing)
        total += len(listing.entries) + len(listing.refusals)
        paths = [e.path for e in listing.entries]
        assert len(paths) == len(set(paths))
        placed = [TreeEntry(e.path, e.mode, e.blob) for e in listing.entries]
        placed += [TreeEntry(r.path, r.mode, r.blob) for r in listing.refusals if r.blob is not None]
        assert list(directory_ids(placed))[-1][1] == listing.directory
        assert item.digest.startswith("sha256:")
    assert total == len(rows)


@pytest.mark.parametrize(
    ("row", "rule", "placed"),
    [
        ({"repo": None}, "missing_repo", False),
        ({"repo": ""}, "missing_repo", False),
        ({"repo": "two words"}, "missing_repo", False),
        ({"repo": "a\u2028b"}, "missing_repo", False),
        ({"path": None}, "missing_path", False),
        ({"path": b""}, "unsafe_path", False),
        ({"path": b"/etc/passwd"}, "unsafe_path", False),
        ({"path": b"a/../b"}, "unsafe_path", False),
        ({"path": b"C:\\a"}, "unsafe_path", True),
        ({"path": b".git/config"}, "vcs_metadata", False),
        ({"content": None}, "missing_content", False),
        ({"content": None, "sha1_git": "e" * 40}, "missing_content", True),
        ({"content": "x" * 13}, "too_large", True),
        ({"sha1_git": "e" * 40}, "id_mismatch", True),
        ({"sha1": "e" * 40}, "id_mismatch", False),
        ({"sha1": "e" * 39}, "malformed_id", False),
        ({"mode": 0o120000}, "symlink", False),
        ({"mode": 0o160000, "sha1_git": "e" * 40, "content": None}, "submodule", True),
    ],
)
def test_what_is_refused(row: dict[str, Any], rule: str, placed: bool) -> None:
    kept, refused = read([{"path": b"p", "repo": "o/r", "content": "x", **row}])
    assert kept.num_rows == 0
    [found] = refused.to_pylist()
    assert (found["rule"], found["blob"] is not None) == (rule, placed)
    assert found["reason"]
    assert "/tmp" not in found["reason"]


def test_a_repository_row_without_files_is_not_lost() -> None:
    mapping = mapping_of(ParquetSource(path="x", layout="stack-v3"))
    struct = pa.struct([("file_path", pa.string()), ("content", pa.string())])
    rows = pa.table({"repo_path": ["o/r"], "files": pa.array([None], pa.list_(struct))})
    kept, refused = rows_of(rows, mapping, dataset="data", config=CONFIG)
    assert (kept.num_rows, refused.column("rule").to_pylist()) == (0, ["no_files"])
    kept, refused = rows_of(rows.slice(1), mapping, dataset="data", config=CONFIG)
    assert (kept.num_rows, refused.num_rows) == (0, 0)


def test_the_listing_of_a_repository() -> None:
    data = {b"a.py": "a", b"d/b.py": "b"}
    rows = [
        {"path": path, "content": text, "sha1_git": content_id(text.encode()).hex(), "revision": "1" * 40,
         "snapshot": "2" * 40, "branch": "refs/heads/main", "date": 5, "visit_date": 9, "stars": stars}
        for stars, (path, text) in enumerate(data.items())
    ]  # fmt: skip
    listing = listed(rows)
    tree = [TreeEntry(path, MODE_FILE, content_id(text.encode())) for path, text in data.items()]
    assert listing.directory == list(directory_ids(tree))[-1][1]
    assert [(e.path, e.length) for e in listing.entries] == [(b"a.py", 1), (b"d/b.py", 1)]
    assert (listing.revision, listing.snapshot) == ("swh:1:rev:" + "1" * 40, "swh:1:snp:" + "2" * 40)
    assert (listing.branch, listing.revision_date, listing.visit_date) == ("refs/heads/main", 5, 9000)
    assert listing.messages == (
        "the dataset may not hold every file of the repository: its directory id is over 2 paths",
    )
    item, _ = listing_of("o", *read([{"repo": "o/r", **row} for row in rows]), CONFIG)
    assert (item.origin, item.kind, item.stars, item.forks, item.locator) == ("o", "parquet", 1, None, "")
    # A directory id that the dataset gives, and that its rows have, proves that no file is missing.
    whole = [row | {"directory": swhid("dir", listing.directory)} for row in rows]
    assert listed(whole).messages == ()


def test_rows_that_disagree_about_the_repository_say_so() -> None:
    listing = listed(
        [{"path": b"a", "content": "a", "revision": "1" * 40}, {"path": b"b", "content": "b", "revision": "3" * 40}]
    )
    assert listing.revision is None
    assert any("do not agree on the revision (2 are named)" in text for text in listing.messages)


def test_two_rows_of_one_path() -> None:
    same = listed([{"path": b"a", "content": "a"}, {"path": b"./a", "content": "a"}])
    assert [e.blob for e in same.entries] == [content_id(b"a")]
    assert [(r.path, r.rule, r.blob) for r in same.refusals] == [(b"a", "duplicate_row", None)]
    newer = listed([{"path": b"a", "content": "b", "date": 9}, {"path": b"a", "content": "a", "date": 5}])
    assert [e.blob for e in newer.entries] == [content_id(b"b")]
    assert [(r.path, r.rule, r.blob) for r in newer.refusals] == [(b"a", "path_conflict", None)]
    checked = {"path": b"a", "content": "z", "sha1_git": content_id(b"z").hex(), "date": -9}
    assert [e.blob for e in listed([{"path": b"a", "content": "a", "date": 5}, checked]).entries] == [content_id(b"z")]


def test_a_file_in_the_way_of_a_folder() -> None:
    listing = listed([{"path": b"a", "content": "x"}, {"path": b"a/b", "content": "y", "mode": 0o100755}])
    assert [(e.path, e.mode) for e in listing.entries] == [(b"a/b", MODE_EXECUTABLE)]
    assert [(r.path, r.rule, r.blob) for r in listing.refusals] == [(b"a", "name_conflict", None)]


def test_a_refused_copy_of_a_listed_path_leaves_the_tree() -> None:
    row = {"path": b"a", "content": "x"}
    listing = listed([row, row | {"sha1_git": "e" * 40}])
    assert [r.rule for r in listing.refusals] == ["id_mismatch"]
    assert listing.directory == listed([row]).directory


def test_an_origin_of_too_many_rows_is_refused_whole() -> None:
    kept, refused = read([{"path": b"%d" % n, "repo": "o/r", "content": "x"} for n in range(21)])
    _, result = listing_of("o", kept, refused, CONFIG)
    assert isinstance(result, UnusableOrigin)
    assert result.rule == "too_many_entries"


def test_rows_that_their_store_was_not_asked_for_by_sha1_are_refused() -> None:
    rows: list[dict[str, Any]] = [
        {"path": b"a", "sha1": "1" * 40, "sha1_git": "2" * 40, "length": 5},
        {"path": b"b", "sha1": "3" * 40},
        {"path": b"c", "sha1": "3" * 40, "sha1_git": "4" * 40},
    ]
    listing = listed(rows, has_store=True)
    assert [(e.path, e.blob, e.length) for e in listing.entries] == [(b"a", bytes.fromhex("2" * 40), 5)]
    assert [(r.path, r.rule, r.blob) for r in listing.refusals] == [
        (b"b", "missing_content", None),
        (b"c", "missing_content", bytes.fromhex("4" * 40)),
    ]


def test_messages_count_what_is_not_proved() -> None:
    listing = listed(
        [
            {"path": b"a", "content": "\u65e5", "encoding": "koi8-r"},
            {"path": b"b", "content": "b"},
            {"path": b"c", "content": "c", "sha1": "e" * 40},
        ],
        keep_mismatched=True,
    )
    assert sorted(text.partition(" ")[0] for text in listing.messages[1:]) == ["1", "1", "1"]
    assert any("do not have the ids" in text for text in listing.messages)


def test_licences_that_the_dataset_gives() -> None:
    kept, _ = read(
        [
            {"path": b"a", "repo": "o/r", "content": "a", "licenses": ["MIT"]},
            {"path": b"a", "repo": "o/r", "content": "a", "licenses": ["ISC", "MIT"]},
            {"path": b"b", "repo": "o/r", "content": "b", "licenses": None},
        ]
    )
    _, listing = listing_of("https://a.org/o/r", kept, DATASET_REFUSALS.empty_table(), CONFIG)
    assert isinstance(listing, Listing)
    assert listing.declared_license == "ISC AND MIT"


def test_the_largest_content_that_is_read() -> None:
    kept, refused = read([{"path": b"p", "repo": "o/r", "content": "x" * length} for length in (12, 13)])
    assert kept.column("length").to_pylist() == [12]
    assert [(r["rule"], r["length"]) for r in refused.to_pylist()] == [("too_large", 13)]
