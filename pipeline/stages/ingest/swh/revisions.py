"""Revisions as rows of a ledger: what a commit says, without whom it names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.commitment import Key
from pipeline.engine.rows import ids
from pipeline.schema import REVISIONS
from pipeline.stages.ingest.swh.history import Ancestry
from pipeline.stages.ingest.swh.persons import Message, pseudonym
from pipeline.swhid import swhid

COLUMNS = (
    "id", "directory", "type", "message", "author", "date", "date_offset", "date_raw_offset_bytes", "committer",
    "committer_date", "committer_offset", "committer_date_raw_offset_bytes",
)  # fmt: skip
"""What is read of the export's table revision; parents come from its history."""


_OFFSET = re.compile(rb"[+-][0-9]{1,8}")


def described(
    revisions: pa.Table, ancestry: Ancestry, key: Key | None, message: Callable[[bytes], Message]
) -> pa.Table:
    """The rows (schema REVISIONS) of those `revisions` (COLUMNS of the export, any piece of it) that `ancestry` holds.

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
                "revision": swhid("rev", row["id"]),
                "parents": [swhid("rev", parent) for parent in ancestry.named_parents(number)],
                "missing_parents": ancestry.missing_parents(np.array([number])),
                "directory": swhid("dir", row["directory"]),
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
    return pa.Table.from_pylist(rows, schema=REVISIONS)


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
