"""Contents from a store: each fault is found by the decoder, and each by the hashes alone; nothing wrong passes."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.storage import Location, RequestsConfig
from pipeline.stages.ingest.swh.gunzip import REASONS, gunzip
from pipeline.stages.ingest.swh.objects import ContentStore, Expected, FetchCounts, Fetched, mismatch
from pipeline.swhid import content_id

DATA = bytes(range(256)) * 40 + b"the end of a content\n"
WHOLE = gzip.compress(DATA, mtime=0)


def expected(data: bytes, **other: Any) -> Expected:
    made: dict[str, Any] = {
        "blob": content_id(data),
        "sha1": hashlib.sha1(data).digest(),
        "sha256": hashlib.sha256(data).digest(),
        "blake2s256": hashlib.blake2s(data).digest(),
        "length": len(data),
    }
    return Expected(**(made | other))


FAULTS = {
    "truncated body": (WHOLE[: len(WHOLE) // 2], "truncated_gzip"),
    "truncated trailer": (WHOLE[:-3], "truncated_gzip"),
    "not gzip": (DATA, "not_gzip"),
    "trailing garbage": (WHOLE + b"garbage", "trailing_data"),
    "a flipped bit": (WHOLE[:60] + bytes([WHOLE[60] ^ 16]) + WHOLE[61:], "corrupt_gzip"),
    "nothing at all": (b"", "empty_object"),
    "two members": (WHOLE + gzip.compress(b"more"), "trailing_data"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_decoder_finds_each_fault(name: str) -> None:
    raw, fault = FAULTS[name]
    assert gunzip(raw, len(DATA)) == fault
    assert fault in REASONS


@pytest.mark.parametrize("name", FAULTS)
def test_the_hashes_alone_find_each_fault(name: str) -> None:
    """Whatever a careless decoder would make of it."""
    raw, _ = FAULTS[name]
    try:
        careless = gzip.decompress(raw)
    except (EOFError, OSError, ValueError, zlib.error):
        careless = b""
    assert mismatch(careless, expected(DATA), full=False) is not None


@pytest.mark.parametrize("data", [b"", b"x", DATA, bytes(300_000)])
def test_what_is_whole_is_unpacked(data: bytes) -> None:
    assert gunzip(gzip.compress(data), len(data)) == data
    assert gunzip(gzip.compress(data), len(data) + 7) == data
    if data:
        assert gunzip(gzip.compress(data), len(data) - 1) == "too_long"


def test_a_bomb_costs_no_memory() -> None:
    bomb = gzip.compress(bytes(200_000_000), 1)
    tracemalloc.start()
    assert gunzip(bomb, 1000) == "too_long"
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("change", "full", "rule", "words"),
    [
        ({"length": 1}, False, "length_mismatch", "the export says 1"),
        ({"sha1": bytes(20)}, False, "hash_mismatch", "its sha1 differ"),
        ({"blob": bytes(20)}, False, "hash_mismatch", "its sha1_git differ"),
        ({"sha256": bytes(32)}, False, "hash_mismatch", "its sha256 differ"),
        ({"sha256": bytes(32), "blob": bytes(20)}, False, "hash_mismatch", "its sha256 and sha1_git differ"),
        ({"blake2s256": bytes(32)}, True, "hash_mismatch", "its blake2s256 differ"),
    ],
)
def test_each_check_is_told(change: dict[str, Any], full: bool, rule: str, words: str) -> None:
    found = mismatch(DATA, expected(DATA, **change), full=full)
    assert found is not None
    assert found[0] == rule
    assert words in found[1]


def test_blake2s_is_checked_on_request_and_null_hashes_are_not() -> None:
    assert mismatch(DATA, expected(DATA, blake2s256=bytes(32)), full=False) is None
    assert mismatch(DATA, expected(DATA, blake2s256=None, sha256=None), full=True) is None


def fetch(folder: Path, wanted: list[Expected], **more: Any) -> dict[bytes, Fetched]:
    options = {"layout": "flat", "compression": "gzip"} | more
    requests = RequestsConfig(parallel=3, attempts=3, backoff_seconds=0.0, memory_bytes=1 << 20)
    counts = FetchCounts()
    found = list(ContentStore(Location(str(folder)), requests=requests, **options).fetch(wanted, counts))
    assert len(found) == len(wanted)
    assert counts.objects == sum(got.data is not None for got in found)
    return {got.blob: got for got in found}


def test_each_object_is_a_content_or_has_its_own_reason(tmp_path: Path) -> None:
    wanted = []
    for number, (raw, _) in enumerate(FAULTS.values()):
        own = expected(DATA, blob=bytes([number]) * 20, sha1=bytes([number]) * 20)
        (tmp_path / own.sha1.hex()).write_bytes(raw)
        wanted.append(own)
    good = [expected(str(n).encode() * n) for n in range(50)]
    for n, own in enumerate(good):
        (tmp_path / own.sha1.hex()).write_bytes(gzip.compress(str(n).encode() * n))
    missing = expected(b"never stored")
    found = fetch(tmp_path, [*wanted, *good, missing])
    assert [found[own.blob].rule for own in wanted] == [fault for _, fault in FAULTS.values()]
    assert [found[own.blob].data for own in good] == [str(n).encode() * n for n in range(50)]
    assert found[missing.blob].rule == "missing_object"
    assert not any(got.environmental for got in found.values())


def test_sliced_and_plain_stores(tmp_path: Path) -> None:
    own = expected(DATA)
    name = own.sha1.hex()
    path = tmp_path / name[:2] / name[2:4] / name
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA)
    assert fetch(tmp_path, [own], layout="sliced", compression="none")[own.blob].data == DATA


def test_what_cannot_be_reached_is_environmental(tmp_path: Path) -> None:
    own = expected(DATA)
    # A folder in the place of an object: the operating system's refusal, not an answer about the content.
    (tmp_path / own.sha1.hex()).mkdir()
    got = fetch(tmp_path, [own])[own.blob]
    assert got.environmental
    assert got.rule == "quarantined"
