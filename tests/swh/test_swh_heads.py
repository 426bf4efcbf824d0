"""From origins to root directories: every rule in a table, and what holds for any snapshot."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.stages.ingest.config import SwhSource
from pipeline.stages.ingest.swh.branches import version_key
from pipeline.stages.ingest.swh.heads import find_heads
from pipeline.stages.ingest.swh.selection import read_origin_list, taken
from pipeline.stages.ingest.swh.visits import Visit, choose_visits, why_none

URL = "https://git.example.org/r"
DAY = 86_400 * 1_000_000


def object_id(text: str) -> bytes:
    return text.encode().ljust(20, b".")


class Export:
    """An export in memory, from short texts: `branches` maps names to "kind:name" or "alias:other branch"."""

    def __init__(self, branches: dict[str, str], *, kind: str = "git", revisions: dict[str, int] | None = None,
                 releases: dict[str, str] | None = None,
                 visits: Sequence[tuple[int, str, str | None]] = ((1, "full", "s"),)) -> None:  # fmt: skip
        self.tables: dict[str, list[dict[str, Any]]] = {
            "origin": [{"url": URL}],
            "origin_visit": [{"origin": URL, "visit": n, "type": kind} for n, (_, _, _) in enumerate(visits)],
            "origin_visit_status": [
                {"origin": URL, "visit": n, "date": day * DAY, "status": status, "type": None,
                 "snapshot": snapshot and object_id(snapshot)}
                for n, (day, status, snapshot) in enumerate(visits)
            ],
            "snapshot": [{"id": object_id("s")}],
            "snapshot_branch": [
                {"snapshot_id": object_id("s"), "name": name.encode(), "target_type": target.partition(":")[0],
                 "target": self._hex(*target.split(":"))}
                for name, target in branches.items()
            ],
            "release": [
                {"id": object_id(name), "target_type": target.partition(":")[0],
                 "target": object_id(target.partition(":")[2])}
                for name, target in (releases or {}).items()
            ],
            "revision": [
                {"id": object_id(name), "directory": object_id("d" + name), "committer_date": day * DAY}
                for name, day in (revisions or {"one": 1, "two": 2}).items()
            ],
        }  # fmt: skip

    @staticmethod
    def _hex(kind: str, name: str) -> str:
        return name.encode().hex() if kind == "alias" else object_id(name).hex()

    def read(self, table: str, columns: Sequence[str]) -> Iterable[pa.Table]:
        kinds: dict[str, pa.DataType] = {"date": pa.int64(), "committer_date": pa.int64(), "visit": pa.int64()}
        kinds |= {n: pa.binary(20) for n in ("id", "snapshot", "snapshot_id", "directory")} | {"name": pa.binary()}
        for row in self.tables[table]:
            made = {}
            for name in columns:
                kind = pa.binary(20) if (table, name) == ("release", "target") else kinds.get(name, pa.string())
                made[name] = pa.array([row[name]], kind)
            yield pa.table(made)

    def heads(self, **source: Any) -> list[dict[str, Any]]:
        found = find_heads(self.read, SwhSource(export="x", **source), 0, None, lambda url: True)
        return list(found.to_pylist())


CASES: dict[str, tuple[Export, tuple[str, str, str | None]]] = {
    "HEAD is an alias": (
        Export({"HEAD": "alias:refs/heads/x", "refs/heads/x": "revision:one"}),
        ("refs/heads/x", "head", "one"),
    ),
    "HEAD through two aliases": (
        Export({"HEAD": "alias:a", "a": "alias:refs/heads/x", "refs/heads/x": "revision:one"}),
        ("refs/heads/x", "head", "one"),
    ),
    "HEAD dangles, main is there": (
        Export({"HEAD": "alias:gone", "refs/heads/main": "revision:one"}),
        ("refs/heads/main", "main", "one"),
    ),
    "aliases go round": (
        Export({"HEAD": "alias:a", "a": "alias:HEAD", "refs/heads/master": "revision:one"}),
        ("refs/heads/master", "master", "one"),
    ),
    "main before master before trunk": (
        Export(
            {"refs/heads/trunk": "revision:two", "refs/heads/master": "revision:one", "refs/heads/main": "revision:two"}
        ),
        ("refs/heads/main", "main", "two"),
    ),
    "develop before any release": (
        Export({"refs/heads/develop": "revision:one", "refs/tags/9": "revision:two"}),
        ("refs/heads/develop", "develop", "one"),
    ),
    "the latest release by version": (
        Export(
            {"refs/tags/v1.9": "revision:two", "refs/tags/v1.10": "release:r", "refs/tags/v1.10-rc1": "revision:two"},
            releases={"r": "revision:one"},
        ),
        ("refs/tags/v1.10", "release", "one"),
    ),
    "a tag of a tag of a tag": (
        Export({"refs/tags/1": "release:a"}, releases={"a": "release:b", "b": "release:c", "c": "revision:one"}),
        ("refs/tags/1", "release", "one"),
    ),
    "tags that name each other": (
        Export(
            {"refs/tags/1": "release:a", "refs/heads/x": "revision:one"}, releases={"a": "release:b", "b": "release:a"}
        ),
        ("refs/heads/x", "newest", "one"),
    ),
    "a tag of a blob is no branch": (
        Export({"refs/tags/2": "content:c", "refs/tags/1": "revision:one"}),
        ("refs/tags/1", "release", "one"),
    ),
    "the newest head": (
        Export({"refs/heads/a": "revision:one", "refs/heads/b": "revision:two"}),
        ("refs/heads/b", "newest", "two"),
    ),
    "equally new heads by name": (
        Export({"refs/heads/b": "revision:one", "refs/heads/a": "revision:two"}, revisions={"one": 5, "two": 5}),
        ("refs/heads/a", "newest", "two"),
    ),
    "a pull request is never newest": (
        Export({"refs/pull/1/head": "revision:two", "refs/heads/a": "revision:one"}),
        ("refs/heads/a", "newest", "one"),
    ),
    "HEAD that names a pull request": (
        Export(
            {"HEAD": "alias:refs/pull/1/head", "refs/pull/1/head": "revision:two", "refs/heads/main": "revision:one"}
        ),
        ("refs/heads/main", "main", "one"),
    ),
    "HEAD names a lost revision": (
        Export({"HEAD": "revision:lost", "refs/heads/main": "revision:one"}),
        ("refs/heads/main", "main", "one"),
    ),
    "Mercurial": (
        Export(
            {"HEAD": "alias:branch-tip/default", "branch-tip/default": "revision:one", "branch-tip/x": "revision:two"},
            kind="hg",
        ),
        ("branch-tip/default", "head", "one"),
    ),
    "Mercurial without HEAD": (
        Export({"branch-tip/default": "revision:one", "branch-tip/x": "revision:two"}, kind="hg"),
        ("branch-tip/default", "default", "one"),
    ),
    "Subversion": (Export({"HEAD": "revision:one"}, kind="svn"), ("HEAD", "head", "one")),
    "a tarball": (Export({"HEAD": "directory:root"}, kind="tarball-directory"), ("HEAD", "head", None)),
    "a package": (
        Export(
            {"HEAD": "alias:releases/1.0", "releases/1.0": "release:r"}, kind="pypi", releases={"r": "directory:root"}
        ),
        ("releases/1.0", "head", None),
    ),
    "a Debian source": (
        Export(
            {"releases/sid/1.0-2": "release:b", "releases/sid/1.0-10": "release:a"},
            kind="deb",
            releases={"a": "revision:one", "b": "revision:two"},
        ),
        ("releases/sid/1.0-10", "release", "one"),
    ),
    "a kind that nobody knows": (Export({"HEAD": "revision:one"}, kind="abacus"), ("HEAD", "head", "one")),
}


@pytest.mark.parametrize("name", CASES)
def test_the_branch(name: str) -> None:
    export, (branch, rule, revision) = CASES[name]
    (head,) = export.heads()
    assert (head["rule"], head["branch"], head["branch_rule"]) == (None, branch.encode(), rule)
    assert head["revision"] == (revision and object_id(revision))
    assert head["directory"] == object_id("root" if revision is None else "d" + revision)
    assert head["visit_type"] == export.tables["origin_visit"][0]["type"]


REFUSED: dict[str, tuple[Export, str, str]] = {
    "no branch": (Export({"refs/pull/1/head": "revision:one"}), "no_branch", "has no branch"),
    "no branches at all": (Export({}), "empty_snapshot", "no branch"),
    "a lost snapshot": (Export({}, visits=((1, "full", "t"),)), "missing_snapshot", "does not hold the snapshot"),
    "a lost revision": (Export({"HEAD": "revision:lost"}), "missing_revision", "does not hold the revision"),
    "a lost release": (Export({"HEAD": "release:lost"}), "missing_release", "does not hold the release"),
    "never finished": (Export({}, visits=((1, "created", None), (2, "failed", None))), "no_visit", "ended as created"),
    "never visited": (Export({}, visits=()), "no_visit", "has no visit of it"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_listed_says_why(name: str) -> None:
    export, rule, words = REFUSED[name]
    (head,) = export.heads()
    assert (head["origin"], head["rule"], head["directory"]) == (URL, rule, None)
    assert words in head["reason"]


def visit(number: int, day: int, status: str = "full", snapshot: str | None = "s") -> Visit:
    return Visit(number, day * DAY, status, object_id(snapshot) if snapshot else None, "git")


@pytest.mark.parametrize(
    ("rows", "days", "expected"),
    [
        ([visit(1, 1), visit(2, 2)], [], [2]),
        ([visit(1, 5), visit(2, 2)], [], [1]),  # by date, not by number
        ([visit(1, 2), visit(2, 2)], [], [2]),
        ([visit(1, 1), visit(2, 2, "partial")], [], [1]),
        ([visit(2, 2, "partial")], [], [2]),
        ([visit(1, 1, "created", None), visit(1, 1)], [], [1]),
        ([visit(1, 1, "created", None)], [], []),
        ([visit(1, 1), visit(2, 20)], [date(1970, 1, 10)], [1]),
        ([visit(1, 1), visit(2, 20)], [date(1970, 1, 1)], []),  # day 1 is 2 January
        ([visit(1, 1), visit(2, 20)], [date(1970, 1, 2)], [1]),  # to the end of the day
        ([visit(1, 1, snapshot="a"), visit(2, 20, snapshot="b")], [date(1970, 1, 9), date(1970, 2, 1)], [1, 2]),
        ([visit(1, 1), visit(2, 20)], [date(1970, 1, 9), date(1970, 2, 1)], [1]),  # one snapshot, one listing
    ],
)
def test_the_visit(rows: list[Visit], days: list[date], expected: list[int]) -> None:
    for order in (rows, rows[::-1]):
        assert [chosen.visit.visit for chosen in choose_visits(order, days)] == expected


def test_reasons_for_no_visit() -> None:
    assert "at or before the day" in why_none([visit(1, 50)], [date(1970, 1, 1)])
    assert why_none([visit(1, 1, "failed", None)], []) == "no visit was finished; the best ended as failed"


def test_several_days_give_several_listings() -> None:
    export = Export({"HEAD": "revision:one"}, visits=((1, "full", "s"), (40, "full", "t")))
    heads = export.heads(as_of=(date(1970, 1, 10), date(1970, 3, 1)))
    assert [head["origin"] for head in heads] == [f"{URL}#as_of=1970-01-10", f"{URL}#as_of=1970-03-01"]
    assert [head["rule"] for head in heads] == [None, "missing_snapshot"]
    (one,) = export.heads(as_of=date(1970, 1, 10))
    assert one["origin"] == URL
    assert one["visit_date"] == datetime(1970, 1, 2, tzinfo=UTC)


def test_visits_of_other_types_are_left_out() -> None:
    export = Export({"HEAD": "revision:one"}, kind="svn")
    assert export.heads(visit_types=("git",)) == []
    assert len(export.heads(visit_types=("svn", "git"))) == 1


NAMES = st.sampled_from(
    ["HEAD", "a", "refs/heads/main", "refs/heads/b", "refs/tags/1", "refs/pull/1/head", "releases/2"]
)
TARGETS = st.sampled_from(["revision:one", "revision:two", "revision:lost", "release:r", "release:q", "directory:d",
                           "content:c", "snapshot:s", "alias:a", "alias:HEAD", "alias:refs/heads/b",
                           "alias:refs/pull/1/head"])  # fmt: skip


@given(st.dictionaries(NAMES, TARGETS), st.randoms(use_true_random=False))
def test_any_snapshot_has_one_outcome_in_any_order(branches: dict[str, str], chance: random.Random) -> None:
    releases = {"r": "revision:one", "q": "release:q"}
    first = Export(branches, releases=releases).heads()
    items = list(branches.items())
    chance.shuffle(items)
    assert Export(dict(items), releases=releases).heads() == first
    (head,) = first
    assert (head["rule"] is None) == (head["directory"] is not None)
    assert not (head["branch"] or b"").startswith(b"refs/pull/")


def test_versions_are_in_order() -> None:
    ordered = ["0.9", "v1.0.dev1", "1.0a1", "v1.0-rc1", "1.0", "release-1.0.1", "1.2", "v1.10", "2", "10"]
    assert sorted(ordered, key=lambda name: version_key(f"refs/tags/{name}".encode())) == ordered


@pytest.mark.parametrize(
    ("source", "listed", "expected"),
    [
        ({}, None, "abcd"),
        ({"forges": ("GitHub.com",)}, None, "ab"),
        ({"origins": ("https://github.com/o/*", "*svn*")}, None, "ad"),
        ({"origins": ("https://github.com/?/s",)}, None, "b"),
        ({"origins": ("https://github.com/o",)}, None, ""),
        ({}, frozenset({"https://github.com/o/r", "https://gitlab.example.org/x"}), "ac"),
    ],
)
def test_the_selection(source: dict[str, Any], listed: frozenset[str] | None, expected: str) -> None:
    urls = [
        "https://github.com/o/r.git",
        "https://github.com/p/s",
        "https://gitlab.example.org/x/",
        "svn://old.example.org/d",
    ]
    mask = taken(pa.array(urls), SwhSource(export="x", **source), listed)
    assert "".join(letter for letter, yes in zip("abcd", mask.to_pylist(), strict=True) if yes) == expected


def test_the_origin_list(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("# mine\n\nhttps://a.org/x.git\n https://b.org/y/ \n")
    assert read_origin_list(path) == {"https://a.org/x", "https://b.org/y"}
    path.write_text("# nothing\n")
    with pytest.raises(InputError, match="names no origin; expected one URL a line"):
        read_origin_list(path)
    with pytest.raises(InputError, match="expected a UTF-8 text file with one origin URL a line"):
        read_origin_list(tmp_path / "none.txt")
