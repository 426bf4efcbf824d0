"""Revisions as rows of a ledger: what a commit says, without whom it names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.commitment import Key
from pipeline.engine.rows import constant, ids
from pipeline.stages.ingest.swh.history import Ancestry
from pipeline.stages.ingest.swh.persons import Message, pseudonym
from pipeline.swhid import swhid

COLUMNS = (
    "id", "directory", "type", "message", "author", "date", "date_offset", "date_raw_offset_bytes", "committer",
    "committer_date", "committer_offset", "committer_date_raw_offset_bytes",
)  # fmt: skip
"""What is read of the export's table revision; parents come from its history."""


def _when(role: str) -> list[pa.Field]:
    return [
        pa.field(f"{role}_seconds", pa.int64()),  # since 1970; null outside the years 1 to 9999
        pa.field(f"{role}_microseconds", pa.int32()),
        pa.field(f"{role}_offset", pa.string()),  # as written: +0530, -0000
    ]


REVISIONS = pa.schema(
    [
        pa.field("origin", pa.string(), nullable=False),
        pa.field("revision", pa.string(), nullable=False),
        pa.field("parents", pa.list_(pa.field("element", pa.string())), nullable=False),  # by rank
        pa.field("directory", pa.string(), nullable=False),
        pa.field("type", pa.string()),  # git, hg, svn, tar, dsc ...
        pa.field("author", pa.string()),  # a pseudonym; null without a key
        *_when("author"),
        pa.field("committer", pa.string()),
        *_when("committer"),
        pa.field("message", pa.large_string()),
        pa.field("message_encoding", pa.string()),
        pa.field("message_redactions", pa.int64()),
    ]
)
"""The ledger, one row per origin and revision of its history; sorted by both."""

DESCRIBED = pa.schema([pa.field("id", pa.binary(20), nullable=False), *[f for f in REVISIONS if f.name != "origin"]])
"""One row per revision, whatever the origins that have it."""

_OFFSET = re.compile(rb"[+-][0-9]{1,8}")


def described(
    revisions: pa.Table, ancestry: Ancestry, key: Key | None, message: Callable[[bytes], Message]
) -> pa.Table:
    """The rows (schema DESCRIBED) of those `revisions` (COLUMNS of the export, any piece of it) that `ancestry` holds.

    `message` redacts: persons.redacted_message with key and scanner. Each revision is looked at once however many
    origins share it. Memory: the piece, twice.
    """
    numbers = ancestry.numbers(ids(revisions.column("id")))
    own = revisions.filter(pa.array(numbers >= 0))
    rows: list[dict[str, Any]] = []
    for number, row in zip(numbers[numbers >= 0].tolist(), own.to_pylist(), strict=True):
        said = None if row["message"] is None else message(row["message"])
        rows.append(
            {
                "id": row["id"],
                "revision": swhid("rev", row["id"]),
                "parents": [swhid("rev", parent) for parent in ancestry.named_parents(number)],
                "directory": swhid("dir", row["directory"] or bytes(20)),
                "type": row["type"],
                "author": pseudonym(key, row["author"]),
                "committer": pseudonym(key, row["committer"]),
                **_time("author", row["date"], row["date_offset"], row["date_raw_offset_bytes"]),
                **_time(
                    "committer",
                    row["committer_date"],
                    row["committer_offset"],
                    row["committer_date_raw_offset_bytes"],
                ),
                "message": None if said is None else said.text,
                "message_encoding": None if said is None else said.encoding,
                "message_redactions": None if said is None else said.redactions,
            }
        )
    return pa.Table.from_pylist(rows, schema=DESCRIBED)


def origin_rows(origin: str, head: bytes, ancestry: Ancestry, rows: pa.Table) -> pa.Table:
    """The ledger's rows (schema REVISIONS) of one origin, from rows of DESCRIBED, sorted by revision.

    A revision that is twice among the rows, because a stripe was, is taken once.
    """
    wanted = np.sort(ancestry.ancestors(head))
    numbers = ancestry.numbers(ids(rows.column("id")))
    present, first = np.unique(numbers, return_index=True)
    own = rows.take(pa.array(first[np.isin(present, wanted)])).drop_columns(["id"])
    return own.add_column(0, REVISIONS.field("origin"), constant(origin, own.num_rows, pa.string())).cast(REVISIONS)


def _time(role: str, microseconds: int | None, minutes: int | None, raw: bytes | None) -> dict[str, Any]:
    seconds, rest = (None, None) if microseconds is None else divmod(microseconds, 1_000_000)
    return {f"{role}_seconds": seconds, f"{role}_microseconds": rest, f"{role}_offset": offset(minutes, raw)}


def offset(minutes: int | None, raw: bytes | None) -> str | None:
    """An offset from UTC as the commit has it, or from its minutes where the export does not say; None for neither.

    Bytes that are no offset are not shown: they are whatever somebody wrote there.

    >>> offset(0, b"-0000"), offset(-210, None), offset(None, b"jane"), offset(0, b"jane")
    ('-0000', '-0330', None, '+0000')
    """
    if raw is not None and _OFFSET.fullmatch(raw):
        return raw.decode("ascii")
    if minutes is None:
        return None
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}{rest:02}"
