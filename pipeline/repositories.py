"""What is known of repositories from elsewhere: a table of stars, forks, renames, forks' parents and licences.

One row per repository, keyed by the URL that it has now; an origin is looked up by that name or by one of the
`aliases`, older names that lead to it. The table is streamed and held against the names that are asked for, so memory
grows with these and not with the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from pipeline.engine.keys import file_sha256
from pipeline.errors import InputError

_ALIASES = pa.list_(pa.field("element", pa.string()))
SCHEMA = pa.schema(
    [
        ("origin", pa.string()),
        ("stars", pa.int64()),
        ("forks", pa.int64()),
        ("archived", pa.bool_()),
        ("fork_of", pa.string()),
        ("aliases", _ALIASES),
        ("license", pa.string()),
    ]
)
"""All but `origin` may be missing or null. In CSV, aliases are apart by blanks, and archived is true or false."""

_PLAIN = r"^[A-Za-z][A-Za-z0-9+.-]*://(www\.)?|(\.git)?/*$"
_LONGEST_LICENSE = 200


@dataclass(frozen=True, slots=True)
class About:
    """One row."""

    origin: str
    stars: int | None = None
    forks: int | None = None
    archived: bool | None = None
    fork_of: str | None = None
    aliases: tuple[str, ...] = ()
    license: str | None = None
    """In the words of whoever made the table: an SPDX expression, or a forge's short name such as mit."""


def digest(path: str | None) -> str:
    """What tells one table from another, for keys; "none" without one. Raises InputError."""
    if path is None:
        return "none"
    try:
        return file_sha256(Path(path))
    except OSError as error:
        raise _unreadable(path, error.strerror) from error


def about_repositories(path: str, origins: Iterable[str]) -> dict[str, About]:
    """What the table says of each of `origins` that it knows: by its own name, else by an alias.

    Names are alike without regard to scheme, case, a final `.git` or slash. Raises InputError where the table cannot be
    read, or where it names a repository twice.
    """
    wanted = {name: key for name, key in zip(origins, _keys(list(origins)), strict=True) if key}
    asked = pa.array(sorted(set(wanted.values())), pa.string())
    own: dict[str, About] = {}
    by_alias: dict[str, About] = {}
    for batch in _batches(path):
        keys = _key_column(batch.column("origin"))
        flat = pc.list_flatten(batch.column("aliases"))
        named = pc.filter(pc.list_parent_indices(batch.column("aliases")), pc.is_in(_key_column(flat), value_set=asked))
        hit = pc.or_(
            pc.is_in(keys, value_set=asked), pc.is_in(pa.array(range(batch.num_rows)), value_set=named.cast(pa.int64()))
        )
        for row in map(_about, batch.filter(hit).to_pylist()):
            (key,) = _keys([row.origin])
            if key in own:
                raise InputError(f"{path}: names {row.origin} twice; expected one row per repository")
            own[key] = row
            for alias in _keys(row.aliases):
                # An older name that two claim: the first by name, whatever the order of rows.
                if alias not in by_alias or row.origin < by_alias[alias].origin:
                    by_alias[alias] = row
    found = {name: own.get(key) or by_alias.get(key) for name, key in wanted.items()}
    return {name: row for name, row in found.items() if row is not None}


@lru_cache(maxsize=4)
def renamed(path: str, table_digest: str) -> tuple[tuple[str, ...], ...]:
    """The names, present and past, of every repository that has aliases. `table_digest` is that of the table as it is
    now. Memory: the names."""
    found = []
    for batch in _batches(path):
        rows = batch.filter(pc.greater(pc.fill_null(pc.list_value_length(batch.column("aliases")), 0), 0))
        found += [(row["origin"], *row["aliases"]) for row in rows.select(["origin", "aliases"]).to_pylist()]
    return tuple(sorted(found))


def _about(row: Mapping[str, Any]) -> About:
    license = row["license"]
    usable = license if license and license.isprintable() and len(license) <= _LONGEST_LICENSE else None
    return About(**{**row, "aliases": tuple(sorted(row["aliases"] or ())), "license": usable})


def _keys(names: Iterable[str]) -> list[str]:
    keys: list[str] = _key_column(pa.array(list(names), pa.string())).to_pylist()
    return keys


def _key_column(names: pa.Array) -> pa.Array:
    # A listing of some day is called URL#as_of=DAY.
    without_day = pc.replace_substring_regex(names, r"#as_of=.*$", "")
    return pc.utf8_lower(pc.replace_substring_regex(without_day, _PLAIN, ""))


def _batches(path: str) -> Iterator[pa.RecordBatch]:
    """The table in the schema SCHEMA, piece by piece, checked."""
    first = 1
    try:
        for raw in _raw(path):
            yield _checked(raw, path, first)
            first += raw.num_rows
    except FileNotFoundError as error:
        raise _unreadable(path, "there is no such file") from error
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, str(error).partition("\n")[0][:200]) from error


def _unreadable(path: str, why: str | None) -> InputError:
    return InputError(
        f"{path}: the table of repositories cannot be read: {why}. Expected a CSV (.csv), JSON Lines (.jsonl) or "
        f"Parquet (.parquet) file with the columns {', '.join(SCHEMA.names)}, of which only origin must be there "
        "(ingest.repositories)"
    )


def _raw(path: str) -> Iterator[pa.RecordBatch]:
    if path.endswith(".parquet"):
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(1 << 18)
    elif path.endswith(".csv"):
        as_text = pyarrow.csv.ConvertOptions(
            column_types={name: pa.string() for name in SCHEMA.names}, strings_can_be_null=True, null_values=[""]
        )
        with pyarrow.csv.open_csv(path, convert_options=as_text) as reader:
            yield from reader
    elif path.endswith(".jsonl"):
        yield from pyarrow.json.read_json(path).to_batches(1 << 18)
    else:
        raise OSError("its name ends in none of .csv, .jsonl and .parquet")


def _checked(raw: pa.RecordBatch, path: str, first: int) -> pa.RecordBatch:
    """`first` is the number of the batch's first row, from 1."""
    unknown = sorted(set(raw.schema.names) - set(SCHEMA.names))
    if unknown or "origin" not in raw.schema.names:
        problem = f"has the unknown column {', '.join(unknown)}" if unknown else "has no column origin"
        raise InputError(f"{path}: {problem}; expected {', '.join(SCHEMA.names)}, found {', '.join(raw.schema.names)}")
    columns = []
    for field in SCHEMA:
        if field.name not in raw.schema.names:
            columns.append(pa.nulls(raw.num_rows, field.type))
            continue
        column = raw.column(field.name)
        if field.name == "aliases" and (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            column = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(column)).cast(_ALIASES)
        try:
            columns.append(column.cast(field.type))
        except pa.ArrowException:
            number = next(i for i in range(raw.num_rows) if not _fits(column[i : i + 1], field.type))
            raise _bad_row(path, first + number, field, column[number]) from None
    batch = pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
    _check_values(batch, path, first)
    return batch


def _check_values(batch: pa.RecordBatch, path: str, first: int) -> None:
    urls = pc.match_substring_regex(batch.column("origin"), r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$")
    wrong = {"origin": pc.invert(pc.fill_null(urls, False))}
    for name in ("stars", "forks"):
        wrong[name] = pc.fill_null(pc.less(batch.column(name), 0), False)
    for name, mask in wrong.items():
        if pc.any(mask).as_py():
            number = pc.index(mask, True).as_py()
            raise _bad_row(path, first + number, SCHEMA.field(name), batch.column(name)[number])


def _fits(column: pa.Array, kind: pa.DataType) -> bool:
    try:
        column.cast(kind)
    except pa.ArrowException:
        return False
    return True


_EXPECTED = {"origin": "a URL", "stars": "a number from 0", "forks": "a number from 0", "archived": "true or false"}


def _bad_row(path: str, row: int, field: pa.Field, value: pa.Scalar) -> InputError:
    expected = _EXPECTED.get(field.name, str(field.type))
    return InputError(f"{path}: row {row}, column {field.name}: expected {expected}, found {str(value.as_py())[:80]!r}")
