"""Which shards a release has: decided by the data alone, never by how the work was cut."""

from __future__ import annotations

import re
from collections import defaultdict

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import LEDGERS, SHARDS, folder_of
from pipeline.stages.release.config import ReleaseConfig

_SPELLED = {"#": "-sharp", "+": "-plus", "*": "-star"}


def folders(languages: list[str | None]) -> dict[str | None, str]:
    """A folder name for each language: lower case, safe on every file system, no two alike.

    >>> folders([None, "C", "C#", "C++", "F*"])
    {None: 'unknown', 'C': 'c', 'C#': 'c-sharp', 'C++': 'c-plus-plus', 'F*': 'f-star'}
    """
    taken: defaultdict[str, list[str | None]] = defaultdict(list)
    for language in sorted(languages, key=lambda name: (name is not None, name or "")):
        text = "".join(_SPELLED.get(c, c) for c in (language or "unknown").lower())
        taken[re.sub(r"[^a-z0-9]+", "-", text).strip("-") or "language"].append(language)
    # The first of several by name keeps the plain form.
    return {
        language: slug if number == 0 else f"{slug}-{number}"
        for slug, members in taken.items()
        for number, language in enumerate(members)
    }


def plan(sizes: pa.Table, config: ReleaseConfig) -> pa.Table:
    """The shards (schema SHARDS, in order) for rows of the schema SIZES: of each language a power of two."""
    grouped = sizes.group_by("language").aggregate([("bytes", "sum")])
    total = dict(zip(grouped.column("language").to_pylist(), grouped.column("bytes_sum").to_pylist(), strict=True))
    names = folders(list(total))
    rows = [
        {
            "table": "data",
            "language": language,
            "folder": f"data/{names[language]}",
            "bucket": bucket,
            "buckets": buckets,
        }
        for language in sorted(total, key=lambda name: names[name])
        for buckets in [1 << max(0, -(-total[language] // config.shard_bytes) - 1).bit_length()]
        for bucket in range(buckets)
    ]
    rows += [
        {
            "table": ledger,
            "language": None,
            "folder": folder_of(ledger),
            "bucket": bucket,
            "buckets": config.ledger_files,
        }
        for ledger in LEDGERS
        for bucket in range(config.ledger_files)
    ]
    return pa.Table.from_pylist(rows, schema=SHARDS)


def first_shards(shards: pa.Table, table: str) -> dict[str | None, tuple[int, int]]:
    """Of each language (or of a ledger, under None): the number of its first shard, and how many it has."""
    found: dict[str | None, tuple[int, int]] = {}
    wanted = pc.equal(shards.column("table"), table).to_pylist()
    for number, (row, here) in enumerate(zip(shards.to_pylist(), wanted, strict=True)):
        if here and row["bucket"] == 0:
            found[row["language"]] = (number, row["buckets"])
    return found
