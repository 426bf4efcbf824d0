"""A release with histories: its dates and revisions are git's, and it names nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipeline.audit.verify import audit_release
from pipeline.build import Built, build
from pipeline.config import make_config
from pipeline.swhid import swhid
from tests.conftest import EXPORT
from tests.swh.git_history import extremes, load, logged, parents_of
from tests.swh.hostile_repositories import BASE, HostileRepository, git, make_all
from tests.swh.test_swh_decisions import URL
from tests.swh.test_swh_decisions import run as run_small
from tests.swh.test_swh_repositories import HEADS
from tests.swh.trees import SmallExport

AT = "@"
MAIL = f"a{AT}example.org"  # of whoever committed


def run(folder: Path, facts: Path, export: Path = EXPORT, *changes: str) -> Built:
    key = folder / "key"
    key.write_bytes(b"k" * 32)
    source = {
        "kind": "swh", "name": "small", "export": str(export / "orc"), "contents": str(export / "content"),
        "history": True,
    }  # fmt: skip
    execution = {
        "work": str(folder / "work"), "releases": str(folder / "releases"), "facts": str(facts), "parts": 2,
        "buckets": 2, "cluster": {"kind": "inline"},
    }  # fmt: skip
    data = {"ingest": {"sources": [source]}, "redact": {"commitment_key": str(key)}, "execution": execution}
    built = build(make_config(data, list(changes), folder, "test"))
    assert audit_release(built.folder, deep=True).problems == []
    return built


def rows_of(built: Built, table: str) -> pa.Table:
    return ds.dataset(built.folder / table, format="parquet").to_table()


def compare(built: Built, repositories: dict[str, HostileRepository]) -> None:
    """Hold the release against git: each row's dates, and each revision of what is released."""
    data = rows_of(built, "data")
    for name in ("first_seen", "last_changed"):
        data = data.set_column(data.column_names.index(name), name, data.column(name).cast(pa.int64()))
    ledger = {row["revision"]: row for row in rows_of(built, "ledger/revisions").to_pylist()}
    expected: set[str] = set()
    compared = 0
    for name, head in HEADS.items():
        path = repositories[name].path
        loaded, commit = load(path), git("rev-parse", f"{head}^{{commit}}", cwd=path).decode().strip()
        commits = {row["id"]: row for row in loaded.tables.revisions}
        parents, dates = parents_of(loaded), extremes(path, loaded, commit)
        rows = [row for row in data.to_pylist() if row["origin"] == BASE + name]
        if not rows:
            continue  # then its history is not shown either
        for row in rows:
            ends = dates[row["path_bytes"] or row["path"].encode()]
            assert [row["first_seen_revision"], row["last_changed_revision"]] == [swhid("rev", end) for end in ends]
            moments = [commits[end]["committer_date"] // 1000 for end in ends]
            assert [row["first_seen"], row["last_changed"]] == moments
            compared += 1
        for revision in logged(path, commit):
            row, own = ledger[swhid("rev", revision)], commits[revision]
            expected.add(row["revision"])
            assert row["parents"] == [swhid("rev", parent) for parent in parents[revision]]
            assert row["directory"] == swhid("dir", own["directory"])
            assert row["committer_seconds"] == own["committer_date"] // 1_000_000
            assert row["author_offset"] == own["date_raw_offset_bytes"].decode()
            assert row["message"] == own["message"].decode()
            assert len(row["author"]) == 32
    assert set(ledger) == expected
    assert compared == sum(origin.startswith(BASE) for origin in data.column("origin").to_pylist()) > 15


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HostileRepository]:
    made = make_all(tmp_path_factory.mktemp("repositories"))
    return {repository.url.removeprefix(BASE): repository for repository in made}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, facts: Path) -> Built:
    return run(tmp_path_factory.mktemp("built"), facts)


def test_dates_and_revisions_are_gits(built: Built, repositories: dict[str, HostileRepository]) -> None:
    compare(built, repositories)


def test_a_directory_without_a_revision_has_no_dates(built: Built) -> None:
    rows = rows_of(built, "data").filter(pa.compute.is_null(pa.compute.field("revision_id"))).to_pylist()
    assert rows
    assert {row[name] for row in rows for name in ("first_seen", "last_changed_revision")} == {None}


def test_who_has_what_from_whom_is_told(built: Built) -> None:
    assert copied(built) == {("fork", "library", "fork")}  # by their histories: nobody declared it


def copied(built: Built) -> set[tuple[str, str, str]]:
    rows = rows_of(built, "ledger/duplicates").filter(pa.compute.field("kind").isin(["repository", "directory"]))
    ends = ("dropped_origin", "kept_origin")
    return {(*(row[end].removeprefix(BASE) for end in ends), row["relation"]) for row in rows.to_pylist()}


def test_nobody_is_named_in_the_release_nor_on_the_way(built: Built) -> None:
    work = built.folder.parents[2] / "work"
    tables = [*built.folder.rglob("*.parquet"), *(work / "01-ingest").glob("describe/**/*.parquet")]
    tables += (work / "01-ingest").glob("revisions/**/*.parquet")
    said = [repr(pq.ParquetFile(path).read().to_pydict()) for path in tables]
    said += [path.read_text() for path in (work / "01-ingest" / "receipts").glob("*.json")]
    assert any("REDACTED" not in text and "swh:1:rev:" in text for text in said)
    assert not any(MAIL in text for text in said)


def test_what_opted_out_has_no_history_but_what_others_share(
    tmp_path: Path, facts: Path, repositories: dict[str, HostileRepository]
) -> None:
    registry = tmp_path / "optout.jsonl"
    scopes = [{"kind": "origin", "value": BASE + name} for name in ("tool", "library")]
    lines = [{"id": str(n), "received": "2026-11-01", "scope": scope} for n, scope in enumerate(scopes)]
    registry.write_text("".join(json.dumps(line) + "\n" for line in lines))
    built = run(tmp_path, facts, EXPORT, f"optout.registry='{registry}'")
    shown = set(rows_of(built, "ledger/revisions").column("revision").to_pylist())
    tool, fork = (
        {swhid("rev", revision) for revision in logged(repositories[name].path, HEADS[name])}
        for name in ("tool", "fork")
    )
    assert not shown & tool
    assert fork <= shown  # and with it the library's, which are the fork's own too
    assert not {name for row in copied(built) for name in row} & {"tool", "library"}


def test_what_is_not_released_shows_no_history(tmp_path: Path, facts: Path) -> None:
    export = SmallExport()
    export.visit(URL, {b"without.py": b"a_license = None  # nor elsewhere\n"})
    export.write(tmp_path)
    built = run_small(tmp_path, facts, history=True)
    assert rows_of(built, "ledger/revisions").num_rows == 0


def test_a_history_that_is_not_whole_is_told(tmp_path: Path, facts: Path) -> None:
    from tests.swh.test_swh_decisions import tree

    export = SmallExport()
    export.visit(URL, tree("fine", "later"))
    head = export.revisions[-1]["id"]
    export.parents = [(head, "11" * 20), (head, "22" * 20)]
    export.revisions.append({"id": "11" * 20, "directory": "33" * 20, "committer_date": datetime(2019, 1, 1)})
    export.write(tmp_path)
    built = run_small(tmp_path, facts, history=True)
    said = [message for message in built.messages if message.startswith(URL)]
    assert said == [
        f"{URL}: 3 paths have no dates, because revisions or 1 directories of the history are not in the export",
        f"{URL}: the export lacks 1 parents of its revisions, so paths may be older than their first_seen",
    ]
    rows: list[dict[str, Any]] = rows_of(built, "data").to_pylist()
    assert {row["first_seen_revision"] for row in rows} == {None}
    (first, second) = sorted(rows_of(built, "ledger/revisions").to_pylist(), key=lambda row: row["missing_parents"])
    assert (first["revision"], second["parents"]) == (
        f"swh:1:rev:{'11' * 20}", [f"swh:1:rev:{'11' * 20}", f"swh:1:rev:{'22' * 20}"],
    )  # fmt: skip
    assert first["committer_seconds"] == int(datetime(2019, 1, 1, tzinfo=UTC).timestamp())
