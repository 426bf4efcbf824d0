"""The step of the screens: what the survivors' texts hold of benchmarks."""

from __future__ import annotations

import functools
from importlib import metadata
from typing import Any

import pyarrow as pa

from pipeline.engine.rows import positions
from pipeline.engine.step import Job
from pipeline.schema import SCREENS
from pipeline.stages.screen.benchmarks import BenchmarkText, digests, texts_of
from pipeline.stages.screen.config import ScreenConfig
from pipeline.stages.screen.overlap import Screen


def is_needed(config: Any) -> bool:
    return bool(config.screen.benchmarks)


def versions(config: ScreenConfig) -> dict[str, str]:
    return {
        "pyahocorasick": metadata.version("pyahocorasick"), "numpy": metadata.version("numpy"),
    } | {f"benchmark {name}": digest for name, digest in digests(config).items()}  # fmt: skip


def look(job: Job) -> None:
    """Screen every survivor's original text: what redaction replaces would hide a match."""
    config: ScreenConfig = job.settings
    blobs = job.read("near.apply/kept", ["blob"]).column("blob")
    contents = job.read("ingest.fetch/contents", ["blob", "text"])
    texts = contents.column("text").take(positions(blobs, contents.column("blob")))
    screen = _screen(texts_of(config), config.benchmark_characters, config.benchmark_ngram)
    rows = []
    for blob, text in zip(blobs.to_pylist(), texts, strict=True):
        found = screen.look(bytes(text.as_buffer()))
        rows.append(
            {
                "blob": blob,
                "is_contaminated": found is not None and found.share >= config.benchmark_share,
                "benchmark": found and found.benchmark,
                "benchmark_item": found and found.item,
                "benchmark_share": found.share if found else 0.0,
            }
        )
    job.write("found", pa.Table.from_pylist(rows, schema=SCREENS))


@functools.lru_cache(maxsize=1)
def _screen(texts: tuple[BenchmarkText, ...], characters: int, ngram: int) -> Screen:
    return Screen(texts, characters, ngram)
