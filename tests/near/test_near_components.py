from __future__ import annotations

from random import Random

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema import BLOB
from pipeline.stages.near.components import components, star_edges
from pipeline.stages.near.tables import BAND_ROWS, EDGES, MEMBERS

Row = tuple[int, int, bytes]
Edge = tuple[bytes, bytes]

# Few blobs, bands and keys, so that they meet. Ids end in zero bytes, as some real ones do.
BLOBS = [bytes([i]) * 10 + bytes([j]) + bytes(9) for i in range(4) for j in range(4)]
ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([0, 1, 2**63, 2**64 - 1]), st.sampled_from(BLOBS)),
    max_size=40,
)
PAIRS = st.lists(st.tuples(st.sampled_from(BLOBS), st.sampled_from(BLOBS)).filter(lambda e: e[0] != e[1]), max_size=20)


def _rows(rows: list[Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, BAND_ROWS, strict=True)], schema=BAND_ROWS)


def _edges(edges: list[Edge]) -> pa.Table:
    columns = list(zip(*edges, strict=True)) or [(), ()]
    return pa.table([pa.array(c, BLOB) for c in columns], schema=EDGES)


def _pairs(table: pa.Table) -> list[tuple[bytes, bytes]]:
    return [(row[0], row[1]) for row in zip(*(c.to_pylist() for c in table.columns), strict=True)]


def _star_model(rows: list[Row]) -> list[Edge]:
    groups: dict[tuple[int, int], set[bytes]] = {}
    for band, key, blob in rows:
        groups.setdefault((band, key), set()).add(blob)
    pairs = [(min(group), blob) for group in groups.values() for blob in group - {min(group)}]
    return sorted((least, blob) for blob, least in _component_model(pairs) if blob != least)


def _component_model(edges: list[Edge]) -> list[tuple[bytes, bytes]]:
    label = {blob: blob for edge in edges for blob in edge}
    changed = True
    while changed:
        changed = False
        for a, b in edges:
            changed |= label[a] != label[b]
            label[a] = label[b] = min(label[a], label[b])
    return sorted(label.items())


@given(ROWS)
def test_star_edges_are_the_models(rows: list[Row]) -> None:
    edges = star_edges(_rows(rows))
    assert edges.schema == EDGES
    assert _pairs(edges) == _star_model(rows)


def test_star_edges_of_many_rows_are_the_models() -> None:
    rng = Random(5)
    blobs = [rng.randbytes(20) for _ in range(3000)]
    keys = [rng.getrandbits(64) for _ in range(9000)]
    rows = [(rng.randrange(3), rng.choice(keys), blob) for blob in blobs for _ in range(10)]
    rows += [(1, 7, blob) for blob in blobs]  # one group far larger than the others
    assert _pairs(star_edges(_rows(rows))) == _star_model(rows)


@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 5))
def test_order_and_buckets_of_rows_do_not_matter(rows: list[Row], rng: Random, buckets: int) -> None:
    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert star_edges(_rows(shuffled)).equals(star_edges(_rows(rows)))
    parts = [star_edges(_rows([r for r in shuffled if r[1] % buckets == b])) for b in range(buckets)]
    assert components(pa.concat_tables(parts)).equals(components(star_edges(_rows(rows))))


@settings(max_examples=100)
@given(PAIRS)
def test_components_are_the_models(edges: list[Edge]) -> None:
    members = components(_edges(edges))
    assert members.schema == MEMBERS
    assert _pairs(members) == _component_model(edges)


@given(PAIRS, st.randoms(use_true_random=False))
def test_order_direction_and_repeats_of_edges_do_not_matter(edges: list[Edge], rng: Random) -> None:
    other = [(b, a) for a, b in edges] + edges[: len(edges) // 2]
    rng.shuffle(other)
    assert components(_edges(other)).equals(components(_edges(edges)))


def test_a_long_chain_is_one_component() -> None:
    ids = [i.to_bytes(20, "big") for i in range(5000)]
    members = components(_edges([(ids[i], ids[i + 1]) for i in reversed(range(4999))]))
    assert members["component"].unique().to_pylist() == [ids[0]]
    assert len(members) == 5000


def test_slices_and_chunks_do_not_matter() -> None:
    rows: list[Row] = [(i % 3, i % 5, BLOBS[i % 16]) for i in range(40)]
    whole = _rows(rows)
    chunked = pa.concat_tables([whole.slice(0, 3), whole.slice(3, 0), whole.slice(3)])
    assert star_edges(chunked).equals(star_edges(whole))
    padded = pa.concat_tables([_rows([(9, 9, BLOBS[0])]), whole]).combine_chunks().slice(1)
    assert star_edges(padded).equals(star_edges(whole))
    edges = star_edges(whole)
    assert components(pa.concat_tables([edges.slice(2), edges.slice(0, 2)])).equals(components(edges))


def test_empty() -> None:
    assert star_edges(_rows([])).equals(EDGES.empty_table())
    assert components(EDGES.empty_table()).equals(MEMBERS.empty_table())
    assert components(star_edges(_rows([(0, 1, BLOBS[0]), (1, 1, BLOBS[1])]))).num_rows == 0
