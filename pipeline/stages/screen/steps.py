"""The steps of the screens: what the survivors' texts hold of benchmarks, and whether they parse."""

from __future__ import annotations

import functools
from importlib import metadata
from typing import Any

import pyarrow as pa

from pipeline.engine.rows import positions
from pipeline.engine.step import Job
from pipeline.schema import SCREENS
from pipeline.stages.redact.spans import as_spans, redact
from pipeline.stages.screen.benchmarks import BenchmarkText, digests, texts_of
from pipeline.stages.screen.config import ScreenConfig
from pipeline.stages.screen.overlap import Screen
from pipeline.stages.screen.parsing import parser_versions, parses


def is_needed(config: Any) -> bool:
    return bool(config.screen.benchmarks or config.screen.parse)


def check(config: ScreenConfig) -> None:
    """Say what is wrong with benchmarks and what is not installed before anything runs, not in the middle."""
    texts_of(config)
    parser_versions(config)


def versions(config: ScreenConfig) -> dict[str, str]:
    return {
        "pyahocorasick": metadata.version("pyahocorasick"), "numpy": metadata.version("numpy"),
        **parser_versions(config), **{f"benchmark {name}": digest for name, digest in digests(config).items()},
    }  # fmt: skip


def look(job: Job) -> None:
    """Screen every survivor: for benchmarks its original text, as redaction would hide a match; parsing is of what is
    released."""
    config: ScreenConfig = job.settings
    blobs = job.read("near.apply/kept", ["blob"]).column("blob")
    contents, tags = job.read("ingest.fetch/contents", ["blob", "text"], blobs), job.read("language.tag/tags")
    redactions = job.read("redact.find/spans")
    texts = contents.column("text").take(positions(blobs, contents.column("blob")))
    languages = tags.column("language").take(positions(blobs, tags.column("blob"))).to_pylist()
    spans = redactions.column("spans").take(positions(blobs, redactions.column("blob"))).to_pylist()
    rows = []
    for blob, scalar, language, own in zip(blobs.to_pylist(), texts, languages, spans, strict=True):
        text = bytes(scalar.as_buffer())
        row = {"blob": blob} | _of_benchmarks(text, config)
        if config.parse:
            row["parses"] = parses(redact(text, as_spans(own or [])), language)
        rows.append(row)
    job.write("found", pa.Table.from_pylist(rows, schema=SCREENS))


def _of_benchmarks(text: bytes, config: ScreenConfig) -> dict[str, Any]:
    if not config.benchmarks:
        return {}
    found = _screen(texts_of(config), config.benchmark_characters, config.benchmark_ngram).look(text)
    if found is None:
        return {"is_contaminated": False, "benchmark_share": 0.0}
    return {
        "is_contaminated": found.share >= config.benchmark_share,
        "benchmark": found.benchmark,
        "benchmark_item": found.item,
        "benchmark_share": found.share,
    }


@functools.lru_cache(maxsize=1)
def _screen(texts: tuple[BenchmarkText, ...], characters: int, ngram: int) -> Screen:
    return Screen(texts, characters, ngram)
