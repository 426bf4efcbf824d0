"""A made-up graph export of any size with true directory ids, and with the sharing that real histories have.

Repositories are runs of commits. A commit makes a new root and, more seldom the deeper, new folders below it, so that
successive roots share nearly all of their folders: about 2.25 new folders a commit and 14 entries a folder, as four
real repositories had (7,915 revisions, 17,804 directories, 257,656 entries). One repository in four is a fork whose
head is that of another; one folder in twenty is vendored from a few that everybody uses. Of each repository only the
head is reachable from its origin: the rest is history, as in the archive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.orc as orc
import pyarrow.parquet as pq

from pipeline.schema import DIRECTORY_ENTRIES
from pipeline.stages.ingest.swh.trees import git_form, starts_of
from pipeline.swhid import MODE_DIRECTORY, MODE_FILE

Numbers = np.ndarray[Any, np.dtype[Any]]

_PER_COMMIT = (0.25, 0.4, 0.6, 1.0)  # new folders of each level, the root last
_FILES = (14.0, 9.0, 8.0, 9.0)  # mean number of files in a folder of each level
_FOLDERS = (0, 4, 4, 6)
_COMMITS = 40  # of a repository
_BLOBS_PER_ENTRY = 0.05
_BATCH = 2_000_000
_VENDORED, _POPULAR = 0.05, 0.001
_FORKS = 0.25
_SUFFIXES = [".py", ".c", ".h", ".js", ".ts", ".go", ".md", ".json", ".txt", ".java", ".rs", ""]
_DIGITS = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint16)


@dataclass(frozen=True)
class Made:
    """What was written."""

    entries: int
    directories: int
    contents: int
    origins: int


def make_export(folder: Path, entries: int, *, kind: str = "parquet", seed: int = 1) -> Made:
    """Write an export of about `entries` directory entries to `folder`. Deterministic. Memory: some 2 GB at 1e8."""
    per_commit = sum(new * (files + folders) for new, files, folders in zip(_PER_COMMIT, _FILES, _FOLDERS, strict=True))
    repositories = max(4, round(entries / per_commit / _COMMITS))
    chance = np.random.default_rng(seed)
    blobs = np.frombuffer(chance.bytes(20 * max(1000, int(entries * _BLOBS_PER_ENTRY))), "V20")
    names = _names(chance)
    writer = _Writer(folder, "directory_entry", kind)
    below: Numbers = np.zeros(0, "V20")
    directories = 0
    for level, new in enumerate(_PER_COMMIT):
        count = max(1, round(new * _COMMITS))
        made = []
        for table in _folders(level, repositories, count, below, blobs, names, chance):
            found, rows = _identified(table)
            made.append(found)
            writer.write(_in_hex(rows))
        below = np.concatenate(made)
        directories += len(below)
    writer.close()
    _write_contents(folder, blobs, chance, kind)
    _write_history(folder, below.reshape(repositories, -1), chance, kind)
    return Made(writer.rows, directories, len(blobs), repositories)


def _names(chance: Any) -> pa.Array:
    letters = "abcdefghijklmnopqrstuvwxyz_"
    words = ["".join(chance.choice(list(letters), size)) for size in chance.integers(2, 16, 20_000)]
    return pa.array([(w + _SUFFIXES[i % len(_SUFFIXES)]).encode() for i, w in enumerate(words)], pa.large_binary())


def _folders(
    level: int, repositories: int, count: int, below: Numbers, blobs: Numbers, names: pa.Array, chance: Any
) -> Iterator[pa.Table]:
    """Entries of `count` folders for each repository; `directory` is not yet known and holds the folder's number."""
    per_folder = _FILES[level] + _FOLDERS[level]
    at_once = max(1, int(_BATCH / per_folder / count))
    region = max(50, len(blobs) // repositories)
    for first in range(0, repositories, at_once):
        owners = np.repeat(np.arange(first, min(first + at_once, repositories)), count)
        files = np.minimum(chance.geometric(1 / _FILES[level], len(owners)), 600)
        sizes = files + _FOLDERS[level]
        total = int(sizes.sum())
        folder = np.repeat(np.arange(len(owners)), sizes)
        place = np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        # Files before folders; which names they have makes no difference to the walk.
        is_folder = place >= np.repeat(files, sizes)
        owner = owners[folder]
        own_blob = (owner * region + chance.integers(0, region, total)) % len(blobs)
        target = blobs[own_blob]
        if _FOLDERS[level]:
            each = len(below) // repositories
            # Successive folders take nearly the same children.
            number = np.tile(np.arange(count), len(owners) // count)[folder]
            slot = place - np.repeat(files, sizes)
            spread = each // _FOLDERS[level] + 1
            own = (slot * spread + (number * each // count + slot) // 3 % spread) % each
            child = owner * each + own
            vendored = chance.random(total) < _VENDORED
            popular = max(1, int(len(below) * _POPULAR))
            child = np.where(vendored, chance.integers(0, popular, total), child)
            target = np.where(is_folder, below[np.where(is_folder, child, 0)], target)
        yield pa.table(
            {
                "folder": folder,
                "name": pc.binary_join_element_wise(
                    _prefixes(place),
                    names.take(pa.array(chance.integers(0, len(names), total))),
                    pa.scalar(b"", pa.large_binary()),
                ),
                "mode": pa.array(np.where(is_folder, MODE_DIRECTORY, MODE_FILE), pa.int32()),
                "target": pa.Array.from_buffers(pa.binary(20), total, [None, pa.py_buffer(target.tobytes())]),
            }
        )


def _prefixes(place: Numbers) -> pa.Array:
    """Two letters that put the entries of a folder in order."""
    known = pa.array([bytes([97 + n // 26, 97 + n % 26]) for n in range(676)], pa.large_binary())
    return known.take(pa.array(place))


def _identified(table: pa.Table) -> tuple[Numbers, pa.Table]:
    """The true id of each folder, and its entries in the schema DIRECTORY_ENTRIES."""
    folder = table.column("folder").to_numpy()
    edges = np.append(starts_of(folder), len(folder))
    rows = pa.table(
        [
            pa.nulls(len(folder), pa.binary(20)).fill_null(bytes(20)),
            table.column("name").cast(pa.binary()),
            table.column("mode"),
            table.column("target"),
        ],
        schema=DIRECTORY_ENTRIES,
    )
    joined, places = git_form(rows)
    found = []
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        body = joined[places[start] : places[end]]
        digest = hashlib.sha1(b"tree %d\0" % len(body), usedforsecurity=False)
        digest.update(body)
        found.append(digest.digest())
    ids = np.array(found, "V20")
    whole = np.repeat(ids, np.diff(edges))
    column = pa.Array.from_buffers(pa.binary(20), len(whole), [None, pa.py_buffer(whole.tobytes())])
    return ids, rows.set_column(0, "directory", column)


def _in_hex(rows: pa.Table) -> pa.Table:
    modes = rows.column("mode").to_numpy()
    return pa.table(
        {
            "directory_id": _hex(_raw(rows.column("directory")), 20),
            "name": rows.column("name"),
            "type": pa.array(np.where(modes == MODE_DIRECTORY, "dir", "file")),
            "target": _hex(_raw(rows.column("target")), 20),
            "perms": rows.column("mode"),
        }
    )


def _raw(column: pa.ChunkedArray) -> bytes:
    return b"".join(
        chunk.buffers()[1].slice(chunk.offset * 20, len(chunk) * 20).to_pybytes() for chunk in column.chunks
    )


def _hex(raw: bytes, size: int) -> pa.Array:
    digits = _DIGITS[np.frombuffer(raw, np.uint8)]
    count = len(raw) // size
    offsets = np.arange(count + 1, dtype=np.int32) * (2 * size)
    return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(digits.tobytes())])


def _write_contents(folder: Path, blobs: Numbers, chance: Any, kind: str) -> None:
    writer = _Writer(folder, "content", kind)
    for first in range(0, len(blobs), 500_000):
        own = blobs[first : first + 500_000]
        count = len(own)
        writer.write(
            pa.table(
                {
                    "sha1": _hex(chance.bytes(20 * count), 20),
                    "sha1_git": _hex(own.tobytes(), 20),
                    "sha256": _hex(chance.bytes(32 * count), 32),
                    "blake2s256": _hex(chance.bytes(32 * count), 32),
                    "length": pa.array(chance.integers(1, 60_000, count)),
                    "status": pa.array(["visible"] * count),
                }
            )
        )
    writer.close()


def _write_history(folder: Path, roots: Numbers, chance: Any, kind: str) -> None:
    count = len(roots)
    heads = roots[:, -1]
    forks = np.flatnonzero(chance.random(count) < _FORKS)
    heads = heads.copy()
    heads[forks] = roots[chance.integers(0, count, len(forks)), -1]
    urls = [f"https://git.example.org/{n:07d}" for n in range(count)]
    revisions, snapshots = (_hex(chance.bytes(20 * count), 20) for _ in range(2))
    day = pa.array(np.full(count, 1_700_000_000_000_000), pa.timestamp("us"))
    full = pa.array(["full"] * count)
    git = pa.array(["git"] * count)
    one = pa.array(np.ones(count, np.int64))
    tables = {
        "origin": {"id": _hex(chance.bytes(20 * count), 20), "url": urls},
        "origin_visit": {"origin": urls, "visit": one, "date": day, "type": git},
        "origin_visit_status": {
            "origin": urls, "visit": one, "date": day, "status": full, "snapshot": snapshots, "type": git,
        },
        "snapshot": {"id": snapshots},
        "snapshot_branch": {
            "snapshot_id": snapshots, "name": pa.array([b"HEAD"] * count), "target": revisions,
            "target_type": pa.array(["revision"] * count),
        },
        "release": {"id": pa.array([], pa.string()), "target": pa.array([], pa.string()),
                    "target_type": pa.array([], pa.string())},
        "revision": {"id": revisions, "directory": _hex(heads.tobytes(), 20), "committer_date": day},
    }  # fmt: skip
    for name, columns in tables.items():
        writer = _Writer(folder, name, kind)
        writer.write(pa.table(columns))
        writer.close()


class _Writer:
    """Rows of one table, into one file of as many stripes as batches."""

    def __init__(self, folder: Path, table: str, kind: str) -> None:
        self._path = folder / table / f"{table}.{kind}"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._kind = kind
        self._writer: Any = None
        self.rows = 0

    def write(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        if self._writer is None and self._kind == "parquet":
            plain = [name for name in table.column_names if name in ("name", "type", "perms", "status", "target_type")]
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd", use_dictionary=plain)
        elif self._writer is None:
            self._writer = orc.ORCWriter(str(self._path), compression="zstd", stripe_size=64 << 20)
        self._writer.write(table) if self._kind == "orc" else self._writer.write_table(table, row_group_size=1 << 20)

    def close(self) -> None:
        self._writer.close()
