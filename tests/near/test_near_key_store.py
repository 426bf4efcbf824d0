from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.engine.rows import ids, is_among
from pipeline.stages.near.bands import band_rows
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.key_store import KeyStore

from .samples import blobs_of, documents, large, variants

CONFIG = NearConfig()
TEXTS = [*variants(120), *documents(60)]


def _filled(root: Path, texts: list[str] = TEXTS, runs: int = 3) -> KeyStore:
    store = KeyStore(root, CONFIG)
    for run in range(runs):
        mine = texts[run::runs]
        store.add(band_rows(blobs_of(mine), large(mine), CONFIG), pa.chunked_array([blobs_of(mine)]))
    return store


def _sorted(rows: pa.Table) -> pa.Table:
    return rows.sort_by([("blob", "ascending"), ("band", "ascending")]).combine_chunks()


@pytest.mark.parametrize("runs", [1, 3])
def test_what_was_stored_comes_back(tmp_path: Path, runs: int) -> None:
    store = _filled(tmp_path, runs=runs)
    wanted = [*TEXTS[::3], "a file that nobody has signed"]
    rows, missing = store.known(pa.chunked_array([blobs_of(wanted)]))
    assert _sorted(rows).equals(_sorted(band_rows(blobs_of(wanted[:-1]), large(wanted[:-1]), CONFIG)))
    assert [blob.tobytes() for blob in missing] == blobs_of(wanted[-1:]).to_pylist()


def test_meeting_is_the_join_by_band_and_key(tmp_path: Path) -> None:
    store = _filled(tmp_path)
    new = variants(150)[120:]
    others = band_rows(blobs_of(new), large(new), CONFIG)
    old = pa.chunked_array([blobs_of(random.Random(1).sample(TEXTS, 100))])
    met = store.meeting(old, others)
    everything = store.known(old)[0]
    sought = set(zip(others["band"].to_pylist(), others["key"].to_pylist(), strict=True))
    expected = [
        pair in sought for pair in zip(everything["band"].to_pylist(), everything["key"].to_pylist(), strict=True)
    ]
    assert 0 < sum(expected) < len(expected)
    assert _sorted(met).equals(_sorted(everything.filter(pa.array(expected))))


def test_a_damaged_file_is_removed_and_its_documents_are_unknown(tmp_path: Path) -> None:
    store = _filled(tmp_path)
    victim, *others = sorted(tmp_path.glob("*/*"))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    wanted = pa.chunked_array([blobs_of(TEXTS)])
    rows, missing = store.known(wanted)
    assert len(missing) > 0
    assert sorted(tmp_path.glob("*/*")) == others
    assert (
        not is_among(rows["blob"], pa.chunked_array([pa.array([m.tobytes() for m in missing], pa.binary(20))]))
        .to_pylist()
        .count(True)
    )


def test_files_never_change_and_nothing_is_stored_for_nothing(tmp_path: Path) -> None:
    store = _filled(tmp_path, runs=1)
    before = {path: path.read_bytes() for path in tmp_path.glob("*/*")}
    store.add(band_rows(blobs_of([]), large([]), CONFIG), pa.chunked_array([blobs_of([])]))
    store.add(
        band_rows(blobs_of(["x y z a b"]), large(["x y z a b"]), CONFIG), pa.chunked_array([blobs_of(["x y z a b"])])
    )
    after = {path: path.read_bytes() for path in tmp_path.glob("*/*")}
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()
    assert sum(map(len, before.values())) < 410 * len(TEXTS)


def test_another_configuration_has_its_own_keys(tmp_path: Path) -> None:
    _filled(tmp_path)
    wanted = pa.chunked_array([blobs_of(TEXTS)])
    for other in (NearConfig(ngram=4), NearConfig(bands=16), NearConfig(profile="stack-v2", bands=25)):
        assert len(KeyStore(tmp_path, other).known(wanted)[1]) == len(set(TEXTS))
    assert len(KeyStore(tmp_path, NearConfig(engine="datasketch")).known(wanted)[1]) == 0
    assert len(ids(KeyStore(tmp_path, CONFIG).known(pa.chunked_array([blobs_of([])]))[0]["blob"])) == 0
