"""From the members of a container to a listing: names, doubles, conflicts and the top folder decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.members import Member
from pipeline.stages.ingest.paths import path_problem, without_dot_slash
from pipeline.stages.ingest.source import Entry, Listing, Refusal, Sink, UnusableOrigin, directory_of


def assemble(
    members: Iterable[Member],
    sink: Sink,
    *,
    origin: str,
    visit_type: str,
    config: IngestConfig,
    strip_top: bool,
    messages: list[str],
) -> Listing:
    """The listing of `members`, in whatever order they come (of two with one name, the later one wins).

    `messages` is read at the end, so the members' reader may still add to it. Memory: one record per member,
    and the content of one member.
    """
    placed: dict[bytes, Entry | Refusal] = {}
    misnamed: list[Refusal] = []
    shadowed: list[Refusal] = []
    spooled: set[bytes] = set()
    for member in members:
        path = without_dot_slash(member.name)
        problem = path_problem(path)
        if problem is not None and not problem.relative:
            misnamed.append(Refusal(path, member.mode, None, member.length, problem.rule, problem.reason))
            continue
        decided: Entry | Refusal
        if problem is not None:
            blob = member.blob if problem.placeable else None
            decided = Refusal(path, member.mode, blob, member.length, problem.rule, problem.reason)
        elif member.rule is not None:
            decided = Refusal(path, member.mode, member.blob, member.length, member.rule, member.reason)
        else:
            decided = _regular(path, member, config.max_file_bytes)
            if member.data is not None and isinstance(decided, Entry) and decided.blob not in spooled:
                spooled.add(decided.blob)
                sink(decided.blob, member.data)
        earlier = placed.get(path)
        if earlier is not None:
            shadowed.append(_out_of_tree(earlier, "shadowed", "a later member has the same name"))
        placed[path] = decided

    decisions = [*_without_conflicts(placed, config.max_entries), *shadowed]
    if strip_top:
        decisions = _without_top_folder(decisions)
    entries = sorted((d for d in decisions if isinstance(d, Entry)), key=lambda e: e.path)
    refusals = [*misnamed, *(d for d in decisions if isinstance(d, Refusal))]
    refusals.sort(key=lambda r: (r.path, r.rule, r.reason, r.mode, r.blob or b"", r.length or 0))
    return Listing(
        origin=origin,
        visit_type=visit_type,
        directory=directory_of(entries, refusals),
        snapshot=None,
        revision=None,
        branch=None,
        revision_date=None,
        entries=tuple(entries),
        refusals=tuple(refusals),
        messages=tuple(messages),
    )


def too_large(path: bytes, mode: int, blob: bytes, length: int, max_file_bytes: int) -> Refusal:
    """The decision about a file that is listed, but not read."""
    return Refusal(path, mode, blob, length, "too_large", f"it is larger than max_file_bytes = {max_file_bytes}")


def implied_folders(paths: Iterable[bytes], limit: int) -> set[bytes]:
    """The folders that `paths` lie in. Raises UnusableOrigin where they are more than `limit`: few long paths
    can imply very many."""
    folders: set[bytes] = set()
    for path in paths:
        parent = path.rpartition(b"/")[0]
        while parent and parent not in folders:
            folders.add(parent)
            parent = parent.rpartition(b"/")[0]
        if len(folders) > limit:
            raise UnusableOrigin("too_many_entries", f"it has more than max_entries = {limit} folders")
    return folders


def _regular(path: bytes, member: Member, max_file_bytes: int) -> Entry | Refusal:
    if member.blob is None or member.length is None:
        raise ValueError(f"{path!r}: a regular member without a content")
    if member.length > max_file_bytes:
        return too_large(path, member.mode, member.blob, member.length, max_file_bytes)
    return Entry(path, member.mode, member.blob, member.length)


def _out_of_tree(decided: Entry | Refusal, rule: str, reason: str) -> Refusal:
    return Refusal(decided.path, decided.mode, None, decided.length, rule, reason)


def _without_conflicts(placed: dict[bytes, Entry | Refusal], max_entries: int) -> list[Entry | Refusal]:
    """A file in the way of a folder of the same name leaves the tree: the fewer paths lost."""
    in_tree = {path for path, decided in placed.items() if decided.blob is not None}
    folders = implied_folders(in_tree, max_entries)
    return [
        _out_of_tree(decided, "name_conflict", "other members need a folder of this name")
        if path in in_tree and path in folders
        else decided
        for path, decided in placed.items()
    ]


def _without_top_folder(decisions: list[Entry | Refusal]) -> list[Entry | Refusal]:
    tops = {d.path.partition(b"/")[0] if b"/" in d.path else b"" for d in decisions}
    if len(tops) != 1 or tops == {b""}:
        return decisions
    skip = len(tops.pop()) + 1
    return [replace(d, path=d.path[skip:]) for d in decisions]
