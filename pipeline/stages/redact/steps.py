"""The step of redact: the spans of each surviving blob, as facts. Texts stay as they are; release applies the spans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.commitment import commitment, load_key
from pipeline.engine.rows import constant, distinct, is_among, positions, stack
from pipeline.engine.step import Job
from pipeline.schema import SPANS
from pipeline.stages.decisions import decisions
from pipeline.stages.redact.config import RedactConfig
from pipeline.stages.redact.core import Scanner, versions
from pipeline.stages.redact.findings import Finding
from pipeline.stages.redact.policy import rules_for


def step_versions(config: RedactConfig) -> dict[str, str]:
    key = load_key(config.commitment_key)
    return versions() | {"commitment_key": key.id if key else "none"}


@cache
def scanner_of(config: RedactConfig) -> Scanner:
    """The scanner of a configuration. Its pattern databases take seconds to build: once per process."""
    return Scanner(config)


def _as_decided(config: RedactConfig, path: bytes) -> str:
    """What of a path decides the spans of its text."""
    name = path.rpartition(b"/")[2].decode("utf-8", "backslashreplace")
    rules = rules_for(config, path).id
    return f"{name} {rules}" if rules else name


def drop(job: Job) -> None:
    """Drop the files that an override drops for what they hold, before any copy is merged into them.

    Each occurrence is judged by its own path. Without such an override everything passes unread.
    """
    config: RedactConfig = job.settings
    occurrences = job.read("optout.apply/kept")
    kept = occurrences
    if config.enabled and any(override.action == "drop" for override in config.overrides):
        spans = _spans_of(job, config, occurrences)
        reasons = pa.array(
            [
                rules_for(config, path).drops(_as_findings(found))
                for path, found in zip(occurrences.column("path").to_pylist(), spans, strict=True)
            ],
            pa.string(),
        )
        kept, dropped = occurrences.filter(pc.is_null(reasons)), occurrences.filter(pc.is_valid(reasons))
        rules = pa.array(["private_content"] * dropped.num_rows, pa.string())
        job.send_by_origin("decisions", decisions(dropped, "redact", rules, reasons.drop_null()))
        job.drop(rules.to_pylist())
    job.write("kept", kept)
    job.counts.taken, job.counts.passed = occurrences.num_rows, kept.num_rows


def _as_findings(spans: list[dict[str, Any]]) -> list[Finding]:
    return [Finding(*(span[name] for name in Finding._fields)) for span in spans]


def find(job: Job) -> None:
    """Scan every survivor, and every licence text that evidence rests on, for the attribution."""
    config: RedactConfig = job.settings
    survivors = job.read("near.apply/kept", ["blob", "path"])
    job.counts.taken = job.counts.passed = survivors.num_rows
    licenses = distinct(job.read("license.resolve/license_blobs"))
    licenses = licenses.filter(pc.invert(is_among(licenses.column("blob"), survivors.column("blob"))))
    licenses = licenses.append_column("path", constant(b"LICENSE", licenses.num_rows, pa.binary()))
    held = job.read("ingest.fetch/contents", ["blob"]).column("blob")
    licenses = licenses.filter(is_among(licenses.column("blob"), held))
    survivors = stack([survivors, licenses])
    secret_key = load_key(config.commitment_key)
    blobs, found = survivors.column("blob"), _spans_of(job, config, survivors)
    if secret_key:
        having = [number for number, spans in enumerate(found) if spans]
        for number, data in zip(having, _texts(job, blobs.take(pa.array(having, pa.int64()))), strict=True):
            for span in found[number]:
                value = data[span["start"] : span["end"]]
                span["commitment"] = commitment(secret_key, "redact", span["cls"], value)
    job.write("spans", pa.table([blobs, pa.array(found, SPANS.field("spans").type)], schema=SPANS))


def _texts(job: Job, blobs: pa.ChunkedArray) -> Iterator[bytes]:
    """The text of each of `blobs`, one at a time."""
    contents = job.read("ingest.fetch/contents", ["blob", "text"], blobs)
    for place in positions(blobs, contents.column("blob")).to_pylist():
        yield bytes(contents.column("text")[place].as_buffer())


def _spans_of(job: Job, config: RedactConfig, files: pa.Table) -> list[list[dict[str, Any]]]:
    """The spans of each file, as rows. Facts of earlier runs are reused by (blob, file name, rules), which is all that
    decides.
    """
    settings = config.model_dump_json(exclude={"commitment_key"})
    store = job.facts("redact", versions() | {"settings": settings})
    paths = files.column("path").to_pylist()
    keys = [
        (blob, _as_decided(config, path)) for blob, path in zip(files.column("blob").to_pylist(), paths, strict=True)
    ]
    facts = store.known(keys) if config.enabled else dict.fromkeys(keys, "[]")
    missing = [number for number, key in enumerate(keys) if key not in facts]
    fresh: dict[tuple[bytes, str], str] = {}
    texts = _texts(job, files.column("blob").take(pa.array(missing, pa.int64())))
    for number, text in zip(missing, texts, strict=True):
        if keys[number] not in fresh:
            spans = scanner_of(config).scan(text, paths[number])
            fresh[keys[number]] = json.dumps([asdict(span) for span in spans])
    store.add(fresh)
    facts |= fresh
    job.info["facts"] = {"reused": len(keys) - len(fresh), "computed": len(fresh)}
    return [json.loads(facts[key]) for key in keys]
