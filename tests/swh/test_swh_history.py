"""Histories: which revisions lead to a head, and which of them touch a path, as git itself says it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine.storage import Location
from pipeline.schema import DIRECTORY_ENTRIES, HISTORY, PATH_DATES
from pipeline.stages.ingest.config import SwhSource
from pipeline.stages.ingest.swh.export import GraphExport
from pipeline.stages.ingest.swh.heads import find_heads
from pipeline.stages.ingest.swh.history import Ancestry, read_history
from pipeline.stages.ingest.swh.identifiers import Identifiers
from pipeline.stages.ingest.swh.listing import Forest
from pipeline.stages.ingest.swh.path_dates import Touches, path_dates
from pipeline.swhid import MODE_DIRECTORY
from tests.swh import trees
from tests.swh.git_history import Loaded, Tables, extremes, load, logged, parents_of, paths_of, random_repository
from tests.swh.hostile_repositories import git

SECOND = 1_000_000


def rid(text: str) -> bytes:
    return text.encode().ljust(20, b".")


def tables_of(history: dict[str, str], seed: int = 0, **columns: Any) -> Tables:
    """`{"c": "a b"}`: c with the parents a and b."""
    tables = Tables(seed=seed)
    for number, (name, parents) in enumerate(history.items()):
        tables.add(
            rid(name), [rid(p) for p in parents.split()], committer_date=number * SECOND, directory=rid("d" + name)
        )
    return tables


def ancestry_of(tables: Tables, *heads: str) -> Ancestry:
    return Ancestry(read_history(tables.read, [rid(head) for head in heads]))


def named(ancestry: Ancestry, numbers: np.ndarray[Any, Any]) -> str:
    return "".join(i.decode().strip(".") for i in ancestry.revisions(numbers).to_pylist())


DIAMOND = {"z": "", "b": "z", "a": "z", "m": "b a", "t": "m", "other": "", "more": "other z"}


@pytest.mark.parametrize(
    ("history", "head", "expected", "missing"),
    [
        ({"a": ""}, "a", "a", 0),
        (DIAMOND, "t", "zabmt", 0),
        (DIAMOND, "m", "zabm", 0),
        (DIAMOND, "z", "z", 0),
        ({"a": "gone"}, "a", "a", 1),
        ({"a": "", "b": "gone a lost"}, "b", "ab", 2),
        ({"a": "", "b": "a a"}, "b", "ab", 0),
        ({"a": ""}, "gone", "", 0),
        ({"a": "c", "b": "a", "c": "b", "d": "c"}, "d", "", 0),  # a loop: its order is of no account
        ({"a": "a"}, "a", "a", 0),
    ],
)
def test_ancestors_come_parents_first(history: dict[str, str], head: str, expected: str, missing: int) -> None:
    ancestry = ancestry_of(tables_of(history), head)
    numbers = ancestry.ancestors(rid(head))
    if expected or head == "gone":
        assert named(ancestry, numbers) == expected
    else:
        assert sorted(named(ancestry, numbers)) == list("abcd")
    assert ancestry.missing_parents(numbers) == missing
    assert ancestry.directories(numbers).to_pylist() == sorted(rid("d" + name) for name in named(ancestry, numbers))


def test_only_what_leads_to_the_heads_is_kept_with_its_parents_in_order() -> None:
    table = read_history(tables_of(DIAMOND | {"s": "m gone"}).read, [rid("s"), rid("a"), rid("nowhere")])
    assert table.schema == HISTORY
    assert table.column("revision").to_pylist() == [rid(name) for name in "abmsz"]
    assert dict(zip("abmsz", table.column("parents").to_pylist(), strict=True)) == {
        "a": [rid("z")], "b": [rid("z")], "m": [rid("b"), rid("a")], "s": [rid("m"), rid("gone")], "z": [],
    }  # fmt: skip
    ancestry = Ancestry(table)
    assert ancestry.named_parents(ancestry.number(rid("s")) or 0) == [rid("m"), rid("gone")]
    assert ancestry.number(rid("nowhere")) is None


def test_an_export_without_revisions_has_no_history() -> None:
    table = read_history(Tables().read, [rid("a")])
    assert table.num_rows == 0
    ancestry = Ancestry(table)
    assert len(ancestry.ancestors(rid("a"))) == 0
    found = path_dates("o", rid("a"), ancestry, Forest(trees.table({}), {}), [b"x"])
    assert (found.undated_paths, found.revisions) == (1, 0)
    assert found.rows.to_pylist()[0]["first_seen_revision"] is None


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_any_graph_in_any_order_of_rows_gives_the_same(seed: int, size: int) -> None:
    chance = random.Random(seed)
    names = [f"{chance.randrange(10**6):06}{n}" for n in range(size)]
    history = {
        name: " ".join(chance.choices([*names[:place], "gone"], k=chance.choice([0, 1, 1, 2, 3])))
        for place, name in enumerate(names)
    }
    heads = chance.sample(names, min(3, size))
    first = read_history(tables_of(history, seed=1).read, [rid(h) for h in heads])
    assert read_history(tables_of(history, seed=2).read, [rid(h) for h in reversed(heads)]) == first
    whole = ancestry_of(tables_of(history), *names)
    for head in heads:
        expected, waiting = set(), [head]
        while waiting:
            name = waiting.pop()
            if name not in expected and name in history:
                expected.add(name)
                waiting += history[name].split()
        few = Ancestry(first)
        order = few.revisions(few.ancestors(rid(head))).to_pylist()
        assert set(order) == {rid(name) for name in expected}
        # More rows than needed, as where origins share a part, change nothing.
        assert whole.revisions(whole.ancestors(rid(head))).to_pylist() == order
        for name in expected:
            parents = [rid(p) for p in history[name].split() if p in history]
            assert all(order.index(parent) < order.index(rid(name)) for parent in parents)


def test_a_history_of_a_hundred_thousand_in_a_line_is_no_matter() -> None:
    count = 100_000
    revisions = [number.to_bytes(4, "little") * 5 for number in range(count)]
    lists: list[list[bytes]] = [[]] + [[parent] for parent in revisions[:-1]]
    table = pa.table([revisions, revisions, list(range(count)), lists], schema=HISTORY)
    ancestry = Ancestry(table)
    assert ancestry.revisions(ancestry.ancestors(revisions[-1])).to_pylist() == revisions


def test_ids_with_the_same_first_bytes_are_told_apart() -> None:
    some = [b"12345678" + number.to_bytes(12, "big") for number in (0, 1, 5, 256)] + [bytes(20), b"\xff" * 20]
    known = Identifiers([np.frombuffer(b"".join(some), "V20")])
    wanted = [*some, b"12345678" + b"\xff" * 12, b"12345678" + bytes(11) + b"\2"]
    expected = [sorted(some).index(i) if i in some else -1 for i in wanted]
    assert known.numbers(np.frombuffer(b"".join(wanted), "V20")).tolist() == expected


def test_time_ranks_by_date_then_generation_then_id_and_undated_never_wins() -> None:
    tables = Tables()
    for name, parents, date in (("z", "", 5), ("b", "z", 5), ("a", "z", 5), ("u", "a", None), ("k", "u b", 4)):
        tables.add(rid(name), [rid(p) for p in parents.split()], committer_date=date)
    ancestry = ancestry_of(tables, "k")
    newest, oldest = ancestry.ranks
    numbers = ancestry.ancestors(rid("k"))
    assert named(ancestry, np.array(sorted(numbers, key=newest.__getitem__))) == "ukzab"
    assert named(ancestry, np.array(sorted(numbers, key=oldest.__getitem__))) == "kzabu"


# --- against git ----------------------------------------------------------------------------------


def compare(repository: Path, loaded: Loaded, head: str) -> dict[str, int]:
    """Hold our touches and dates against git's; what was seen, so that a test can tell that it tested."""
    root = bytes.fromhex(head)
    ancestry = Ancestry(read_history(loaded.tables.read, [root]))
    forest, paths = Forest(loaded.entries, {}), paths_of(repository, head)
    theirs = logged(repository, head)
    assert {ancestry.revision(n) for n in ancestry.ancestors(root).tolist()} == set(theirs)
    touches = [(ancestry.revision(n), paths[place]) for n, place in Touches(root, ancestry, forest, paths)]
    assert len(touches) == len(set(touches))
    wanted = set(paths)
    assert set(touches) == {(r, path) for r, touched in theirs.items() for path in touched & wanted}

    dates = {row["id"]: row["committer_date"] for row in loaded.tables.revisions}
    parents, expected = parents_of(loaded), extremes(repository, loaded, head)
    found = path_dates("origin", root, ancestry, forest, paths)
    assert found.rows.schema == PATH_DATES
    assert (found.lost_directories, found.undated_paths, found.missing_parents) == (0, 0, 0)
    assert found.rows.column("path").to_pylist() == sorted(paths)
    millis = {name: found.rows.column(name).cast(pa.int64()).to_pylist() for name in ("first_seen", "last_changed")}
    for place, row in enumerate(found.rows.to_pylist()):
        first, last = expected[row["path"]]
        assert (row["first_seen_revision"], row["last_changed_revision"]) == (first, last)
        assert millis["first_seen"][place] == dates[first] // 1000
        assert millis["last_changed"][place] == dates[last] // 1000
    merges = [r for r in theirs if len(parents[r]) > 1]
    return {
        "paths": len(paths),
        "touches": len(touches),
        "merges": len(merges),
        "octopus": sum(len(parents[r]) > 2 for r in merges),
        "quiet_merges": sum(not theirs[r] for r in merges),
        "evil_merges": sum(bool(theirs[r] & wanted) for r in merges),
        "roots": sum(not parents[r] for r in theirs),
    }


def test_touches_and_dates_are_gits_on_random_histories(tmp_path: Path) -> None:
    seen: dict[str, int] = {}
    for seed in range(8):
        folder = tmp_path / str(seed)
        folder.mkdir()
        made = random_repository(folder, seed)
        loaded = load(folder)
        for head in (made[-1], made[-7], made[11]):
            for name, count in compare(folder, loaded, head).items():
                seen[name] = seen.get(name, 0) + count
    assert min(seen.values()) >= 20, seen
    assert seen["paths"] > 200


def test_a_shallow_clone_is_compared_as_git_compares_it(tmp_path: Path) -> None:
    whole, shallow = tmp_path / "whole", tmp_path / "shallow"
    whole.mkdir()
    made = random_repository(whole, 3)
    line = git("rev-list", "--first-parent", made[-1], cwd=whole).decode().split()
    git("update-ref", "refs/heads/main", made[-1], cwd=whole)
    git("clone", "-q", "--bare", "--depth", "3", whole.as_uri(), str(shallow), cwd=tmp_path)
    loaded = load(shallow)
    root = bytes.fromhex(line[0])
    ancestry, paths = Ancestry(read_history(loaded.tables.read, [root])), paths_of(shallow, line[0])
    there = {row["id"] for row in loaded.tables.revisions}
    missing = sum(row["parent_id"] not in there for row in loaded.tables.history)
    found = path_dates("o", root, ancestry, Forest(loaded.entries, {}), paths)
    assert found.missing_parents == missing > 0
    assert found.undated_paths == 0
    # Where all parents of a revision are cut off, git too takes it for the first.
    cut = {row["id"] for row in loaded.tables.history if row["parent_id"] not in there}
    partly = {row["id"] for row in loaded.tables.history if row["id"] in cut and row["parent_id"] in there}
    touches = Touches(root, ancestry, Forest(loaded.entries, {}), paths)
    ours = {(ancestry.revision(n), paths[p]) for n, p in touches}
    theirs = {(r, path) for r, touched in logged(shallow, line[0]).items() for path in touched & set(paths)}
    assert {t for t in ours if t[0] not in partly} == {t for t in theirs if t[0] not in partly}


# --- tiny trees -----------------------------------------------------------------------------------


class Made:
    """Revisions with trees, each a second after the last."""

    def __init__(self) -> None:
        self.directories: trees.Directories = {}
        self.tables = Tables()
        self.dates: dict[str, int] = {}

    def commit(self, name: str, tree: trees.Tree, parents: str = "", date: int | None = -1) -> None:
        date = len(self.tables.revisions) if date == -1 else date
        self.tables.add(
            rid(name), [rid(p) for p in parents.split()], directory=trees.add(tree, self.directories),
            committer_date=None if date is None else date * SECOND,
        )  # fmt: skip

    def dated(self, head: str, *paths: bytes, lost: tuple[bytes, ...] = ()) -> tuple[dict[str, str], Any]:
        kept = {directory: entries for directory, entries in self.directories.items() if directory not in lost}
        found = path_dates(
            "o", rid(head), ancestry_of(self.tables, head), Forest(trees.table(kept), {}), paths
        )  # fmt: skip
        short = {
            row["path"].decode(): " ".join(
                "-" if row[name] is None else row[name].decode().strip(".")
                for name in ("first_seen_revision", "last_changed_revision")
            )
            for row in found.rows.to_pylist()
        }
        return short, found


def test_a_file_that_went_and_came_back_was_first_seen_at_first() -> None:
    made = Made()
    made.commit("a", {b"f": b"1", b"g": b"1"})
    made.commit("b", {b"g": b"1"}, "a")
    made.commit("c", {b"f": b"1", b"g": b"1"}, "b")
    assert made.dated("c", b"f", b"g")[0] == {"f": "a c", "g": "a a"}


def test_a_file_where_a_folder_was_is_another_path() -> None:
    made = Made()
    made.commit("a", {b"p": {b"q": b"1"}})
    made.commit("b", {b"p": b"1"}, "a")
    made.commit("c", {b"p": {b"q": b"1"}}, "b")
    assert made.dated("c", b"p/q")[0] == {"p/q": "a c"}
    assert made.dated("b", b"p")[0] == {"p": "b b"}


def test_a_merge_touches_what_differs_from_all_its_parents() -> None:
    made = Made()
    made.commit("o", {b"d": {b"x": b"0", b"y": b"0"}})
    made.commit("l", {b"d": {b"x": b"1", b"y": b"0"}}, "o")
    made.commit("r", {b"d": {b"x": b"0", b"y": b"1"}}, "o")
    made.commit("m", {b"d": {b"x": b"1", b"y": b"2"}}, "l r")
    assert made.dated("m", b"d/x", b"d/y")[0] == {"d/x": "o l", "d/y": "o m"}


def test_clocks_that_go_wrong_are_believed_and_undated_revisions_are_not() -> None:
    made = Made()
    made.commit("a", {b"f": b"1"}, date=100)
    made.commit("b", {b"f": b"2"}, "a", date=-50)
    made.commit("c", {b"f": b"3"}, "b", date=None)
    short, found = made.dated("c", b"f")
    assert short == {"f": "b a"}
    assert found.rows.column("first_seen").cast(pa.int64()).to_pylist() == [-50_000]
    made = Made()
    made.commit("a", {b"f": b"1"}, date=None)
    short, found = made.dated("a", b"f")
    assert short == {"f": "a a"}
    assert found.rows.column("first_seen").null_count == 1


def test_a_lost_directory_takes_the_dates_of_what_lies_below_and_no_others() -> None:
    made = Made()
    made.commit("a", {b"d": {b"e": {b"x": b"0"}, b"y": b"0"}, b"z": b"0", b"s": {b"t": b"0"}})
    made.commit("b", {b"d": {b"e": {b"x": b"1"}, b"y": b"0"}, b"z": b"0", b"s": {b"t": b"0"}}, "a")
    made.commit("c", {b"d": {b"e": {b"x": b"2"}, b"y": b"0"}, b"z": b"1", b"s": {b"t": b"0"}}, "b")
    lost = trees.add({b"x": b"1"}, {})
    short, found = made.dated("c", b"d/e/x", b"d/y", b"s/t", b"z", lost=(lost,))
    assert short == {"d/e/x": "- -", "d/y": "a a", "s/t": "a a", "z": "a c"}
    assert (found.lost_directories, found.undated_paths) == (1, 1)
    root = next(r["directory"] for r in made.tables.revisions if r["id"] == rid("b"))
    short, found = made.dated("c", b"d/e/x", b"z", lost=(root,))
    assert set(short.values()) == {"- -"}
    assert found.undated_paths == 2


def test_a_deep_tree_is_no_matter() -> None:
    made, roots, depth = Made(), [], 3000
    for text in (b"0", b"1"):
        entries = [(b"f", 0o100644, trees.blob_id(text))]
        for _ in range(depth):
            directory = trees.directory_id(entries)
            made.directories[directory] = entries
            entries = [(b"d", MODE_DIRECTORY, directory)]
        roots.append(entries[0][2])
    made.tables.add(rid("a"), directory=roots[0], committer_date=1)
    made.tables.add(rid("b"), [rid("a")], directory=roots[1], committer_date=2)
    assert list(made.dated("b", b"d/" * (depth - 1) + b"f")[0].values()) == ["a b"]


# --- an export that Software Heritage's own exporter wrote ------------------------------------------


def test_the_shipped_export_gives_the_dates_of_the_repository_that_it_was_made_of() -> None:
    export = GraphExport(Location("configs/quickstart/swh/orc"))
    heads = {
        head["origin"].rpartition("/")[2]: head
        for head in find_heads(export.read, SwhSource(export="x"), 0, None, lambda url: True).to_pylist()
    }
    entries = [
        piece.rename_columns(["directory", "name", "mode", "target"]).cast(DIRECTORY_ENTRIES)
        for piece in export.read("directory_entry", ("directory_id", "name", "perms", "target"))
    ]
    forest = Forest(pa.concat_tables(entries), {})
    ancestry = Ancestry(read_history(export.read, [h["revision"] for h in heads.values() if h["revision"]]))

    def seconds(name: str, *paths: bytes) -> list[tuple[int, int]]:
        found = path_dates(name, heads[name]["revision"], ancestry, forest, paths)
        assert (found.lost_directories, found.undated_paths, found.missing_parents) == (0, 0, 0)
        columns = (found.rows.column(c).cast(pa.int64()).to_pylist() for c in ("first_seen", "last_changed"))
        return [(first // 1000, last // 1000) for first, last in zip(*columns, strict=True)]

    start, back = 1_600_000_000, 1_640_000_000
    assert seconds("library", b"LICENSE", b"src/graph.py", b"src/queue.py", b"tools/check") == [
        (start, start), (1_605_000_000, back), (1_630_000_000, 1_630_000_000), (start, 1_610_000_000),
    ]  # fmt: skip
    # The fork has the library's history too.
    assert seconds("fork", b"src/graph.py", b"src/stack.py") == [(1_605_000_000, back), (start, 1_650_000_000)]
    assert seconds("tool", b"LICENSE", b"settings.ini") == [(-1000, -1000), (95_617_584_000,) * 2]
