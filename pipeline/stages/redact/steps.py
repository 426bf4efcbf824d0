"""The step of redact: the spans of each surviving blob, as facts. Texts stay as they are; release applies the spans."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.commitment import commitment, load_key
from pipeline.engine.rows import constant, distinct, is_among, positions, stack
from pipeline.engine.step import Job
from pipeline.schema import SPANS
from pipeline.stages.redact.config import RedactConfig
from pipeline.stages.redact.core import Scanner, versions
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


def find(job: Job) -> None:
    """Scan every survivor, and every licence text that evidence rests on, for the attribution.

    Facts of earlier runs are reused by (blob, file name, rules), which is all that decides.
    """
    config: RedactConfig = job.settings
    survivors = job.read("near.apply/kept", ["blob", "path"])
    job.counts.taken = job.counts.passed = survivors.num_rows
    licenses = distinct(job.read("license.resolve/license_blobs"))
    licenses = licenses.filter(pc.invert(is_among(licenses.column("blob"), survivors.column("blob"))))
    licenses = licenses.append_column("path", constant(b"LICENSE", licenses.num_rows, pa.binary()))
    contents = job.read("ingest.fetch/contents", ["blob", "text"])
    licenses = licenses.filter(is_among(licenses.column("blob"), contents.column("blob")))
    survivors = stack([survivors, licenses])
    settings = config.model_dump_json(exclude={"commitment_key"})
    store = job.facts("redact", versions() | {"settings": settings})
    paths = survivors.column("path").to_pylist()
    keys = [
        (blob, _as_decided(config, path))
        for blob, path in zip(survivors.column("blob").to_pylist(), paths, strict=True)
    ]
    facts = store.known(keys) if config.enabled else dict.fromkeys(keys, "[]")
    places = positions(survivors.column("blob"), contents.column("blob")).to_pylist()
    texts = contents.column("text")
    secret_key = load_key(config.commitment_key)
    scanner = scanner_of(config) if any(key not in facts for key in keys) else None
    fresh: dict[tuple[bytes, str], str] = {}
    rows = []
    for key, path, place in zip(keys, paths, places, strict=True):
        if key not in facts:
            assert scanner is not None
            found = scanner.scan(bytes(texts[place].as_buffer()), path)
            fresh[key] = facts[key] = json.dumps([asdict(span) for span in found])
        spans = json.loads(facts[key])
        if secret_key and spans:
            data = bytes(texts[place].as_buffer())
            for span in spans:
                value = data[span["start"] : span["end"]]
                span["commitment"] = commitment(secret_key, "redact", span["cls"], value)
        rows.append({"blob": key[0], "spans": spans})
    store.add(fresh)
    job.write("spans", pa.Table.from_pylist(rows, schema=SPANS))
    job.info["facts"] = {"reused": len(keys) - len(fresh), "computed": len(fresh)}
