"""The stage's steps as a run has them: what comes out depends on neither parts nor the order of inputs."""

from __future__ import annotations

import importlib
from pathlib import Path
from random import Random
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.swhid import content_id

from .samples import documents, variants

TEXTS = sorted({*documents(120, seed=4), *variants(150, seed=6)})


@pytest.fixture
def flow(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "scripts" / "bench"))
    return importlib.import_module("near_dedup_flow")


def corpus_of(path: Path, texts: list[str]) -> Path:
    blobs = [content_id(text.encode()) for text in texts]
    columns = [pa.array(blobs, pa.binary(20)), pa.array(texts, pa.large_string())]
    pq.write_table(pa.table(columns, names=["blob", "text"]), path)
    return path


def _released(flow: ModuleType, folder: Path, corpus: Path, parts: tuple[int, int]) -> tuple[pa.Table, pa.Table]:
    flow.run(flow.runner(folder, corpus, len(TEXTS), parts=parts))
    kept, pairs = flow.released(folder)
    return kept.combine_chunks(), pairs.combine_chunks()


def test_1_7_and_64_parts_and_shuffled_inputs_give_the_same(flow: ModuleType, tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "texts.parquet", TEXTS)
    kept, pairs = _released(flow, tmp_path / "1", corpus, (1, 1))
    assert kept.num_rows + pairs.num_rows == len(TEXTS)
    assert pairs.num_rows > 25
    shuffled = list(TEXTS)
    Random(1).shuffle(shuffled)
    again = corpus_of(tmp_path / "shuffled.parquet", shuffled)
    for number, (parts, source) in enumerate([((7, 8), again), ((64, 64), corpus)]):
        others = _released(flow, tmp_path / f"other-{number}", source, parts)
        assert others[0].equals(kept)
        assert others[1].equals(pairs)


def test_a_run_after_another_gives_what_one_over_everything_would(flow: ModuleType, tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "texts.parquet", TEXTS)
    facts = tmp_path / "facts"
    flow.run(flow.runner(tmp_path / "old", corpus, 200, facts=facts, parts=(2, 4)))
    for number, stored in enumerate((facts, tmp_path / "no facts")):
        folder = tmp_path / f"new-{number}"
        flow.run(flow.runner(folder, corpus, len(TEXTS), prior=tmp_path / "old", facts=stored, parts=(2, 4)))
    old, (new, pairs) = flow.released(tmp_path / "old"), flow.released(tmp_path / "new-0")
    assert set(old[0]["blob"].to_pylist()) <= set(new["blob"].to_pylist())
    assert new.num_rows + pairs.num_rows == len(TEXTS)
    assert flow.released(tmp_path / "new-1")[0].equals(new)
