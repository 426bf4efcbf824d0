from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError, IntegrityError
from pipeline.schema import BLOB
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.tables import DUPLICATES
from pipeline.stages.near.verify import _greedy, choose

from .samples import choosable, jaccard, shingle_set, variants


class Document(NamedTuple):
    shingles: frozenset[int]
    keys: tuple[int, ...]  # one per band, or none
    guard: bool = False
    prior: bool = False


class Dropped(NamedTuple):
    dropped: int
    kept: int
    jaccard: float
    against_guard: bool


def _id(i: int) -> bytes:
    return bytes([255 - i]) * 20  # so that order by id is not order by rank


def _table(documents: list[Document]) -> pa.Table:
    return pa.table(
        {
            "blob": pa.array([_id(i) for i in range(len(documents))], BLOB),
            "component": pa.array([bytes(20)] * len(documents), BLOB),
            "guard": pa.array([d.guard for d in documents], pa.bool_()),
            "prior": pa.array([d.prior for d in documents], pa.bool_()),
            "shingles": pa.array([sorted(d.shingles) for d in documents], pa.list_(pa.uint64())),
            "keys": pa.array([d.keys for d in documents], pa.list_(pa.uint64())),
        }
    )


def _rows(dropped: pa.Table) -> list[Dropped]:
    return [
        Dropped(255 - row["dropped"][0], 255 - row["kept"][0], row["jaccard"], row["against_guard"])
        for row in dropped.to_pylist()
    ]


def _model(documents: list[Document], threshold: float, budget: int) -> tuple[list[Dropped], int]:
    """The rule in plain Python, over sets."""
    order = sorted(
        range(len(documents)),
        key=lambda i: (not documents[i].guard, not documents[i].guard and not documents[i].prior, i),
    )
    guards: dict[tuple[int, int], list[int]] = {}
    kept: dict[tuple[int, int], list[int]] = {}
    dropped: list[Dropped] = []
    hits = 0
    for i in order:
        me = documents[i]
        keys = list(enumerate(me.keys))
        if me.guard:
            for key in keys:
                guards.setdefault(key, []).append(i)
            continue
        candidates = {c for key in keys for c in guards.get(key, [])}
        if not me.prior:
            candidates |= {c for key in keys for c in kept.get(key, [])[:budget]}
            hits += any(len(kept.get(key, [])) > budget for key in keys)
        similar = []
        for c in candidates:
            union = me.shingles | documents[c].shingles
            common = me.shingles & documents[c].shingles
            if union and len(common) / len(union) >= threshold:
                similar.append((-len(common) / len(union), order.index(c), c))
        if similar:
            value, _, c = min(similar)
            dropped.append(Dropped(i, c, -value, documents[c].guard))
        else:
            for key in keys:
                kept.setdefault(key, []).append(i)
    return sorted(dropped, key=lambda d: _id(d.dropped)), hits


KEYS = st.lists(st.integers(0, 2), min_size=3, max_size=3).map(tuple) | st.just(())
DOCUMENTS = st.lists(
    st.builds(
        Document,
        shingles=st.frozensets(st.sampled_from([0, 1, 2, 3, 2**63, 2**64 - 1]), min_size=0),
        keys=KEYS,
        guard=st.integers(0, 5).map(lambda n: n == 0),
        prior=st.integers(0, 3).map(lambda n: n == 0),
    ),
    max_size=14,
)


@settings(max_examples=150)
@given(DOCUMENTS, st.sampled_from([0.01, 0.5, 2 / 3, 0.7, 0.75, 1.0]), st.integers(1, 3))
def test_choice_is_the_models(documents: list[Document], threshold: float, budget: int) -> None:
    config = NearConfig(bands=3, rows=1, threshold=threshold, max_kept_per_key=budget)
    choice = choose(_table(documents), config)
    assert choice.dropped.schema == DUPLICATES
    assert (_rows(choice.dropped), choice.budget_hits) == _model(documents, threshold, budget)


@settings(max_examples=60)
@given(DOCUMENTS, st.integers(1, 3))
def test_choosing_again_among_the_kept_drops_nothing(documents: list[Document], budget: int) -> None:
    config = NearConfig(bands=3, rows=1, threshold=0.5, max_kept_per_key=budget)
    table = _table(documents)
    gone = {row.dropped for row in _rows(choose(table, config).dropped)}
    kept = table.take(pa.array([i for i in range(len(documents)) if i not in gone], pa.int64()))
    assert choose(kept, config).dropped.num_rows == 0


@pytest.mark.parametrize(
    ("common", "own", "other", "threshold", "drops"),
    [
        (7, 0, 3, 0.7, True),  # 7/10 is 0.7 to the bit
        (7, 2, 1, 0.7, True),
        (69, 15, 16, 0.7, False),
        (70, 15, 15, 0.7, True),
        (1, 1, 1, 1 / 3, True),
        (99, 1, 0, 1.0, False),
        (99, 0, 0, 1.0, True),
        (0, 5, 5, 0.01, False),
        (3, 0, 297, 0.01, True),
        (3, 0, 298, 0.01, False),
    ],
)
def test_the_threshold_is_exact(common: int, own: int, other: int, threshold: float, drops: bool) -> None:
    first = frozenset(range(common + own))
    second = frozenset(range(common)) | frozenset(range(1000, 1000 + other))
    config = NearConfig(bands=1, rows=1, threshold=threshold)
    for pair in ((first, second), (second, first)):
        dropped = choose(_table([Document(s, (1,)) for s in pair]), config).dropped
        assert dropped["jaccard"].to_pylist() == ([common / (common + own + other)] if drops else [])


SET = frozenset(range(10))
LIKE = frozenset(range(9)) | {100}  # 9/11 like SET
LIKER = frozenset(range(9))  # 9/10 like SET and LIKE


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([], []),
        ([Document(SET, (1, 1))], []),
        ([Document(SET, (1, 1)), Document(SET, (1, 2))], [Dropped(1, 0, 1.0, False)]),
        # no key in the same band: not candidates
        ([Document(SET, (1, 2)), Document(SET, (2, 1))], []),
        # the most similar one is named, not the best-ranked
        (
            [Document(SET, (1, 1)), Document(LIKE - {0, 1}, (2, 2)), Document(SET - {0, 1}, (1, 2))],
            [Dropped(2, 0, 0.8, False)],
        ),
        # of equally similar ones the best-ranked
        (
            [Document(SET, (1, 1)), Document(LIKE, (2, 2)), Document(LIKER, (1, 2))],
            [Dropped(2, 0, 0.9, False)],
        ),
        # never against a dropped one: 2 is like 1, which is gone, but not like 0
        (
            [
                Document(frozenset(range(10)), (1, 1)),
                Document(frozenset(range(1, 11)), (1, 1)),
                Document(frozenset(range(3, 13)), (1, 1)),
            ],
            [Dropped(1, 0, 9 / 11, False)],
        ),
        # a guard drops whatever its rank, and is neither kept nor dropped
        (
            [Document(SET, (1, 1)), Document(LIKER, (1, 1)), Document(SET, (1, 1), guard=True)],
            [Dropped(1, 2, 0.9, True), Dropped(0, 2, 1.0, True)],
        ),
        ([Document(SET, (1, 1), guard=True), Document(SET, (1, 1), guard=True)], []),
        # what guards drop does not drop others
        (
            [
                Document(frozenset(range(1, 11)), (1, 1)),
                Document(frozenset(range(3, 13)), (1, 1)),
                Document(frozenset(range(10)), (1, 1), guard=True),
            ],
            [Dropped(0, 2, 9 / 11, True)],
        ),
        # an earlier release's document stays, whatever its rank, but for guards
        ([Document(SET, (1, 1)), Document(SET, (1, 1), prior=True)], [Dropped(0, 1, 1.0, False)]),
        ([Document(SET, (1, 1), prior=True), Document(SET, (1, 1), prior=True)], []),
        (
            [Document(SET, (1, 1), prior=True), Document(SET, (1, 1), guard=True)],
            [Dropped(0, 1, 1.0, True)],
        ),
        # without keys: not even against an equal one
        ([Document(frozenset(), ()), Document(frozenset(), ()), Document(SET, (1, 1))], []),
    ],
)
def test_cases(documents: list[Document], expected: list[Dropped]) -> None:
    choice = choose(_table(documents), NearConfig(bands=2, rows=1))
    assert _rows(choice.dropped) == expected
    assert choice.budget_hits == 0


def test_budget_of_a_giant_bucket() -> None:
    # All share one key and none is like another, but the last is the copy of one in the middle.
    documents = [Document(frozenset(range(10 * i, 10 * i + 10)), (7, i)) for i in range(200)]
    last = Document(documents[100].shingles, (7, 200))
    config = NearConfig(bands=2, rows=1, max_kept_per_key=64)
    passed_over = choose(_table([*documents, last]), config)
    assert passed_over.dropped.num_rows == 0
    assert passed_over.budget_hits == 200 - 64 + 1 - 1
    found = choose(_table([*documents, last]), config.model_copy(update={"max_kept_per_key": 101}))
    assert _rows(found.dropped) == [Dropped(200, 100, 1.0, False)]
    by_other_key = choose(_table([*documents, last._replace(keys=(7, 100))]), config)
    assert _rows(by_other_key.dropped) == [Dropped(200, 100, 1.0, False)]


def test_guards_are_outside_the_budget() -> None:
    guards = [Document(frozenset(range(10 * i, 10 * i + 10)), (7,), guard=True) for i in range(100)]
    config = NearConfig(bands=1, rows=1, max_kept_per_key=1)
    choice = choose(_table([*guards, Document(guards[99].shingles, (7,))]), config)
    assert _rows(choice.dropped) == [Dropped(100, 99, 1.0, True)]
    assert choice.budget_hits == 0


def test_slices_chunks_and_a_missing_prior_column() -> None:
    config = NearConfig()
    table = choosable(variants(60), config)
    expected = choose(table, config)
    assert expected.dropped.num_rows > 5
    padded = pa.concat_tables([choosable(["a b c d e f"], config), table]).combine_chunks().slice(1)
    chunked = pa.concat_tables([table.slice(0, 13), table.slice(13, 0), table.slice(13)])
    for form in (padded, chunked, table.drop_columns(["prior"]), table.slice(0, 0)):
        assert choose(form, config) == (expected if len(form) else choose(_table([]), config))
    assert len(_greedy.signatures) == 1  # type: ignore[attr-defined]


def test_components_decide_alone() -> None:
    config = NearConfig()
    parts = [
        choosable([f"{word} {text}" for text in variants(30, seed)], config) for seed, word in ((1, "x"), (2, "y"))
    ]
    together = choose(pa.concat_tables(parts), config).dropped
    apart = pa.concat_tables([choose(part, config).dropped for part in parts]).sort_by("dropped")
    assert together.equals(apart)


def test_every_dropped_is_really_like_its_kept() -> None:
    texts = [*variants(400), "too short", "a b c d", "e f g h"]
    config = NearConfig()
    table = choosable(texts, config, guards=range(0, 400, 50))
    dropped = choose(table, config).dropped.to_pylist()
    sets = dict(zip(table["blob"].to_pylist(), map(shingle_set, texts), strict=True))
    gone = {row["dropped"] for row in dropped}
    assert len(gone) > 60
    for row in dropped:
        assert row["kept"] not in gone
        assert row["jaccard"] == jaccard(sets[row["dropped"]], sets[row["kept"]]) >= config.threshold
    assert not gone & set(table["blob"].to_pylist()[-3:])
    # LSH misses few: of the pairs left, hardly any is a duplicate.
    left = [blob for blob in sets if blob not in gone]
    missed = sum(jaccard(sets[a], sets[b]) >= config.threshold for i, a in enumerate(left) for b in left[:i])
    assert missed <= 5


def test_refuses_wrong_key_counts_repeated_blobs_and_nulls() -> None:
    config = NearConfig(bands=2, rows=1)
    with pytest.raises(InputError, match=r"expected 2 band keys.*found 3 in row 1"):
        choose(_table([Document(SET, ()), Document(SET, (1, 2, 3))]), config)
    twice = pa.concat_tables([_table([Document(SET, (1, 1))])] * 2)
    with pytest.raises(IntegrityError, match=f"blob {_id(0).hex()} occurs again"):
        choose(twice, config)
    column = pa.array([None], pa.list_(pa.uint64()))
    with pytest.raises(InputError, match="column keys needs values"):
        choose(_table([Document(SET, (1, 1))]).set_column(5, "keys", column), config)
