"""The released rows: each text is what its id says, or what its redactions make of it; each stands once."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pyarrow as pa

from pipeline.audit.folder import Contents
from pipeline.audit.report import Check, Report
from pipeline.engine.step import origin_bucket
from pipeline.manifest.model import Entry
from pipeline.stages.ingest.decoding import encode, method_of
from pipeline.stages.redact.surrogates import numeral
from pipeline.stages.redact.surrogates import surrogate as surrogate_of
from pipeline.stages.release.rows import extension, path_text, repo_name, where_seen
from pipeline.stages.release.shards import DATA_ORDER
from pipeline.swhid import content_id, parse_swhid, swhid

Row = dict[str, Any]


def check_rows(contents: Contents, report: Report) -> None:
    """Ids, redactions, uniqueness, order, place and index of every released row.

    Memory: one row group with its texts, the ledger of redactions, the index, and two small records a row.
    """
    ids = report.check("contents", "text that was not redacted has the SWHID, sha256 and length that its row states")
    redacted = report.check("redactions", "redacted text is what its ledger says: surrogates in place, lengths close")
    unique = report.check("unique", "no content and no file is released twice")
    order = report.check("order", "rows stand in order, in the shard that their language and origin decide")
    index = report.check("index", "the index finds every released row, and no other")
    derived = report.check("columns", "columns that follow from others do: paths, names, extensions")
    stats = report.check("statistics", "what the manifest counts of a shard is so")

    spans: defaultdict[str, list[Row]] = defaultdict(list)
    for span in contents.ledger("redactions").to_pylist():
        spans[swhid("cnt", span["blob"])].append(span)
    keys = ("swhid", "origin", "path", "shard", "row_digest")
    indexed = set(zip(*(contents.ledger("index").column(key).to_pylist() for key in keys), strict=True))
    seen_ids: Counter[str] = Counter()
    seen_files: Counter[tuple[str, str, bytes | None]] = Counter()
    spans_seen = 0
    for entry in contents.entries_of("data"):
        licenses: Counter[str] = Counter()
        text_bytes = 0
        files: list[tuple[str, str, bytes | None]] = []
        digests = iter(contents.digests_of(entry))
        for piece in contents.pieces(entry):
            texts = piece.column("content").cast(pa.large_binary())
            for row, raw, digest in zip(piece.drop_columns(["content"]).to_pylist(), texts, digests, strict=False):
                where = f"{entry.path} {row['swhid']}"
                text = bytes(raw.as_buffer())
                files.append(tuple(row[key] for key in DATA_ORDER))
                seen_ids[row["swhid"]] += 1
                order.expect(_lies_in(row, entry), f"{where}: lies in the wrong shard")
                known = (row["swhid"], row["origin"], row["path"], entry.path, digest) in indexed
                index.expect(known, f"{where}: the index does not have this row")
                _check_derived(row, where, derived)
                licenses[row["license_expression"] or ""] += 1
                text_bytes += len(text)
                own = spans.get(row["swhid"], [])
                if row["n_redactions"] == 0:
                    _check_original(row, text, where, ids)
                    redacted.expect(not own, f"{where}: the ledger has redactions of it, the row has none")
                else:
                    spans_seen += len(own)
                    _check_redacted(row, text, own, where, redacted)
        comparable = ((origin, path, raw is None, raw or b"") for origin, path, raw in files)
        order.expect(all(a <= b for a, b in pairwise(comparable)), f"{entry.path}: rows are out of order")
        seen_files.update(files)
        about = entry.model_dump()
        stats.expect(about.get("licenses") == dict(licenses), f"{entry.path}: the manifest counts other licences")
        stats.expect(
            entry.text_bytes == text_bytes, f"{entry.path}: {text_bytes} bytes of text, not {entry.text_bytes}"
        )
    rows = seen_ids.total()
    in_index = contents.ledger("index").num_rows
    index.expect(len(indexed) == in_index == rows, f"{in_index} rows in the index, {rows} released")
    redacted.expect(
        spans_seen == contents.ledger("redactions").num_rows,
        "the ledger has redactions of contents that are not released",
    )
    for key, times in seen_ids.items():
        unique.expect(times == 1, f"{key}: is released {times} times")
    for file, times in seen_files.items():
        unique.expect(times == 1, f"{file[0]} {file[1]}: is released {times} times")


def _lies_in(row: Row, entry: Entry) -> bool:
    bucket = origin_bucket(row["origin"], 4096) * (entry.buckets or 1) // 4096
    return bool(row["language"] == entry.language) and bucket == entry.bucket


def _check_derived(row: Row, where: str, check: Check) -> None:
    path, raw = row["path"], row["path_bytes"]
    check.expect(raw is None or path_text(raw) == (path, raw), f"{where}: path is not what path_bytes spells")
    check.expect(row["extension"] == extension(path), f"{where}: its extension is not {row['extension']!r}")
    check.expect(row["repo_name"] == repo_name(row["origin"]), f"{where}: its repo_name is not its origin's")
    method = method_of(row["src_encoding"])
    check.expect(row["encoding_method"] == method, f"{where}: its encoding_method is not {method!r}")
    blob, anchor = parse_swhid(row["swhid"])[1], row["revision_id"] or row["directory_id"]
    seen = where_seen(blob, row["origin"], path.encode() if raw is None else raw, row["snapshot_id"], anchor)
    check.expect(row["qualified_swhid"] == seen, f"{where}: its qualified SWHID is not {seen}")


def _check_original(row: Row, text: bytes, where: str, check: Check) -> None:
    try:
        data = encode(text, row["src_encoding"])
    except (LookupError, ValueError) as error:
        check.problems.append(f"{where}: cannot be encoded as {row['src_encoding']}: {type(error).__name__}")
        return
    check.expect(swhid("cnt", content_id(data)) == row["swhid"], f"{where}: its text does not have that SWHID")
    check.expect(hashlib.sha256(data).hexdigest() == row["sha256"], f"{where}: its text does not have that sha256")
    check.expect(
        len(data) == row["length_bytes"], f"{where}: its length is {len(data)}, the row says {row['length_bytes']}"
    )
    check.expect(row["redacted_sha256"] is None, f"{where}: redacted_sha256 without a redaction")


def _check_redacted(row: Row, text: bytes, spans: list[Row], where: str, check: Check) -> None:
    check.expect(
        len(spans) == row["n_redactions"], f"{where}: {len(spans)} redactions in the ledger, not {row['n_redactions']}"
    )
    check.expect(
        hashlib.sha256(text).hexdigest() == row["redacted_sha256"], f"{where}: its text is not redacted_sha256's"
    )
    end, grown, line, counted = 0, 0, 1, 0
    known: dict[str, set[str]] = {}
    for span in sorted(spans, key=lambda span: span["start"]):
        surrogate = span["surrogate"].encode()
        start = span["start"] + grown
        fits = (span["released_start"], span["released_end"]) == (start, start + len(surrogate))
        fits = fits and end <= start <= len(text) and span["start"] < span["end"]
        at = f"{where}: the redaction at byte {span['start']}"
        check.expect(fits, f"{at} does not fit those before it")
        if not fits:
            return
        check.expect(text[start : start + len(surrogate)] == surrogate, f"{at}: its surrogate is not in the text")
        cls = span["cls"]
        known.setdefault(cls, {surrogate_of(cls, k) for k in range(1, len(spans) + 1)})
        # A private key keeps its line breaks, a bare number is one still; all else has a name and a number.
        good = "REDACTED" in span["surrogate"] if cls == "PRIVATE_KEY" else span["surrogate"] in known[cls]
        good = good or (span["zone"] == "code" and span["surrogate"] == numeral(span["end"] - span["start"]))
        check.expect(good, f"{at}: {span['surrogate']!r} is no surrogate of {cls}")
        # A surrogate has the newlines of what it stands for, so lines are those of the original.
        line, counted = line + text.count(b"\n", counted, start), start
        check.expect(span["line"] == line, f"{at} is in line {line}, not {span['line']}")
        end = span["released_end"]
        grown += len(surrogate) - (span["end"] - span["start"])
    original = len(text) - grown
    if row["src_encoding"] in ("utf-8", "utf-8-sig"):
        original += 3 if row["src_encoding"] == "utf-8-sig" else 0
        check.expect(original == row["length_bytes"], f"{where}: its length does not close with its redactions")
