"""From the columns of any dataset to one table per file, with the types that the rest of the source expects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import InputError
from pipeline.stages.ingest.dataset.columns import (
    TIME,
    as_bytes,
    as_ids,
    as_integers,
    as_lists,
    as_text,
    as_times,
    is_text,
)
from pipeline.stages.ingest.dataset.config import ColumnNames

# What Parquet writers put between a list and its elements.
_LIST_LEAF = re.compile(r"\.(list\.(element|item)|bag\.(array_element|array)|array)(?=\.|$)")

IDS = ("sha1_git", "sha1")
_KINDS = {
    "path": as_bytes, "repo": as_text, "content": as_bytes, "encoding": as_text, "sha1_git": as_ids, "sha1": as_ids,
    "length": as_integers, "mode": as_integers, "stars": as_integers, "forks": as_integers, "date": as_times,
    "snapshot": as_ids, "revision": as_ids, "directory": as_ids, "branch": as_text, "visit_date": as_times,
}  # fmt: skip
_NULLS = {
    as_bytes: pa.large_binary(), as_text: pa.large_string(), as_ids: pa.binary(20), as_integers: pa.int64(),
    as_times: TIME,
}  # fmt: skip


@dataclass(frozen=True)
class Mapping:
    """Which column holds what, and how names are completed. See `layouts` for the ready-made ones."""

    columns: ColumnNames
    origin: str
    """Template of an origin's name, with {repo}."""
    rooted: bool = False
    """Whether paths begin with a slash that stands for the root of the repository."""
    branch_prefix: str = ""
    """What a branch's name lacks where it does not begin with `refs/`."""
    forks_of: str | None = None
    """Column that names the repository whose forks are counted, where it need not be the row's own."""

    @property
    def names(self) -> list[str]:
        """Every column that is read, where it is there."""
        named = [getattr(self.columns, role) for role in _KINDS]
        return [name for name in (*named, *self.columns.licenses, self.forks_of) if name]

    def leaves(self, paths: Iterable[str]) -> list[str]:
        """Of the leaf columns of a Parquet file (`ParquetFile.schema.column(i).path`) those to read.

        Raises InputError where the file lacks a column that a row cannot do without.
        """
        plain = {path: _LIST_LEAF.sub("", path) for path in paths}
        wanted = [path for path, name in plain.items() if any(_is_within(name, asked) for asked in self.names)]
        self._check({plain[path] for path in wanted}, plain.values())
        return wanted

    def _check(self, found: set[str], all_names: Iterable[str]) -> None:
        def has(name: str | None) -> bool:
            return name is not None and any(_is_within(leaf, name) for leaf in found)

        lacking = [] if has(self.columns.path) else [f"path ({self.columns.path})"]
        if "{repo}" in self.origin and not has(self.columns.repo):
            lacking.append(f"repo ({self.columns.repo})")
        if not (has(self.columns.content) or has(self.columns.sha1)):
            lacking.append(f"content ({self.columns.content}) or sha1 ({self.columns.sha1})")
        if lacking:
            raise InputError(
                f"expected the columns {', '.join(lacking)}, found {', '.join(sorted(set(all_names)))}. "
                "Choose the layout that the dataset has, or name its columns under [ingest.sources.columns]"
            )

    def per_file(self, table: pa.Table) -> pa.Table:
        """One row per file, in order: the roles of ColumnNames by name, `licenses` as one list, and `is_text` (whether
        the content is text, which may have had another encoding), `sha1_git_malformed`, `sha1_malformed`. Columns that
        are not there are null; a row whose list of files is empty or null stays as one row with `no_files`.
        Memory: that of `table` once more.

        Raises InputError where a column has a type that cannot be what it is said to hold.
        """
        self._check_schema(table.schema)
        listed = self._listed(table)
        reader = _Reader(table, self.columns.files, *listed)
        columns = {"no_files": pc.is_null(listed[2])}
        for role, convert in _KINDS.items():
            name = getattr(self.columns, role)
            found = reader.column(name) if name else None
            columns[role] = pa.nulls(len(listed[1]), _NULLS[convert]) if found is None else convert(found, name)
            if role == "content":
                columns["is_text"] = pa.repeat(pa.scalar(found is not None and is_text(found)), len(listed[1]))
            if role in IDS:
                given = pa.nulls(len(listed[1]), pa.large_binary()) if found is None else as_bytes(found, name)
                stated = pc.fill_null(pc.greater(pc.binary_length(given), 0), False)
                columns[f"{role}_malformed"] = pc.and_(stated, pc.is_null(columns[role]))
        licenses = [(name, reader.column(name)) for name in self.columns.licenses]
        columns["licenses"] = as_lists([(name, found) for name, found in licenses if found is not None], len(listed[1]))
        if self.forks_of is not None:
            other = reader.column(self.forks_of)
            if other is not None:
                same = pc.equal(columns["repo"], as_text(other, self.forks_of))
                columns["forks"] = pc.if_else(pc.fill_null(same, False), columns["forks"], pa.scalar(None, pa.int64()))
        if self.branch_prefix:
            columns["branch"] = pc.if_else(
                pc.fill_null(pc.starts_with(columns["branch"], "refs/"), True),
                columns["branch"],
                pc.binary_join_element_wise(_large(self.branch_prefix), columns["branch"], _large("")),
            )
        return pa.table(columns)

    def _check_schema(self, schema: pa.Schema) -> None:
        names = set(_leaf_names(schema, self.columns.files))
        self._check({n for n in names if any(_is_within(n, asked) for asked in self.names)}, names)

    def _listed(self, table: pa.Table) -> tuple[pa.Array | None, pa.Array, pa.Array]:
        """(structs of the files, the row of each, its place among the structs or null); no structs where a row is a
        file."""
        rows = pa.array(np.arange(table.num_rows))
        name = self.columns.files
        if name is None:
            return None, rows, rows
        lists = _one(table.column(name))
        if not pa.types.is_list(lists.type) and not pa.types.is_large_list(lists.type):
            raise InputError(f"expected the column {name} to be a list of structs, found {lists.type}")
        parents = pc.list_parent_indices(lists).cast(pa.int64())
        structs = pc.list_flatten(lists)
        if not pa.types.is_struct(structs.type):
            raise InputError(f"expected the column {name} to be a list of structs, found {lists.type}")
        empty = pc.filter(rows, pc.equal(pc.fill_null(pc.list_value_length(lists), 0), 0))
        both = pa.concat_arrays([parents, empty])
        places = pa.concat_arrays([pa.array(np.arange(len(parents))), pa.nulls(len(empty), pa.int64())])
        order = pc.sort_indices(
            pa.table({"row": both, "place": places}), [("row", "ascending"), ("place", "ascending")]
        )
        return structs, both.take(order), places.take(order)


@dataclass(frozen=True)
class _Reader:
    """Columns by dotted name, one value per file."""

    table: pa.Table
    files: str | None
    structs: pa.Array | None
    rows: pa.Array
    places: pa.Array
    """Equal to 0, 1, 2 ... but for rows without files."""

    def column(self, name: str) -> pa.Array | None:
        head, _, rest = name.partition(".")
        if head in self.table.column_names and name not in self.table.column_names:
            found = _one(self.table.column(head))
            if self.structs is not None and head == self.files:
                inner = _field(self.structs, rest)
                return inner if inner is None or not self.places.null_count else inner.take(self.places)
            inner = _field(found, rest)
            return inner if inner is None or self.structs is None else inner.take(self.rows)
        if name not in self.table.column_names:
            return None
        found = _one(self.table.column(name))
        return found if self.structs is None else found.take(self.rows)


def _field(structs: pa.Array, name: str) -> pa.Array | None:
    found = structs
    for part in name.split("."):
        if not pa.types.is_struct(found.type) or found.type.get_field_index(part) < 0:
            return None
        found = pc.struct_field(found, part)
    return found


def _holds_structs(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind)) and bool(pa.types.is_struct(kind.value_type))


def _leaf_names(fields: Iterable[pa.Field], files: str | None, prefix: str = "") -> Iterable[str]:
    for field in fields:
        kind = field.type
        if prefix + field.name == files and _holds_structs(kind):
            kind = kind.value_type
        if pa.types.is_struct(kind):
            yield from _leaf_names(kind, files, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def _is_within(leaf: str, name: str) -> bool:
    return leaf == name or leaf.startswith(f"{name}.")


def _large(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _one(column: pa.ChunkedArray) -> pa.Array:
    # 32-bit offsets could overflow where chunks are put together.
    if pa.types.is_string(column.type):
        column = column.cast(pa.large_string())
    elif pa.types.is_binary(column.type):
        column = column.cast(pa.large_binary())
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(column.chunks)
