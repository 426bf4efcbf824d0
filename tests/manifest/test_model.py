"""The manifest's documents: read, kept, written, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import IntegrityError
from pipeline.manifest.model import (
    SPEC_VERSION,
    Entry,
    Previous,
    Release,
    Totals,
    entries_text,
    read_entries,
    read_release,
)


def _release() -> Release:
    return Release(
        schema_version=1,
        name="tiny",
        version="1.0.0",
        previous=Previous(version="0.9.0", root="ab"),
        totals=Totals(listed=3, released=1, merged=1, dropped={"near.near_duplicate": 1}),
        origins=1,
        languages={"": 1},
        licenses={"MIT": 1},
        redactions={},
        configuration={"near": {"threshold": 0.7}},
        policies={"license": "cd"},
        versions={"pyarrow": "1"},
    )


def _entry(path: str = "data/c/00000.parquet") -> Entry:
    return Entry(path=path, table="data", bytes=1, sha256="ef", rows=1, bucket=0, buckets=1)


_NAMES = st.text(st.characters(codec="ascii", categories=["L"]), min_size=12, max_size=14)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=3), st.dictionaries(_NAMES, _VALUES, max_size=2))
def test_unknown_fields_of_a_release_are_kept(
    tmp_path_factory: pytest.TempPathFactory, outer: dict[str, object], inner: dict[str, object]
) -> None:
    document = json.loads(_release().text()) | outer
    document["totals"] |= inner
    path = tmp_path_factory.mktemp("release") / "release.json"
    path.write_text(json.dumps(document))
    release = read_release(path)
    assert json.loads(release.text()) == document
    path.write_bytes(release.text())
    assert read_release(path).text() == release.text()


@given(st.dictionaries(_NAMES, _VALUES.filter(lambda value: value is not None), max_size=3))
def test_unknown_fields_of_a_line_are_kept(tmp_path_factory: pytest.TempPathFactory, extra: dict[str, object]) -> None:
    document = json.loads(_entry().line()) | extra
    path = tmp_path_factory.mktemp("entries") / "manifest.jsonl"
    path.write_text(json.dumps(document) + "\n")
    (entry,) = read_entries(path)
    assert json.loads(entry.line()) == document


def test_a_field_that_came_later_does_not_change_an_older_root(tmp_path: Path) -> None:
    """A release that does not state a field with a default keeps the root that it had."""
    document = json.loads(_release().text())
    del document["commitment_key_ids"], document["quarantine"], document["description"]
    path = tmp_path / "release.json"
    path.write_text(json.dumps(document))
    older = read_release(path)
    assert older.quarantine == {}
    assert json.loads(older.text()) == document
    assert older.computed_root([]) != _release().computed_root([])


def test_the_root_is_over_everything_but_itself() -> None:
    release, entries = _release(), [_entry("a"), _entry("b")]
    root = release.computed_root(entries)
    release.root = root
    assert release.computed_root(entries) == root
    assert release.computed_root(reversed(entries)) == root
    assert release.computed_root(entries[:1]) != root
    assert release.computed_root([*entries, entries[0]]) != root
    entries[0].bytes += 1
    assert release.computed_root(entries) != root
    entries[0].bytes -= 1
    release.description = "another"
    assert release.computed_root(entries) != root


def test_a_made_release_states_every_field() -> None:
    stated = json.loads(_release().text())
    assert set(stated) == set(Release.model_fields)
    assert stated["spec_version"] == SPEC_VERSION


def test_entries_are_written_by_path_without_nulls() -> None:
    lines = entries_text([_entry("b"), _entry("a")]).splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["a", "b"]
    assert "body_sha256" not in json.loads(lines[0])


@pytest.mark.parametrize(
    ("totals", "closes"),
    [((3, 1, 1, {"a.b": 1}), True), ((3, 1, 1, {}), False), ((0, 0, 0, {}), True), ((2, 1, 1, {"a.b": 1}), False)],
)
def test_totals_close_or_not(totals: tuple[int, int, int, dict[str, int]], closes: bool) -> None:
    listed, released, merged, dropped = totals
    assert Totals(listed=listed, released=released, merged=merged, dropped=dropped).closes is closes


def test_a_newer_spec_is_refused(tmp_path: Path) -> None:
    release = _release()
    release.spec_version = SPEC_VERSION + 1
    (tmp_path / "release.json").write_bytes(release.text())
    with pytest.raises(IntegrityError, match=f"spec_version is {SPEC_VERSION + 1}.*use a newer one"):
        read_release(tmp_path / "release.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "is no valid release.json"),
        (lambda text: b"", "is no valid release.json"),
        (lambda text: b"[]", "is no valid release.json"),
        (lambda text: text.replace(b'"listed": 3', b'"listed": "many"'), "totals.listed"),
        (lambda text: text.replace(b'"version": "1.0.0"', b'"version": 1'), "version"),
        (lambda text: text.replace(b'"name": "tiny",', b""), "name: Field required"),
        (lambda text: b"\xff" + text, "is no valid release.json"),
    ],
    ids=["truncated", "empty", "list", "number", "type", "missing", "no-utf8"],
)
def test_a_release_that_cannot_be_read_says_why(change: object, message: str, tmp_path: Path) -> None:
    assert callable(change)
    path = tmp_path / "release.json"
    path.write_bytes(change(_release().text()))
    with pytest.raises(IntegrityError, match=message):
        read_release(path)


def test_a_missing_manifest_says_so(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"no release here \(expected release\.json\)"):
        read_release(tmp_path / "release.json")
    with pytest.raises(IntegrityError, match="is missing"):
        read_entries(tmp_path / "manifest.jsonl")
    with pytest.raises(IntegrityError, match="is no valid"):
        read_release(tmp_path)


def test_a_line_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(_entry().line() + b"\n" + b'{"path": "x"}\n')
    with pytest.raises(IntegrityError, match="table: Field required"):
        read_entries(path)
