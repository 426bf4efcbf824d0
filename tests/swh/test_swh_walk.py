"""The walk: every directory of every root, once, whatever the buckets and the order; and what is wrong is said."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine.step import blob_buckets
from pipeline.schema import FRONTIER
from pipeline.stages.ingest.swh.trees import (
    EMPTY_DIRECTORY,
    Trees,
    by_directory,
    directory_slices,
    distinct_directories,
    parsed_tree,
)
from pipeline.stages.ingest.swh.walk import Walker
from pipeline.swhid import MODE_DIRECTORY
from tests.swh.trees import Directories, Tree, add, directory_id, table

NAMES = st.sampled_from([b"a", b"b", b"a.b", b"a-b", b"\xff", b"src", b"zz"])
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.dictionaries(NAMES, st.binary(max_size=2), min_size=1, max_size=4),
    lambda below: st.dictionaries(NAMES, below | st.binary(max_size=2), min_size=1, max_size=4),
    max_leaves=12,
)


def trees_of(entries: pa.Table, bucket: int, buckets: int) -> Trees:
    own = by_directory(entries.filter(pa.array(blob_buckets(entries.column("directory"), buckets) == bucket)))
    slices = directory_slices(own.column("directory"), buckets)
    pieces = {int(n): own.filter(pa.array(slices == n)) for n in np.unique(slices)}
    return Trees(distinct_directories(own), buckets, pieces.get)


class Walked:
    """What a walk over `buckets` buckets sent, in as many rounds as it took."""

    def __init__(
        self, entries: pa.Table, roots: list[tuple[bytes, int]], buckets: int = 1, manifests: Any = None
    ) -> None:
        self.tree: dict[int, list[tuple[bytes, bytes, int, bytes]]] = defaultdict(list)
        self.reached: dict[int, set[bytes]] = defaultdict(set)
        self.lost: dict[int, dict[bytes, str]] = defaultdict(dict)
        self.rounds = self.expanded = 0
        sent = [pa.table([[r[0] for r in roots], [r[1] for r in roots]], schema=FRONTIER)]
        seen: list[list[pa.Table]] = [[] for _ in range(buckets)]
        trees: list[Trees] = []
        while any(t.num_rows for t in sent):
            frontier, sent = pa.concat_tables(sent), []

            def send(output: str, rows: pa.Table, to: np.ndarray[Any, Any]) -> None:
                assert rows.num_rows == len(to)
                if output == "frontier":
                    assert (blob_buckets(rows.column("directory"), buckets) == to).all()
                    sent.append(rows)  # noqa: B023
                if output == "reached":
                    assert (blob_buckets(rows.column("blob"), 8) == to).all()
                    to = rows.column("part").to_numpy()
                for row, part in zip(rows.to_pylist(), to.tolist(), strict=True):
                    if output == "tree":
                        self.tree[part].append(tuple(row.values()))
                    elif output == "reached":
                        self.reached[part].add(row["blob"])
                    elif output == "lost":
                        self.lost[part][row["directory"]] = row["rule"]

            trees = trees or [trees_of(entries, bucket, buckets) for bucket in range(buckets)]
            for bucket in range(buckets):
                walker = Walker(trees[bucket], bucket, 8, manifests or {}, send)
                walker.know(pa.concat_tables([FRONTIER.empty_table(), *seen[bucket]]))
                own = frontier.filter(pa.array(blob_buckets(frontier.column("directory"), buckets) == bucket))
                seen[bucket].append(walker.walk(own))
                self.expanded += walker.expanded
            self.rounds += 1


def expected(directories: Directories, roots: list[tuple[bytes, int]]) -> dict[int, Counter[Any]]:
    found: dict[int, Counter[Any]] = defaultdict(Counter)
    for part in {p for _, p in roots}:
        waiting = [r for r, p in roots if p == part]
        seen: set[bytes] = set()
        while waiting:
            directory = waiting.pop()
            if directory in seen:
                continue
            seen.add(directory)
            found[part].update((directory, *entry) for entry in directories[directory])
            waiting += [target for _, mode, target in directories[directory] if mode == MODE_DIRECTORY]
    return found


@settings(max_examples=60)
@given(st.lists(TREES, min_size=1, max_size=5), st.sampled_from([1, 2, 8, 64]), st.randoms(use_true_random=False))
def test_each_part_gets_each_directory_that_it_needs_once(
    some: list[Tree], buckets: int, chance: random.Random
) -> None:
    directories: Directories = {}
    roots = [(add(tree, directories), chance.randrange(3)) for tree in some]
    rows = table(directories).to_pylist()
    # An export's stripes may come in any order, and twice.
    chance.shuffle(rows)
    entries = pa.Table.from_pylist(rows + rows[:3], schema=table({}).schema)
    walked = Walked(entries, roots, buckets)
    assert {part: Counter(rows) for part, rows in walked.tree.items()} == expected(directories, roots)
    assert not walked.lost
    for part, found in expected(directories, roots).items():
        assert walked.reached[part] == {target for _, _, mode, target in found if mode != MODE_DIRECTORY}


def test_a_subtree_that_many_origins_share_is_read_once() -> None:
    shared: Tree = {b"vendor": {b"deep": {b"x.py": b"1"}}}
    directories: Directories = {}
    roots = [(add({**shared, b"own.py": str(n).encode()}, directories), 0) for n in range(200)]
    walked = Walked(table(directories), roots)
    assert walked.expanded == len(directories) == 202


def test_a_bucket_that_holds_all_needs_no_second_round_at_any_depth() -> None:
    tree: Tree = {b"end.py": b"1"}
    for _ in range(300):
        tree = {b"d": tree}
    directories: Directories = {}
    root = add(tree, directories)
    assert Walked(table(directories), [(root, 0)]).rounds == 1
    walked = Walked(table(directories), [(root, 0)], buckets=16)
    assert len(walked.tree[0]) == 301
    assert walked.rounds > 100


@pytest.mark.parametrize("buckets", [1, 16])
def test_what_an_export_lost_or_changed_is_found(buckets: int) -> None:
    directories: Directories = {}
    good: Tree = {b"kept.py": b"0"}
    lost: Tree = {b"one.py": b"1", b"two.py": b"2"}
    changed: Tree = {b"three.py": b"3"}
    gone: Tree = {b"four.py": b"4"}
    root = add({b"good": good, b"lost": lost, b"changed": changed, b"gone": gone}, directories)
    ids = {name: target for name, _, target in directories[root]}
    directories[ids[b"lost"]].pop()
    name, mode, target = directories[ids[b"changed"]][0]
    directories[ids[b"changed"]] = [(name, mode ^ 0o111, target)]
    del directories[ids[b"gone"]]
    walked = Walked(table(directories), [(root, 3)], buckets)
    assert walked.lost == {
        3: {
            ids[b"lost"]: "directory_mismatch",
            ids[b"changed"]: "directory_mismatch",
            ids[b"gone"]: "missing_directory",
        }
    }
    assert {row[0] for row in walked.tree[3]} == {root, ids[b"good"]}


def test_an_empty_directory_is_not_lost() -> None:
    root = directory_id([(b"empty", MODE_DIRECTORY, EMPTY_DIRECTORY)])
    walked = Walked(table({root: [(b"empty", MODE_DIRECTORY, EMPTY_DIRECTORY)]}), [(root, 0), (EMPTY_DIRECTORY, 1)])
    assert not walked.lost
    assert list(walked.tree) == [0]


@pytest.mark.parametrize("with_header", [False, True])
def test_a_tree_that_is_not_in_gits_form_is_taken_as_the_export_gives_it(with_header: bool) -> None:
    # Mode 040000 with its leading zero, as old programs wrote it: its id cannot be made from the entries.
    body = b"040000 d\0" + EMPTY_DIRECTORY + b"100664 f\0" + bytes(20)
    parsed = parsed_tree(body)
    assert parsed is not None
    whole = b"tree %d\0" % len(body) + body
    root = hashlib.sha1(whole).digest()
    entries = table({root: parsed})
    assert Walked(entries, [(root, 0)]).lost == {0: {root: "directory_mismatch"}}
    walked = Walked(entries, [(root, 0)], manifests={root: whole if with_header else body})
    assert not walked.lost
    assert walked.tree[0] == [(root, *entry) for entry in parsed]


@pytest.mark.parametrize("body", [b"100644 a", b"100644 a\0short", b"rwx a\0" + bytes(20), b"\0" * 40, b"1" * 50])
def test_what_is_no_tree_is_none(body: bytes) -> None:
    assert parsed_tree(body) is None
