"""Giant buckets and components: bounded by budgets, reported, never wrong."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.schema import BLOB
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.pieces import giants, in_pieces
from pipeline.stages.near.tables import MEMBERS
from pipeline.swhid import content_id

from .samples import choosable, jaccard, shingle_set, variants
from .test_near_parts import corpus_of, flow

__all__ = ["flow"]  # a fixture


def _planted() -> list[str]:
    """A hundred files of one template, which are less alike than the threshold, and a near copy of every third."""
    rng = Random(3)
    template = [f"t{i}" for i in range(150)]
    made: dict[str, None] = {}
    for number in range(100):
        own = [f"own{number}_{i}" for i in range(45)]
        made[" ".join(template + own)] = None
        if number % 3 == 0:
            own[rng.randrange(45)] = "changed"
            made[" ".join(template + own)] = None
    return list(made)


@pytest.mark.parametrize("settings", [{"max_kept_per_key": 2}, {"max_component": 20}, {}], ids=str)
def test_a_planted_giant_is_bounded_reported_and_never_wrong(
    flow: Any, tmp_path: Path, settings: dict[str, Any]
) -> None:
    texts = _planted()
    corpus = corpus_of(tmp_path / "texts.parquet", texts)
    found = []
    for number, parts in enumerate([(1, 1), (7, 8)]):
        made = flow.runner(tmp_path / str(number), corpus, len(texts), parts=parts, settings={"rows": 5, **settings})
        flow.run(made)
        found.append(flow.released(tmp_path / str(number)))
        (receipt,) = (tmp_path / str(number)).glob("*-near/receipts/components-00000.json")
        cut = json.loads(receipt.read_bytes())["info"]["giant_components"]
        assert cut == ([{"files": len(texts), "pieces": 7}] if "max_component" in settings else [])
        hits = sum(receipt.info["budget_hits"] for receipt in made.receipts("near.choose"))
        assert (hits > 0) == ("max_kept_per_key" in settings)
    assert found[0][0].equals(found[1][0])
    assert found[0][1].equals(found[1][1])
    kept, pairs = found[0]
    sets = {content_id(text.encode()): shingle_set(text) for text in texts}
    stays = set(kept["blob"].to_pylist())
    assert stays | set(pairs["dropped"].to_pylist()) == set(sets)
    for row in pairs.to_pylist():
        assert row["kept"] in stays
        assert row["jaccard"] == jaccard(sets[row["dropped"]], sets[row["kept"]]) >= 0.7
    left = sum(jaccard(sets[a], sets[b]) >= 0.7 for a, b in combinations(sorted(stays), 2))
    assert left == 0 or settings
    assert pairs.num_rows > 10


def test_a_guard_is_in_every_piece_and_what_has_the_same_keys_in_one() -> None:
    config = NearConfig(max_component=25)
    texts = variants(60)
    table = choosable(texts, config, guards=[0, 5]).append_column("normalised", pa.nulls(60, pa.binary(16)))
    small = table.slice(50).set_column(1, "component", pa.array([b"\1" * 20] * 10, BLOB))
    table = pa.concat_tables([table.slice(0, 50), small])
    large = giants(table.select(["blob", "component"]).cast(MEMBERS), config)
    assert large.to_pylist() == [{"component": bytes(20), "files": 50, "pieces": 2}]
    rows = in_pieces(pa.concat_tables([table, table.slice(3, 1)]), large, config.bands).to_pylist()
    pieces: dict[bytes, list[int]] = {}
    for row in rows:
        pieces.setdefault(row["blob"], []).append(row["piece"])
    blobs = table["blob"].to_pylist()
    assert all(pieces[blobs[place]] == [0, 1] for place in (0, 5))
    assert len(set(pieces[blobs[3]])) == 1
    assert all(pieces[blob] == [0] for blob in blobs[50:])
    assert {piece for blob in blobs[:50] for piece in pieces[blob]} == {0, 1}


def test_what_shares_more_keys_comes_into_one_piece_more_often() -> None:
    rng = np.random.default_rng(1)
    first = rng.integers(0, 2**63, (400, 32)).astype(np.uint64)
    large = pa.table({"component": pa.array([bytes(20)], BLOB), "files": [800], "pieces": [50]})
    together = []
    for shared in (4, 16, 28):
        other = first.copy()
        other[:, shared:] += np.uint64(1)
        keys = np.concatenate([first, other])
        table = pa.table(
            {
                "blob": pa.array([i.to_bytes(20, "big") for i in range(800)], BLOB),
                "component": pa.array([bytes(20)] * 800, BLOB),
                "guard": [False] * 800,
                "keys": pa.array(list(keys), pa.list_(pa.uint64())),
                "normalised": pa.nulls(800, pa.binary(16)),
            }
        )
        piece = in_pieces(table, large, 32)["piece"].to_numpy()
        together.append(float((piece[:400] == piece[400:]).mean()))
    assert together == pytest.approx([4 / 60, 16 / 48, 28 / 36], abs=0.08)


def test_stack_v2_keeps_one_of_each_component_however_large() -> None:
    members = pa.table(
        [pa.array([bytes([i] * 20) for i in range(9)], BLOB), pa.array([bytes(20)] * 9, BLOB)], schema=MEMBERS
    )
    assert giants(members, NearConfig(profile="stack-v2", max_component=2)).num_rows == 0
    assert giants(members, NearConfig(max_component=2)).num_rows == 1
