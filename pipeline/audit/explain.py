"""Explaining a release: what became of a content or a file, by which rule, and on what evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.audit.evidence import evidence_sets, header_sets
from pipeline.audit.explanation import explanation_text
from pipeline.audit.folder import Contents
from pipeline.stages.license.evidence import Evidence
from pipeline.stages.release.rows import path_text
from pipeline.swhid import MODE_DIRECTORY, MODE_SUBMODULE, parse_swhid, swhid

__all__ = ["Explainer", "explanation_text"]

Row = dict[str, Any]
_SHOWN_COPIES = 5
_HINT = (
    "nothing in this release has that name; what opted out is not named, so it looks the same as what was never listed"
)
_NO_CONTENT = {MODE_SUBMODULE: "rev", MODE_DIRECTORY: "dir"}
_ESCAPED = re.compile(rb"\\x([0-9a-fA-F]{2})")
_ROW = [
    "swhid", "origin", "path", "path_bytes", "license_type", "license_expression", "or_choice", "evidence_id",
    "header_evidence_id", "n_copies", "n_redactions", "cluster_id", "language", "first_seen", "first_seen_revision",
    "last_changed", "last_changed_revision",
]  # fmt: skip
_DECISION = [
    "origin", "path", "mode", "blob", "stage", "rule", "reason", "license_type", "license_expression", "evidence_id",
    "header_evidence_id", "duplicate_of", "other_origin", "other_path", "count",
]  # fmt: skip


class Grouped:
    """The rows of a table by the value of one column: built once, then a dictionary look-up each."""

    def __init__(self, table: pa.Table, column: str) -> None:
        """Time O(n log n), memory: the sorted table and one entry a distinct value."""
        self._table = table.filter(pc.is_valid(table.column(column))).sort_by(column).combine_chunks()
        self._ranges: dict[Any, tuple[int, int]] = {}
        if self._table.num_rows:
            runs = pc.run_end_encode(self._table.column(column).combine_chunks())
            ends = runs.run_ends.to_pylist()
            starts = [0, *ends[:-1]]
            self._ranges = dict(zip(runs.values.to_pylist(), zip(starts, ends, strict=True), strict=True))

    def of(self, value: Any) -> pa.Table:
        start, end = self._ranges.get(value, (0, 0))
        return self._table.slice(start, end - start)


class Explainer:
    """Answers from the index and the ledgers of a release. Texts are not read, and each table is loaded once, when a
    question first needs it, so that thousands of targets take little more than one."""

    def __init__(self, folder: Path) -> None:
        """Raises IntegrityError where `folder` holds no release."""
        self._contents = Contents(folder)

    def explain(self, target: str) -> list[Row]:
        """What became of `target`: a SWHID, `ORIGIN PATH`, or an origin alone.

        One result for each place where a content had a fate of its own; where nothing is known, one with the outcome
        `unknown`. All values can be written as JSON.
        """
        text = target.strip("\r\n")
        try:
            kind, identifier = parse_swhid(text.strip().partition(";")[0])
        except ValueError:
            origin, _, path = text.lstrip().partition(" ")
            found = list(self._file(origin, path) if path.strip() else self._origin(origin))
        else:
            found = list(self._content(identifier) if kind == "cnt" else self._found_in(kind, identifier))
        return [{"target": text, **answer} for answer in found or [_unknown()]]

    # --- what is asked ------------------------------------------------------------------------------

    def _content(self, blob: bytes) -> Iterator[Row]:
        indexed = self._index_by_id.of(swhid("cnt", blob)).to_pylist()
        yield from (self._released(row) for row in indexed)
        yield from (self._dropped(row) for row in self._decisions_by_blob.of(blob).to_pylist())
        if not indexed:  # else they are told with what is released
            yield from (self._merged(row) for row in self._copies_by_blob.of(blob).to_pylist())

    def _file(self, origin: str, path: str) -> Iterator[Row]:
        spellings = [path.encode("utf-8", "surrogateescape")]
        if (unescaped := _ESCAPED.sub(lambda m: bytes.fromhex(m[1].decode()), spellings[0])) != spellings[0]:
            spellings.append(unescaped)
        for raw in spellings:
            found = [row for row in self._index_by_origin.of(origin).to_pylist() if row["path"] == path_text(raw)[0]]
            answers = [self._released(row) for row in found]
            for table, answer in ((self._copies_by_origin, self._merged), (self._decisions_by_origin, self._dropped)):
                rows = table.of(origin)
                at = pc.fill_null(pc.equal(rows.column("path"), pa.scalar(raw, pa.binary())), False)
                answers += [answer(row) for row in rows.filter(at).to_pylist()]
            yield from answers
            if answers:
                return

    def _origin(self, origin: str) -> Iterator[Row]:
        yield from (self._summary(row) for row in self._repositories_by_origin.of(origin).to_pylist())

    def _found_in(self, kind: str, identifier: bytes) -> Iterator[Row]:
        """The origins whose root directory, revision or snapshot that is."""
        wanted = {"dir": ("directory", identifier), "rev": ("revision", swhid("rev", identifier))}
        column, value = wanted.get(kind, ("snapshot", swhid(kind, identifier)))
        place = pc.equal(
            self._repositories.column(column), pa.scalar(value, self._repositories.schema.field(column).type)
        )
        yield from (self._summary(row) for row in self._repositories.filter(place).to_pylist())

    # --- what is answered ---------------------------------------------------------------------------

    def _released(self, indexed: Row) -> Row:
        (row,) = self._shard(indexed["shard"]).of(indexed["swhid"]).to_pylist()
        blob = parse_swhid(row["swhid"])[1]
        path = row["path"].encode() if row["path_bytes"] is None else row["path_bytes"]
        answer = _answer("released", row["origin"], path, blob)
        answer["reason"] = "it passed every stage"
        answer["license"] = self._license(row, row["header_evidence_id"])
        answer["redactions"] = row["n_redactions"]
        answer["language"] = row["language"]
        answer["shard"] = indexed["shard"]
        answer["history"] = None
        if row["first_seen_revision"] is not None:
            answer["history"] = {
                name: {"date": None if row[name] is None else _date(row[name]), "revision": row[f"{name}_revision"]}
                for name in ("first_seen", "last_changed")
            }
        first = self._copies_by_blob.of(blob).slice(0, _SHOWN_COPIES).select(["origin", "path"]).to_pylist()
        answer["copies"] = {
            "count": row["n_copies"], "first": [{"origin": c["origin"], "path": path_text(c["path"])[0]} for c in first]
        }  # fmt: skip
        return answer

    def _merged(self, row: Row) -> Row:
        answer = _answer("merged", row["origin"], row["path"], row["blob"])
        place = f"{row['kept_origin']} {path_text(row['kept_path'])[0]}"
        answer |= {"stage": "exact", "rule": "exact_copy", "reason": f"the same content is kept as {place}"}
        answer["license"] = self._license(row, self._headers.get(row["blob"]))
        answer["duplicate_of"] = {
            "kind": "exact",
            "swhid": answer["swhid"],
            "origin": row["kept_origin"],
            "path": path_text(row["kept_path"])[0],
            "jaccard": 1.0,
            "cluster": None,
        }
        return answer

    def _dropped(self, row: Row) -> Row:
        answer = _answer("dropped", row["origin"], row["path"], row["blob"])
        if row["blob"] is not None and row["mode"] in _NO_CONTENT:
            answer["swhid"] = swhid(_NO_CONTENT[row["mode"]], row["blob"])
        answer |= {key: row[key] for key in ("stage", "rule", "reason")}
        answer["license"] = self._license(row, row["header_evidence_id"])
        if row["other_origin"] is not None:
            answer["elsewhere"] = {"origin": row["other_origin"], "path": path_text(row["other_path"] or b"")[0]}
        if row["duplicate_of"] is not None:
            answer["duplicate_of"] = self._near(row["blob"], row["duplicate_of"])
        return answer

    def _near(self, blob: bytes, kept: bytes) -> Row:
        pairs = self._duplicates.of(blob).to_pylist()
        places = self._index_by_id.of(swhid("cnt", kept)).to_pylist()
        return {
            "kind": pairs[0]["kind"] if pairs else "near",
            "swhid": swhid("cnt", kept),
            "origin": places[0]["origin"] if places else None,
            "path": places[0]["path"] if places else None,
            "jaccard": pairs[0]["jaccard"] if pairs else None,
            "cluster": swhid("cnt", pairs[0]["component"]) if pairs else None,
        }

    def _summary(self, row: Row) -> Row:
        counts = {name: row[name] for name in ("listed", "released", "merged", "dropped")}
        outcome = next((name for name in ("released", "merged") if row[name]), "dropped")
        answer = _answer(outcome, row["origin"], None, None)
        answer["swhid"] = swhid("dir", row["directory"]) if row["directory"] else None
        answer["license"] = {"expression": row["license_expression"], "verdict": None, "evidence": []}
        answer["counts"] = counts
        rules: dict[str, int] = {}
        decisions = self._decisions_by_origin.of(row["origin"]).to_pylist()
        for decision in decisions:
            name = f"{decision['stage']}.{decision['rule']}"
            rules[name] = rules.get(name, 0) + decision["count"]
        answer["rules"] = dict(sorted(rules.items()))
        whole = [decision for decision in decisions if decision["path"] is None]
        if whole:
            answer |= {key: whole[0][key] for key in ("stage", "rule", "reason")}
        else:
            answer["reason"] = ", ".join(f"{number} {name}" for name, number in counts.items())
        return answer

    def _license(self, row: Row, header: str | None) -> Row:
        rows = [e for key in (row["evidence_id"], header) if key is not None for e in self._evidence.get(key, [])]
        # From the origin inward: what lies farthest from the file first, the file's own word last.
        rows.sort(
            key=lambda e: (e.source == "header", -(e.distance or 0), e.path or b"", e.start_line or 0, e.expression)
        )
        return {
            "expression": row["license_expression"],
            "verdict": row["license_type"],
            "evidence": [_evidence(e) for e in rows],
        } | ({"or_choice": row["or_choice"]} if row.get("or_choice") else {})

    # --- tables, each loaded when first needed ------------------------------------------------------

    def _shard(self, path: str) -> Grouped:
        if path not in self._shards:
            (entry,) = [entry for entry in self._contents.entries_of("data") if entry.path == path]
            self._shards[path] = Grouped(self._contents.table_of(entry, _ROW), "swhid")
        return self._shards[path]

    @cached_property
    def _shards(self) -> dict[str, Grouped]:
        return {}

    def _table(self, name: str, columns: list[str]) -> pa.Table:
        empty = self._contents.table_schema(name).empty_table().select(columns)
        tables = (self._contents.table_of(entry, columns) for entry in self._contents.entries_of(name))
        return pa.concat_tables([empty, *tables])

    @cached_property
    def _index(self) -> pa.Table:
        return self._table("index", ["swhid", "origin", "path", "shard"])

    @cached_property
    def _index_by_id(self) -> Grouped:
        return Grouped(self._index, "swhid")

    @cached_property
    def _index_by_origin(self) -> Grouped:
        return Grouped(self._index, "origin")

    @cached_property
    def _decisions(self) -> pa.Table:
        return self._table("decisions", _DECISION)

    @cached_property
    def _decisions_by_blob(self) -> Grouped:
        shown = self._decisions.filter(pc.is_valid(self._decisions.column("origin")))
        return Grouped(shown, "blob")

    @cached_property
    def _decisions_by_origin(self) -> Grouped:
        return Grouped(self._decisions, "origin")

    @cached_property
    def _copies_by_blob(self) -> Grouped:
        return Grouped(self._contents.ledger("copies"), "blob")

    @cached_property
    def _copies_by_origin(self) -> Grouped:
        return Grouped(self._contents.ledger("copies"), "origin")

    @cached_property
    def _duplicates(self) -> Grouped:
        return Grouped(self._contents.ledger("duplicates"), "dropped")

    @cached_property
    def _repositories(self) -> pa.Table:
        return self._contents.ledger("repositories")

    @cached_property
    def _repositories_by_origin(self) -> Grouped:
        return Grouped(self._repositories, "origin")

    @cached_property
    def _evidence(self) -> dict[str, list[Evidence]]:
        return evidence_sets(self._contents)

    @cached_property
    def _headers(self) -> dict[bytes, str]:
        return header_sets(self._evidence)


def _answer(outcome: str, origin: str | None, path: bytes | None, blob: bytes | None) -> Row:
    return {
        "outcome": outcome,
        "stage": None,
        "rule": None,
        "reason": None,
        "swhid": None if blob is None else swhid("cnt", blob),
        "origin": origin,
        "path": None if path is None else path_text(path)[0],
        "license": None,
        "duplicate_of": None,
    }


def _date(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _unknown() -> Row:
    return _answer("unknown", None, None, None) | {"reason": _HINT}


def _evidence(row: Evidence) -> Row:
    return {
        "source": row.source,
        "path": None if row.path is None else path_text(row.path)[0],
        "swhid": swhid("cnt", row.blob),
        "distance": row.distance,
        "expression": row.expression,
        "rule": row.rule,
        "matcher": row.matcher,
        "score": row.score,
        "lines": None if row.start_line is None else [row.start_line, row.end_line],
    }
