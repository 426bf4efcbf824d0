"""The step that has ClamAV look at what is left of the contents, before copies are merged."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.rows import distinct, positions
from pipeline.engine.step import Job
from pipeline.errors import EnvironmentalError
from pipeline.schema import BLOB, MALWARE, SCANNERS
from pipeline.stages.decisions import decisions
from pipeline.stages.ingest.decoding import encode
from pipeline.stages.screen.clamd import Clamd
from pipeline.stages.screen.config import MalwareConfig


def scan_versions(config: MalwareConfig) -> dict[str, str]:
    """The daemon's and its database's. Raises EnvironmentalError where it does not answer."""
    return {} if config.clamd is None else {"clamav": Clamd(config.clamd).version()}


def scan(job: Job) -> None:
    """Scan the original bytes of every content; drop what is found where the configuration says so.

    Without a daemon everything passes unread, and counts as not scanned. Facts of earlier runs are reused by blob while
    daemon and database stay the same.
    """
    config: MalwareConfig = job.settings
    occurrences = job.read("redact.drop/kept")
    kept = occurrences
    if config.clamd is not None:
        blobs = distinct(occurrences.select(["blob"])).column("blob")
        daemon = Clamd(config.clamd)
        found = _scanned(job, daemon, blobs)
        names = pa.array(found, pa.string())
        job.write("malware", pa.table([blobs, pc.is_valid(names), names], schema=MALWARE))
        if config.action == "drop":
            name = names.take(positions(occurrences.column("blob"), blobs))
            kept, dropped = occurrences.filter(pc.is_null(name)), occurrences.filter(pc.is_valid(name))
            reasons = pc.binary_join_element_wise("ClamAV finds ", name.drop_null(), "")
            rules = pa.array(["malware"] * dropped.num_rows, pa.string())
            job.send_by_origin("decisions", decisions(dropped, "screen", rules, reasons))
            job.drop(rules.to_pylist())
    job.write("kept", kept)
    job.counts.taken, job.counts.passed = occurrences.num_rows, kept.num_rows


def _scanned(job: Job, daemon: Clamd, blobs: pa.ChunkedArray) -> list[str | None]:
    """Of each blob the signature that is found in it."""
    version = daemon.version()
    store = job.facts("malware", {"clamav": version})
    keys = [(blob, "") for blob in blobs.to_pylist()]
    facts = store.known(keys)
    left = pa.chunked_array([pa.array([blob for blob, _ in keys if (blob, "") not in facts], BLOB)])
    contents = job.read("ingest.fetch/contents", ["blob", "text", "src_encoding"], left)
    fresh: dict[tuple[bytes, str], str] = {}
    for key, place in zip(keys, positions(blobs, contents.column("blob")).to_pylist(), strict=True):
        if key not in facts:
            text = bytes(contents.column("text")[place].as_buffer())
            fresh[key] = daemon.scan(encode(text, contents.column("src_encoding")[place].as_py())) or ""
    after = daemon.version()
    if after != version:
        raise EnvironmentalError(
            f"{daemon.address}: ClamAV's database changed during the scan, from {version} to {after}: run again"
        )
    store.add(fresh)
    facts |= fresh
    job.write("scanners", pa.table([[version]], schema=SCANNERS))
    job.info["facts"] = {"reused": len(keys) - len(fresh), "computed": len(fresh)}
    return [facts[key] or None for key in keys]
