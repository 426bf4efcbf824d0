"""From the rows of one origin, wherever in the dataset they lay, to the listing that every source gives."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.dataset.contents import Proof
from pipeline.stages.ingest.source import Entry, Listing, OriginInput, Refusal, UnusableOrigin, directory_of
from pipeline.stages.ingest.tree import implied_folders
from pipeline.swhid import BlobId, swhid

_TRUSTED: tuple[Proof, ...] = ("checked", "unread", "unchecked", "not_encoded", "altered")
_SAME = ("duplicate_row", "another row gives the same content under this path")
_OTHER = ("path_conflict", "another row gives other content under this path")
_SAID: dict[Proof, str] = {
    "unchecked": "contents have no id in the dataset by which they could be checked",
    "not_encoded": "contents do not go back into the encoding that the dataset states; they stand as UTF-8",
    "altered": "contents do not have the ids that the dataset gives; they stand as they are",
}
_ONE_PER_ORIGIN = ("snapshot", "revision", "directory", "branch")


def listing_of(
    origin: str, rows: pa.Table, refused: pa.Table, config: IngestConfig
) -> tuple[OriginInput, Listing | UnusableOrigin]:
    """The listing of `origin`: its rows of DATASET_ROWS and DATASET_REFUSALS, in any order.

    Each row is one entry or refusal. Of rows with one path the same content is listed once and the rest refused as
    `duplicate_row`; of several contents that stands whose ids were checked, then the one of the newest date, then of
    the smallest id, and the rest is refused as `path_conflict`. A row that is still without git id or length was not
    found by its SHA-1: `missing_content`. The directory id is that of the paths that are there.

    Memory: about 2 kB a row.
    """
    records = _records(rows)
    item = OriginInput(
        origin, "parquet", "", _digest(rows, refused), stars=_most(records, "stars"), forks=_most(records, "forks")
    )
    if len(records) > config.max_entries:
        return item, UnusableOrigin("too_many_entries", f"it has more than max_entries = {config.max_entries} rows")
    refusals = [Refusal(**{name: r[name] for name in _REFUSAL}) for r in refused.select(_REFUSAL).to_pylist()]
    listed, doubled = _one_per_path(records)
    entries = [_entry(r) for r in listed]
    found = [e for e in entries if isinstance(e, Entry)]
    refusals += [*doubled, *(e for e in entries if isinstance(e, Refusal))]
    try:
        found, refusals = _placed(found, refusals, config.max_entries)
    except UnusableOrigin as unusable:
        return item, unusable
    refusals.sort(key=lambda r: (r.path, r.rule, r.reason, r.mode, r.blob or b"", r.length or 0))
    found.sort(key=lambda e: e.path)
    directory = directory_of(found, refusals)
    only = {name: _only({r[name] for r in records}) for name in _ONE_PER_ORIGIN}
    dates = [r["date"] for r in records if r["date"] is not None]
    visits = [r["visit_date"] for r in records if r["visit_date"] is not None]
    return item, Listing(
        origin=origin,
        visit_type="dataset",
        directory=directory,
        snapshot=None if only["snapshot"] is None else swhid("snp", only["snapshot"]),
        revision=None if only["revision"] is None else swhid("rev", only["revision"]),
        branch=only["branch"],
        revision_date=max(dates) // 1000 if dates else None,
        entries=tuple(found),
        refusals=tuple(refusals),
        messages=tuple(_messages(listed, records, directory == only["directory"])),
        visit_date=max(visits, default=None),
        declared_license=_declared(rows),
    )


def _declared(rows: pa.Table) -> str | None:
    """All that the dataset says of licences of the origin's files."""
    given = sorted({name for names in rows.column("given_licenses").to_pylist() for name in names or ()})
    return " AND ".join(given) or None


def _records(rows: pa.Table) -> list[dict[str, Any]]:
    """As plain data, dates as Unix milliseconds."""
    plain = rows.select([name for name in rows.column_names if name not in ("data", "given_licenses")])
    for name in ("date", "visit_date"):
        plain = plain.set_column(plain.column_names.index(name), name, plain.column(name).cast(pa.int64()))
    found: list[dict[str, Any]] = plain.to_pylist()
    return found


_REFUSAL = ["path", "mode", "blob", "length", "rule", "reason"]


def _one_per_path(records: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Refusal]]:
    by_path: dict[bytes, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        by_path[record["path"]].append(record)
    listed, doubled = [], []
    for path in sorted(by_path):
        best, *others = sorted(by_path[path], key=_preference)
        listed.append(best)
        for other in others:
            same = _content(other) == _content(best)
            doubled.append(Refusal(path, other["mode"], None, other["length"], *(_SAME if same else _OTHER)))
    return listed, doubled


def _content(record: dict[str, Any]) -> bytes | None:
    found: bytes | None = record["blob"] or record["sha1"]
    return found


def _preference(record: dict[str, Any]) -> tuple[Any, ...]:
    return (
        _TRUSTED.index(record["proof"]),
        record["blob"] is None or record["length"] is None,
        record["date"] is None,
        -(record["date"] or 0),
        _content(record) or b"",
        record["mode"],
        record["length"] or 0,
    )


def _entry(record: dict[str, Any]) -> Entry | Refusal:
    path, mode, blob, length = record["path"], record["mode"], record["blob"], record["length"]
    if blob is None or length is None:
        reason = "its row has no content, and too few ids and lengths to find it elsewhere"
        return Refusal(path, mode, blob, length, "missing_content", reason)
    return Entry(path, mode, BlobId(blob), length)


def _placed(entries: list[Entry], refusals: list[Refusal], max_entries: int) -> tuple[list[Entry], list[Refusal]]:
    """Each path once in the tree, and no file where others need a folder: the fewer paths lost."""
    taken = {e.path for e in entries}
    decided: list[Refusal] = []
    for refusal in sorted(refusals, key=lambda r: (r.path, r.rule, r.blob or b"", r.length or 0, r.reason, r.mode)):
        if refusal.blob is None or refusal.path not in taken:
            decided.append(refusal)
        else:
            decided.append(_out_of_tree(refusal, refusal.rule, refusal.reason))
        if refusal.blob is not None:
            taken.add(refusal.path)
    folders = implied_folders(taken, max_entries)
    conflict = ("name_conflict", "other rows need a folder of this name")
    lost = [_out_of_tree(e, *conflict) for e in entries if e.path in folders]
    return (
        [e for e in entries if e.path not in folders],
        lost + [_out_of_tree(r, *conflict) if r.blob is not None and r.path in folders else r for r in decided],
    )


def _out_of_tree(decided: Entry | Refusal, rule: str, reason: str) -> Refusal:
    return Refusal(decided.path, decided.mode, None, decided.length, rule, reason)


def _digest(rows: pa.Table, refused: pa.Table) -> str:
    """Over what the dataset says of the origin, in whatever order it says it."""
    names = ("path", "mode", "blob", "sha1", "length", "snapshot", "revision", "directory")
    lines = [repr(("row", *values)) for values in zip(*(rows.column(n).to_pylist() for n in names), strict=True)]
    columns = (refused.column(n).to_pylist() for n in _REFUSAL)
    lines += [repr(("refused", *values)) for values in zip(*columns, strict=True)]
    return f"sha256:{hashlib.sha256(chr(10).join(sorted(lines)).encode()).hexdigest()}"


def _most(records: Iterable[dict[str, Any]], name: str) -> int | None:
    return max((r[name] for r in records if r[name] is not None), default=None)


def _only(values: set[Any]) -> Any:
    return next(iter(values)) if len(values) == 1 else None


def _messages(listed: list[dict[str, Any]], records: list[dict[str, Any]], is_whole: bool) -> list[str]:
    said = []
    if not is_whole:
        said.append(
            f"the dataset may not hold every file of the repository: its directory id is over {len(listed)} paths"
        )
    for name in ("snapshot", "revision", "branch"):
        several = {r[name] for r in records} - {None}
        if len({r[name] for r in records}) > 1:
            said.append(f"its rows do not agree on the {name} ({len(several)} are named): none is recorded")
    counts = Counter(r["proof"] for r in listed)
    said += [f"{counts[proof]} {text}" for proof, text in _SAID.items() if counts[proof]]
    return said
