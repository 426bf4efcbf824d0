"""Stage 1: which files the origins hold, and their contents as text."""

from __future__ import annotations

from pathlib import Path

from pipeline.local_path import made_absolute
from pipeline.stages.ingest.archives import Archives
from pipeline.stages.ingest.config import ArchivesSource, GitSource, IngestConfig
from pipeline.stages.ingest.git import GitRepositories
from pipeline.stages.ingest.source import Source


def sources(config: IngestConfig, base: Path, *, scratch: Path | None = None) -> dict[int, Source]:
    """The sources of a configuration that are read origin by origin, by their place in it.

    Relative paths start at `base`. `scratch` is where temporary repositories may lie; None: where the system
    keeps temporary files.
    """
    return {
        number: _source(source, config, base, scratch)
        for number, source in enumerate(config.sources)
        if isinstance(source, ArchivesSource | GitSource)
    }


def _source(source: ArchivesSource | GitSource, config: IngestConfig, base: Path, scratch: Path | None) -> Source:
    absolute = type(source).model_validate(made_absolute(source, base))
    if isinstance(absolute, ArchivesSource):
        return Archives(absolute, config)
    return GitRepositories(absolute, config, scratch)
