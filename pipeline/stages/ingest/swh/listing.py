"""From a root directory and the trees below it to the same listing that a clone of the repository gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa

from pipeline.engine.rows import ids
from pipeline.stages.ingest.budget import Budget
from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.paths import path_problem
from pipeline.stages.ingest.source import Entry, Listing, OriginInput, Refusal, UnusableOrigin, directory_of
from pipeline.stages.ingest.swh.trees import EMPTY_DIRECTORY, by_directory, starts_of
from pipeline.stages.ingest.tree import implied_folders, too_large
from pipeline.swhid import MODE_DIRECTORY, MODE_SUBMODULE, MODE_SYMLINK, BlobId, swhid

_QUOTED = 200
"""Characters of the export's own words that a reason may quote."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the export knows about a content."""

    length: int | None
    status: str
    reason: str | None


class Forest:
    """The trees that a part's origins need, by directory. Memory: the entries, about 60 bytes each."""

    def __init__(self, entries: pa.Table, lost: dict[bytes, tuple[str, str]]) -> None:
        ordered = by_directory(entries)
        self._lost = lost
        self._names = ordered.column("name").combine_chunks().cast(pa.large_binary())
        self._modes = ordered.column("mode").to_numpy()
        self._targets = ids(ordered.column("target")).tobytes()
        whole = ids(ordered.column("directory"))
        edges = [*starts_of(whole).tolist(), len(whole)]
        self._places = {whole[start].tobytes(): (start, end) for start, end in pairwise(edges)}
        self._places[EMPTY_DIRECTORY] = (0, 0)

    def problem(self, directory: bytes) -> tuple[str, str] | None:
        """Rule and reason where a directory's entries cannot be had."""
        if directory in self._places:
            return None
        return self._lost.get(directory, ("missing_directory", "the export does not hold this directory"))

    def entries(self, directory: bytes) -> Iterator[tuple[bytes, int, bytes]]:
        """`(name, mode, target)` of a directory that has no problem."""
        start, end = self._places[directory]
        names = self._names[start:end].to_pylist()
        for place, name in enumerate(names, start):
            yield name, int(self._modes[place]), self._targets[20 * place : 20 * place + 20]


def listing(
    head: dict[str, Any], forest: Forest, contents: dict[bytes, Known], config: IngestConfig
) -> tuple[OriginInput, Listing | UnusableOrigin]:
    """The files of one row of HEADS (dates as Unix milliseconds); every path that the trees name is in it, at any
    depth."""
    snapshot = None if head["snapshot"] is None else swhid("snp", head["snapshot"])
    item = OriginInput(head["origin"], "swh", "", snapshot or f"unusable:{head['rule']}")
    if head["rule"] is not None:
        return item, UnusableOrigin(head["rule"], head["reason"])
    root: bytes = head["directory"]
    problem = forest.problem(root)
    if problem is not None:
        return item, UnusableOrigin(*problem)
    try:
        entries, refusals = _files(root, forest, contents, config)
        implied_folders((e.path for e in entries), config.max_entries)
    except UnusableOrigin as refused:
        return item, refused
    return item, Listing(
        origin=head["origin"],
        visit_type=head["visit_type"],
        directory=directory_of(entries, refusals),
        snapshot=snapshot,
        revision=None if head["revision"] is None else swhid("rev", head["revision"]),
        branch=None if head["branch"] is None else head["branch"].decode("utf-8", "backslashreplace"),
        revision_date=None if head["revision_date"] is None else head["revision_date"] // 1000,
        entries=tuple(entries),
        refusals=tuple(refusals),
        messages=_messages(head),
        visit_date=head["visit_date"],
        visit_status=head["visit_status"],
        release=None if head["release"] is None else swhid("rel", head["release"]),
        branch_rule=head["branch_rule"],
    )


def _messages(head: dict[str, Any]) -> tuple[str, ...]:
    said = []
    if head["visit_status"] == "partial":
        said.append("its visit was partial: the archive may hold less of it than there was")
    if head["branch_rule"] != "head":
        said.append(f"HEAD leads nowhere: its branch was chosen by the rule {head['branch_rule']}")
    return tuple(said)


def _files(
    root: bytes, forest: Forest, contents: dict[bytes, Known], config: IngestConfig
) -> tuple[list[Entry], list[Refusal]]:
    budget = Budget(config)
    entries: list[Entry] = []
    refusals: list[Refusal] = []
    waiting: list[tuple[bytes, bytes]] = [(b"", root)]
    while waiting:
        prefix, directory = waiting.pop()
        for name, mode, target in forest.entries(directory):
            budget.member()
            if b"/" in name:
                raise UnusableOrigin("unsafe_path", "a name in its trees holds a slash, so its paths are ambiguous")
            path = prefix + name
            if mode == MODE_DIRECTORY:
                problem = forest.problem(target)
                if target == EMPTY_DIRECTORY:
                    problem = ("empty_directory", "a folder without files")
                if problem is None:
                    waiting.append((path + b"/", target))
                else:
                    refusals.append(Refusal(path, mode, target, None, *problem))
                continue
            decided = _decide(path, mode, target, contents.get(target), config)
            if isinstance(decided, Entry):
                entries.append(decided)
            else:
                refusals.append(decided)
    entries.sort(key=lambda e: e.path)
    refusals.sort(key=lambda r: (r.path, r.rule))
    return entries, refusals


def _decide(path: bytes, mode: int, target: bytes, known: Known | None, config: IngestConfig) -> Entry | Refusal:
    length = known.length if known else None
    problem = path_problem(path)
    if problem is not None:
        return Refusal(path, mode, target, length, problem.rule, problem.reason)
    if mode == MODE_SUBMODULE:
        return Refusal(path, mode, target, None, "submodule", "a submodule: another repository's commit")
    if mode == MODE_SYMLINK:
        return Refusal(path, mode, target, length, "symlink", "a symbolic link; not followed")
    if known is None:
        return Refusal(path, mode, target, None, "missing_blob", "the export lists no such content")
    if known.status == "absent":
        why = printable(known.reason or "no reason given")
        return Refusal(path, mode, target, length, "skipped_content", f"Software Heritage holds no copy: {why}")
    if known.status != "visible" or length is None:
        return Refusal(path, mode, target, length, "hidden_content", "Software Heritage does not show this content")
    if length > config.max_file_bytes:
        return too_large(path, mode, target, length, config.max_file_bytes)
    return Entry(path, mode, BlobId(target), length)


def printable(words: str) -> str:
    """The export's own words, fit for a reason: one line, no control characters, not long."""
    return "".join(c if c.isprintable() else " " for c in words)[:_QUOTED]
