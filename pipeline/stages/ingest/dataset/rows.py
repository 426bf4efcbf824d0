"""From rows of a dataset to occurrences: which file of which repository, with which bytes, or why not.

Every row stands by itself, so that files, row groups and batches may come in any order and any size. What belongs
together is decided in `listing`, by origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import DATASET_REFUSALS, DATASET_ROWS, GRAPH_CONTENTS
from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.dataset.contents import Identified, identify
from pipeline.stages.ingest.dataset.mapping import IDS, Mapping
from pipeline.stages.ingest.paths import path_problem, without_dot_slash
from pipeline.swhid import MODE_EXECUTABLE, MODE_FILE, MODE_SUBMODULE, MODE_SYMLINK

_BLOB = pa.binary(20)
_LONGEST_REPO = 1_000
_SPECIAL = {
    MODE_SYMLINK: ("symlink", "a symbolic link; not followed"),
    MODE_SUBMODULE: ("submodule", "a submodule: another repository's commit"),
}


ROWS = DATASET_ROWS.append(pa.field("data", pa.large_binary()))
"""Data is null where it is in the store of contents; then blob, sha1 and length are unproved."""

_TAKEN = ("stars", "forks", "date", "snapshot", "revision", "directory", "branch", "visit_date")


@dataclass(frozen=True, slots=True)
class _Refused:
    rule: str
    reason: str
    path: bytes
    blob: bytes | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class _Located:
    """What a row says of a content that lies elsewhere."""

    blob: bytes | None
    length: int | None


def rows_of(
    table: pa.Table,
    mapping: Mapping,
    *,
    dataset: str,
    config: IngestConfig,
    keep_mismatched: bool = False,
    has_store: bool = False,
) -> tuple[pa.Table, pa.Table]:
    """`(rows, refused)` in the schemas ROWS and DATASET_REFUSALS: each file of `table` is in one of them, and so is
    each row of a repository without files.

    `dataset` names the origin of rows without a usable repository. `has_store`: rows without content go on where they
    give a SHA-1. Memory: that of `table` about three times, so hand over batches of bounded size.

    Raises InputError where columns are missing or have unfit types.
    """
    files = mapping.per_file(table)
    origins = _origins(files.column("repo"), mapping.origin)
    deciding = _Deciding(files, mapping, config.max_file_bytes, keep_mismatched, has_store)
    modes = _modes(files.column("mode"))
    kept: list[int] = []
    found: list[Identified | _Located] = []
    refused: list[tuple[int, _Refused]] = []
    for i, origin in enumerate(origins):
        decided = deciding.decide(i, origin is not None, modes[i])
        if isinstance(decided, _Refused):
            refused.append((i, decided))
        else:
            kept.append(i)
            found.append(decided)
    nowhere = f"dataset:{dataset}"
    return (
        _rows(files, deciding, kept, found, [origins[i] or nowhere for i in kept], [modes[i] for i in kept]),
        _refusals(refused, [origins[i] or nowhere for i, _ in refused], [modes[i] for i, _ in refused]),
    )


def wanted_of(rows: pa.Table, source: int) -> pa.Table:
    """The contents that rows want from the store, in the schema GRAPH_CONTENTS, as the dataset describes them.

    Rows that give no git id or no length are not in it: they can only be found by SHA-1 first.
    """
    known = pc.and_(pc.is_valid(rows.column("blob")), pc.is_valid(rows.column("length")))
    wanted = rows.filter(pc.and_(pc.is_null(rows.column("data")), known))
    own = {"source": pa.repeat(pa.scalar(source, pa.int32()), wanted.num_rows), "status": _repeat("visible", wanted)}
    columns = [
        own[f.name]
        if f.name in own
        else wanted.column(f.name)
        if f.name in wanted.column_names
        else pa.nulls(wanted.num_rows, f.type)
        for f in GRAPH_CONTENTS
    ]
    return pa.table(columns, names=GRAPH_CONTENTS.names).cast(GRAPH_CONTENTS)


class _Deciding:
    """Row by row, over columns that were converted at once."""

    def __init__(
        self, files: pa.Table, mapping: Mapping, max_file_bytes: int, keep_mismatched: bool, has_store: bool
    ) -> None:
        self._mapping = mapping
        self._max_bytes = max_file_bytes
        self._keep, self._has_store = keep_mismatched, has_store
        self._no_files = files.column("no_files").to_pylist()
        self._is_text = files.column("is_text").to_pylist()
        self._raw_paths = files.column("path").to_pylist()
        self._encodings = files.column("encoding").to_pylist()
        self._ids = {name: files.column(name).to_pylist() for name in IDS}
        self._malformed = {name: files.column(f"{name}_malformed").to_pylist() for name in IDS}
        self._lengths = files.column("length").to_pylist()
        content = files.column("content").combine_chunks()
        self.content = content.chunk(0) if isinstance(content, pa.ChunkedArray) else content
        self.paths: list[bytes] = [self._path(path) for path in self._raw_paths]
        self._has_content = self.content.is_valid().to_pylist()
        _, offsets, data = self.content.buffers()
        places = np.frombuffer(offsets, np.int64)[self.content.offset :] if len(self.content) else np.zeros(1, np.int64)
        self._edges = list(pairwise(places[: len(self.content) + 1].tolist()))
        self._bytes = memoryview(data) if data is not None else memoryview(b"")

    def decide(self, i: int, has_origin: bool, mode: int) -> Identified | _Located | _Refused:
        """What becomes of file `i`."""
        path = self.paths[i]
        if self._no_files[i]:
            return _Refused("no_files", "its row lists no file", b"")
        if not has_origin:
            return _Refused("missing_repo", "its row names no repository, or not as text of one word", path)
        if self._raw_paths[i] is None:
            return _Refused("missing_path", "its row has no path", b"")
        problem = path_problem(path)
        if problem is not None and not problem.relative:
            return _Refused(problem.rule, problem.reason, path)
        decided = self._content(i, path, mode)
        if problem is None:
            return decided
        return _Refused(problem.rule, problem.reason, path, decided.blob if problem.placeable else None, decided.length)

    def _content(self, i: int, path: bytes, mode: int) -> Identified | _Located | _Refused:
        sha1_git, sha1 = self._ids["sha1_git"][i], self._ids["sha1"][i]
        if mode in _SPECIAL:
            return _Refused(*_SPECIAL[mode], path, sha1_git)
        malformed = [self._named(name) for name in IDS if self._malformed[name][i]]
        if malformed and not self._keep:
            return _Refused("malformed_id", f"its {' and '.join(malformed)} is no id of 40 digits", path)
        if not self._has_content[i]:
            return self._elsewhere(i, path, sha1_git, sha1)
        start, end = self._edges[i]
        found = identify(self._bytes[start:end], self._is_text[i], self._encodings[i], sha1_git, sha1)
        if found.wrong and not self._keep:
            which = " and ".join(self._named(name) for name in found.wrong)
            reason = f"its content does not have the {which} that its row gives"
            # The id given is the one that the repository's tree holds.
            return _Refused("id_mismatch", reason, path, sha1_git, self._lengths[i])
        if found.length > self._max_bytes:
            return self._too_large(path, found.blob, found.length)
        return found

    def _elsewhere(self, i: int, path: bytes, sha1_git: bytes | None, sha1: bytes | None) -> _Located | _Refused:
        length = self._lengths[i]
        if not self._has_store:
            return _Refused(
                "missing_content",
                "its row has no content, nor is there a store of contents to read",
                path,
                sha1_git,
                length,
            )
        if sha1 is None:
            reason = "its row has neither a content nor the SHA-1 by which the store knows it"
            return _Refused("missing_content", reason, path, sha1_git, length)
        if length is not None and length > self._max_bytes:
            return self._too_large(path, sha1_git, length)
        return _Located(sha1_git, length)

    def _too_large(self, path: bytes, blob: bytes | None, length: int) -> _Refused:
        return _Refused("too_large", f"it is larger than max_file_bytes = {self._max_bytes}", path, blob, length)

    def _named(self, role: str) -> str:
        return f"{role} (column {getattr(self._mapping.columns, role)})"

    def _path(self, raw: bytes | None) -> bytes:
        path = raw or b""
        return without_dot_slash(path.removeprefix(b"/") if self._mapping.rooted else path)


def _origins(repos: pa.ChunkedArray, template: str) -> list[str | None]:
    """By template; None where a repository's name is missing, blank or not of one word."""
    if "{repo}" not in template:
        return [template.format()] * len(repos)
    encoded = repos.combine_chunks().dictionary_encode()
    encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
    names = [template.format(repo=repo) if _is_usable(repo) else None for repo in encoded.dictionary.to_pylist()]
    return [None if place is None else names[place] for place in encoded.indices.to_pylist()]


def _is_usable(repo: str) -> bool:
    return 0 < len(repo) <= _LONGEST_REPO and repo.isprintable() and not any(c.isspace() for c in repo)


def _modes(modes: pa.ChunkedArray) -> list[int]:
    """Git's canonical modes: what is neither special nor executable is a plain file."""
    return [
        MODE_FILE if mode is None else mode if mode in _SPECIAL else MODE_EXECUTABLE if mode & 0o100 else MODE_FILE
        for mode in modes.to_pylist()
    ]


def _rows(
    files: pa.Table,
    deciding: _Deciding,
    kept: list[int],
    found: list[Identified | _Located],
    origins: list[str],
    modes: list[int],
) -> pa.Table:
    places = pa.array(kept, pa.int64())
    taken = files.select(["sha1", "licenses", *_TAKEN]).take(places)
    data = deciding.content.take(places)
    other = [f.data if isinstance(f, Identified) else None for f in found]
    if any(d is not None for d in other):
        mask = pa.array([d is not None for d in other])
        data = pc.replace_with_mask(data, mask, pa.array([d for d in other if d is not None], pa.large_binary()))
    columns = {
        "origin": pa.array(origins, pa.string()),
        "path": pa.array([deciding.paths[i] for i in kept], pa.binary()),
        "mode": pa.array(modes, pa.int32()),
        "blob": pa.array([f.blob for f in found], _BLOB),
        "sha1": taken.column("sha1"),
        "length": pa.array([f.length for f in found], pa.int64()),
        "data": data,
        "encoding": pa.array([f.encoding if isinstance(f, Identified) else None for f in found], pa.string()),
        "proof": pa.array([f.proof if isinstance(f, Identified) else "unread" for f in found], pa.string()),
        "given_licenses": taken.column("licenses"),
        **{name: taken.column(name) for name in _TAKEN},
    }
    return pa.table([columns[name] for name in ROWS.names], names=ROWS.names).cast(ROWS)


def _refusals(refused: list[tuple[int, _Refused]], origins: list[str], modes: list[int]) -> pa.Table:
    why = [r for _, r in refused]
    columns = [
        origins,
        [r.path for r in why],
        modes,
        [r.blob for r in why],
        [r.length for r in why],
        [r.rule for r in why],
        [r.reason for r in why],
    ]
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, DATASET_REFUSALS, strict=True)], schema=DATASET_REFUSALS
    )


def _repeat(value: str, table: pa.Table) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), table.num_rows)
