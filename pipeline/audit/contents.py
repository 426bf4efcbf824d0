"""The released rows: each text is what its id says, or what its redactions make of it; each stands once."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import Any

import pyarrow as pa

from pipeline.audit.files import Contents
from pipeline.audit.report import Report
from pipeline.engine.step import origin_bucket
from pipeline.manifest.digests import row_digests
from pipeline.stages.ingest.decoding import encode
from pipeline.stages.release.shards import DATA_ORDER
from pipeline.swhid import content_id, swhid


def check_rows(contents: Contents, report: Report) -> None:
    """Ids, redactions, uniqueness, order, place and index of every released row. Memory: one shard and the ledgers."""
    ids = report.check("contents", "text that was not redacted has the SWHID, sha256 and length that its row states")
    redacted = report.check("redactions", "redacted text is what its ledger says: surrogates in place, lengths close")
    unique = report.check("unique", "no content and no file is released twice")
    order = report.check("order", "rows stand in order, in the shard that their language and origin decide")
    index = report.check("index", "the index finds every released row, and no other")

    spans = defaultdict(list)
    for span in contents.ledger("redactions").to_pylist():
        spans[swhid("cnt", span["blob"])].append(span)
    indexed = {(row["swhid"], row["shard"], row["row_digest"]) for row in contents.ledger("index").to_pylist()}
    check_index = Counter[str]()
    seen_ids: Counter[str] = Counter()
    seen_files: Counter[tuple[str, str, bytes | None]] = Counter()
    spans_seen = 0
    for entry in contents.entries_of("data"):
        table = contents.table_of(entry)
        keys = list(zip(*(table.column(name).to_pylist() for name in DATA_ORDER), strict=True))
        comparable = [(origin, path, raw is None, raw or b"") for origin, path, raw in keys]
        order.expect(comparable == sorted(comparable), f"{entry.path}: rows are out of order")
        seen_files.update(keys)
        seen_ids.update(table.column("swhid").to_pylist())
        texts = table.column("content")
        columns = [name for name in table.column_names if name != "content"]
        for number, (row, digest) in enumerate(zip(table.select(columns).to_pylist(), row_digests(table), strict=True)):
            where = f"{entry.path} row {number} ({row['swhid']})"
            text = bytes(texts[number].cast(pa.large_binary()).as_buffer())
            place = origin_bucket(row["origin"], 4096) * (entry.buckets or 1) // 4096
            order.expect(row["language"] == entry.language and place == entry.bucket, f"{where}: lies in the wrong shard")
            index.expect((row["swhid"], entry.path, digest) in indexed, f"{where}: the index does not have this row")
            check_index["rows"] += 1
            own = spans.get(row["swhid"], [])
            if row["n_redactions"] == 0:
                _check_original(row, text, where, ids)
                redacted.expect(not own, f"{where}: the ledger has redactions of it, the row has none")
            else:
                spans_seen += len(own)
                _check_redacted(row, text, own, where, redacted)
    index.expect(len(indexed) == check_index["rows"], f"{len(indexed)} rows in the index, {check_index['rows']} released")
    redacted.expect(
        spans_seen == contents.ledger("redactions").num_rows, "the ledger has redactions of contents that are not released"
    )
    for key, times in seen_ids.items():
        unique.expect(times == 1, f"{key}: is released {times} times")
    for file, times in seen_files.items():
        unique.expect(times == 1, f"{file[0]} {file[1]}: is released {times} times")


def _check_original(row: dict[str, Any], text: bytes, where: str, check: Any) -> None:
    try:
        data = encode(text, row["src_encoding"])
    except (LookupError, ValueError) as error:
        check.problems.append(f"{where}: cannot be encoded as {row['src_encoding']}: {type(error).__name__}")
        return
    check.expect(swhid("cnt", content_id(data)) == row["swhid"], f"{where}: its text does not have that SWHID")
    check.expect(hashlib.sha256(data).hexdigest() == row["sha256"], f"{where}: its text does not have that sha256")
    check.expect(len(data) == row["length_bytes"], f"{where}: its length is {len(data)}, the row says {row['length_bytes']}")
    check.expect(row["redacted_sha256"] is None, f"{where}: redacted_sha256 without a redaction")


def _check_redacted(row: dict[str, Any], text: bytes, spans: list[dict[str, Any]], where: str, check: Any) -> None:
    check.expect(len(spans) == row["n_redactions"], f"{where}: {len(spans)} redactions in the ledger, not {row['n_redactions']}")
    check.expect(hashlib.sha256(text).hexdigest() == row["redacted_sha256"], f"{where}: its text is not redacted_sha256's")
    end, grown = 0, 0
    for span in sorted(spans, key=lambda span: span["start"]):
        surrogate = span["surrogate"].encode()
        start = span["start"] + grown
        fits = (span["released_start"], span["released_end"]) == (start, start + len(surrogate)) and start >= end
        check.expect(fits, f"{where}: the redaction at byte {span['start']} does not fit those before it")
        here = text[span["released_start"] : span["released_end"]]
        check.expect(here == surrogate, f"{where}: at byte {span['released_start']} the surrogate is not there")
        end = span["released_end"]
        grown += len(surrogate) - (span["end"] - span["start"])
    if row["src_encoding"] == "utf-8":
        check.expect(len(text) - grown == row["length_bytes"], f"{where}: its length does not close with its redactions")


