from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schema import DUPLICATES, HISTORY, ORIGINS
from pipeline.stages.exact import repositories
from pipeline.stages.exact.repositories import Copy, as_duplicates, copies, root_revisions, shares, summed, whole_copies
from pipeline.swhid import content_id

from .rows import Row, table

Trees = dict[str, list[str]]


def _occurrences(trees: Trees, stars: dict[str, int] | None = None, dates: dict[str, int] | None = None) -> pa.Table:
    return table(
        [
            Row(
                origin,
                f"{i}.py".encode(),
                content_id(text.encode()),
                stars=(stars or {}).get(origin),
                date=(dates or {}).get(origin),
            )
            for origin, texts in trees.items()
            for i, text in enumerate(texts)
        ]
    )


def _origins(trees: Trees, forks: dict[str, str] | None = None) -> pa.Table:
    rows: list[dict[str, Any]] = [
        {"origin": origin, "directory": content_id(repr(sorted(texts)).encode()), "fork_of": (forks or {}).get(origin)}
        for origin, texts in trees.items()
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([ORIGINS.field(n) for n in ("origin", "directory", "fork_of")]))


def _found(
    trees: Trees,
    stars: dict[str, int] | None = None,
    forks: dict[str, str] | None = None,
    containment: float = 0.9,
    dates: dict[str, int] | None = None,
) -> list[Copy]:
    return copies(*shares(_occurrences(trees, stars, dates)), _origins(trees, forks), containment)


FILES = [f"file {i}" for i in range(20)]
OTHER = [f"other {i}" for i in range(20)]


@pytest.mark.parametrize(
    ("trees", "options", "expected"),
    [
        # nothing shared
        ({"a": FILES, "b": OTHER}, {}, []),
        # a mirror goes for the one with more stars, whatever the names
        ({"a": FILES, "b": FILES}, {"stars": {"b": 5}}, [("a", "b", "mirror", 1.0)]),
        # without stars for the earlier one
        ({"a": FILES, "b": FILES}, {"dates": {"a": 2, "b": 1}}, [("a", "b", "mirror", 1.0)]),
        ({"a": FILES, "b": FILES}, {}, [("b", "a", "mirror", 1.0)]),
        ({"a": ["x"], "b": ["x"]}, {}, [("b", "a", "mirror", 1.0)]),
        # contained, and the share is of the copy
        ({"big": FILES, "small": FILES[:5]}, {"stars": {"big": 1}}, [("small", "big", "contained", 1.0)]),
        (
            {"big": FILES, "small": [*FILES[:18], "own", "too"]},
            {"stars": {"big": 1}},
            [("small", "big", "contained", 0.9)],
        ),
        ({"big": FILES, "small": [*FILES[:17], "own", "too", "3"]}, {"stars": {"big": 1}}, []),
        # a better-ranked one is never a copy of a worse one that has all of it
        ({"big": FILES, "small": FILES[:5]}, {"stars": {"small": 1}}, []),
        # a declared fork, though it has more stars and little in common
        ({"a": FILES, "f": [*FILES[:5], *OTHER]}, {"stars": {"f": 9}, "forks": {"f": "a"}}, [("f", "a", "fork", 0.2)]),
        ({"a": FILES, "f": [*FILES[:2], *OTHER]}, {"forks": {"f": "a"}}, []),
        # two small files alike are no copy of a repository; all of a repository is
        ({"a": FILES, "b": [*FILES[:2]]}, {"stars": {"a": 1}}, [("b", "a", "contained", 1.0)]),
        # versions of a package
        (
            {"pkg:pypi/p@1.0": FILES, "pkg:pypi/p@2.0": [*FILES[:10], *OTHER]},
            {},
            [("pkg:pypi/p@2.0", "pkg:pypi/p@1.0", "version", 10 / 30)],
        ),
        # of several originals the one that has most
        (
            {"a": FILES[:19], "b": FILES, "c": [*FILES, "own"]},
            {"stars": {"a": 3, "b": 2, "c": 1}, "containment": 0.96},
            [("c", "b", "contained", 20 / 21)] if 20 / 21 >= 0.96 else [],
        ),
        # a chain: the copy of a copy goes for what is kept
        (
            {"a": FILES, "b": [*FILES, "b"], "c": [*FILES, "b", "c"]},
            {"stars": {"a": 3, "b": 2, "c": 1}},
            [("b", "a", "contained", 20 / 21), ("c", "a", "contained", 20 / 22)],
        ),
    ],
)  # fmt: skip
def test_cases(trees: Trees, options: dict[str, Any], expected: list[tuple[str, str, str, float]]) -> None:
    assert [(c.origin, c.original, c.relation, c.containment) for c in _found(trees, **options)] == expected


def test_planted_forks_and_mirrors_are_all_found_and_no_original_is_lost() -> None:
    rng = random.Random(7)
    trees: Trees = {}
    stars: dict[str, int] = {}
    planted: dict[str, str] = {}
    for n in range(40):
        original = f"https://example.org/o{n}/r"
        own = [f"{n} {i}" for i in range(rng.randint(5, 60))]
        trees[original] = [*own, "a licence that all have"]
        stars[original] = rng.randint(10, 1000)
        for m in range(rng.randint(0, 3)):
            copy = f"https://example.org/copy{m}/r{n}"
            changed = rng.randint(0, len(own) // 12)
            trees[copy] = [*own[changed:], *(f"{copy} {i}" for i in range(changed)), "a licence that all have"]
            stars[copy] = rng.randint(0, 9)
            planted[copy] = original
    found = _found(trees, stars)
    assert len(planted) > 30
    assert {c.origin: c.original for c in found} == planted
    dropped = whole_copies(found, 0.9, set())
    assert set(dropped["origin"].to_pylist()) == planted.keys()


NAMES = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.dictionaries(NAMES, st.lists(st.sampled_from("uvwxyz"), min_size=1, max_size=8), min_size=1),
    st.dictionaries(NAMES, st.integers(0, 3)),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_shares_are_those_of_sets_whatever_the_order_and_the_buckets(
    trees: Trees, stars: dict[str, int], buckets: int, rng: random.Random
) -> None:
    occurrences = _occurrences(trees, stars)
    whole = shares(occurrences)
    found = {frozenset((r["better"], r["worse"])): r["shared"] for r in whole[0].to_pylist()}
    expected = {
        frozenset((a, b)): len(set(trees[a]) & set(trees[b]))
        for a in trees for b in trees if a < b and set(trees[a]) & set(trees[b])
    }  # fmt: skip
    assert found == expected
    assert dict(zip(whole[1]["origin"].to_pylist(), whole[1]["contents"].to_pylist(), strict=True)) == {
        name: len(set(texts)) for name, texts in trees.items()
    }
    rows = occurrences.take(pa.array(rng.sample(range(len(occurrences)), len(occurrences))))
    bucket = [blob[0] % buckets for blob in rows["blob"].to_pylist()]
    parts = [shares(rows.filter(pa.array([b == n for b in bucket]))) for n in range(buckets)]
    together = summed(pa.concat_tables([p[0] for p in parts]), pa.concat_tables([p[1] for p in parts]))
    origins = _origins(trees)
    assert copies(*together, origins, 0.8) == copies(*whole, origins, 0.8)


def test_a_content_that_everybody_has_costs_a_bounded_number_of_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repositories, "ORIGINS_OF_A_BLOB", 3)
    trees = {f"o{i:02}": ["everybody's"] for i in range(50)}
    shared, _ = shares(_occurrences(trees, {"o07": 9}))
    assert len(shared) <= 3 * 50
    assert {row["better"] for row in shared.to_pylist()} == {"o07", "o00", "o01"}


def test_as_a_ledger() -> None:
    trees = {"a": FILES, "b": FILES}
    found = _found(trees)
    origins = _origins(trees)
    (row,) = as_duplicates(found, origins).to_pylist()
    assert row["dropped"] == row["kept"] == origins["directory"][0].as_py()
    assert (row["kind"], row["relation"], row["dropped_origin"], row["kept_origin"]) == (
        "repository",
        "mirror",
        "b",
        "a",
    )
    assert as_duplicates([], origins).schema == DUPLICATES
    assert whole_copies(found, 0.9, {"b"}).num_rows == 0  # an earlier release has it
    assert whole_copies(found, 0.9, set())["reason"].to_pylist() == ["a mirror of a: 100.00% of its contents are there"]


def _id(name: object) -> bytes:
    return content_id(str(name).encode())


def _history(parents: dict[str, list[str]]) -> pa.Table:
    """HISTORY of revisions with their parents, all by name."""
    order = sorted(parents, key=_id)
    above = [[_id(parent) for parent in parents[name]] for name in order]
    columns = [[_id(name) for name in order], [bytes(20)] * len(order), [None] * len(order), above]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, HISTORY, strict=True)], schema=HISTORY)


def test_forks_have_the_revision_in_common_in_which_their_histories_begin() -> None:
    parents = {"a": [], "b": ["a"], "c": ["b"], "f": ["b"], "m": ["f", "x"], "x": [], "s": ["gone"]}
    parents |= {str(i): [str(i + 1)] for i in range(1, 40)} | {"40": []}
    expected = {"c": "a", "m": "a", "a": "a", "x": "x", "s": None, "nowhere": None, "1": "40", "17": "40"}
    heads = [*map(_id, expected), None]
    # A merge keeps its own line's beginning; where a parent is missing, none is known.
    roots = [None if name is None else _id(name) for name in expected.values()]
    assert root_revisions(_history(parents), heads) == [*roots, None]
    assert root_revisions(HISTORY.empty_table(), [_id("a"), None]) == [None, None]


def test_a_shared_beginning_makes_a_fork_where_contents_are_shared() -> None:
    trees = {"a": FILES, "b": FILES[:5] + OTHER, "c": ["c"], "d": FILES[:5] + [f"d {i}" for i in range(15)]}
    origins = _origins(trees).append_column("root", pa.array([b"r" * 20, b"r" * 20, b"r" * 20, None], pa.binary(20)))
    found = copies(*shares(_occurrences(trees)), origins, 0.9)
    assert [(c.origin, c.original, c.relation) for c in found] == [("b", "a", "fork")]
