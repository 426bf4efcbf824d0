"""Random histories in git, and the same as the tables of an export."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.schema import DIRECTORY_ENTRIES
from pipeline.stages.ingest.swh.export import _ARROW, SCHEMA
from pipeline.stages.ingest.swh.trees import parsed_tree
from tests.swh.hostile_repositories import git

NAMES = [
    b"a", b"a/b", b"a/b/c", b"a/b/d", b"a/e", b"a-b", b"a.b", b"a0", b"d", b"d/e/f", b"d/e/g", b"d/h", b"x/y/z/w",
    b"x/y/z", b"caf\xe9", b"caf\xe8/m", b"new\nline", b":100644 x", b"commit 00", b"t\tab/q", b'quo"te', b"back\\s",
    *(b"src/%d/%d" % (n // 4, n) for n in range(12)), *(b"top%d" % n for n in range(4)),
]  # fmt: skip
PERSON = b"Jane Doe <jane@example.org>"

Files = dict[bytes, tuple[bytes, bytes]]


def put(files: Files, path: bytes, mode: bytes, data: bytes) -> None:
    """Place a file, and take away what cannot be beside it."""
    for other in list(files):
        if other.startswith(path + b"/") or path.startswith(other + b"/"):
            del files[other]
    files[path] = (mode, data)


def mixed(chance: random.Random, parents: list[Files]) -> Files:
    """A tree of one who merges: for each path what some parent has; now and then something else."""
    taken: Files = {}
    if not parents:
        for name in chance.sample(NAMES, 14):
            put(taken, name, b"100644", b"0")
    base = parents[0] if parents and chance.random() < 0.5 else None
    for path in sorted({path for files in parents for path in files}):
        found = (base if base is not None else chance.choice(parents)).get(path)
        if found is not None:
            put(taken, path, *found)
    for _ in range(chance.choice([0, 1, 2, 3, 5]) if len(parents) < 2 else chance.choice([0, 0, 1, 2])):
        kind = chance.random()
        if kind < 0.15 and taken:
            del taken[chance.choice(sorted(taken))]
        elif kind < 0.3 and taken:  # a rename
            path = chance.choice(sorted(taken))
            put(taken, chance.choice(NAMES), *taken.pop(path))
        elif kind < 0.45 and taken:
            path = chance.choice(sorted(taken))
            mode, data = taken[path]
            if mode != b"160000":
                taken[path] = (chance.choice([b"100644", b"100755", b"120000"]), data)
        elif kind < 0.55:
            put(taken, chance.choice(NAMES), b"160000", b"%d" % chance.randrange(2) * 40)
        else:
            put(taken, chance.choice(NAMES), b"100644", b"%d" % chance.randrange(3))
    return taken


def quoted(path: bytes) -> bytes:
    return b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'


def random_repository(folder: Path, seed: int, commits: int = 40) -> list[str]:
    """Fill `folder` with a history of `commits`; their ids, parents first."""
    chance = random.Random(seed)
    trees: list[Files] = []
    lines: list[bytes] = []
    for number in range(1, commits + 1):
        recent = list(range(max(1, number - 8), number))
        count = 0 if number == 1 or chance.random() < 0.04 else chance.choice([1, 1, 1, 2, 2, 3, 5])
        parents = chance.sample(recent, min(count, len(recent)))
        trees.append(mixed(chance, [trees[parent - 1] for parent in parents]))
        when = 1_600_000_000 + (number // 4) * 1000 + chance.choice([0, 0, 0, 500, -3000, 40_000])
        message = b"number %d" % number
        lines += [b"commit refs/made/%d" % number, b"mark :%d" % number, b"committer %s %d +0130" % (PERSON, when)]
        lines += [b"data %d" % len(message), message]
        lines += [b"%s :%d" % (b"merge" if place else b"from", parent) for place, parent in enumerate(parents)]
        lines.append(b"deleteall")
        for path, (mode, data) in trees[-1].items():
            if mode == b"160000":
                lines.append(b"M 160000 %s %s" % (data, quoted(path)))
            else:
                lines += [b"M %s inline %s" % (mode, quoted(path)), b"data %d" % len(data), data]
    git("init", "-q", "-b", "main", cwd=folder)
    git("fast-import", "--quiet", "--date-format=raw", cwd=folder, data=b"\n".join(lines) + b"\ndone\n")
    listed = git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/made", cwd=folder).decode()
    found = dict(line.split() for line in listed.splitlines())
    return [found[str(number)] for number in range(1, commits + 1)]


@dataclass
class Tables:
    """Tables of an export in memory, read in pieces of a few rows, in any order, some of them twice."""

    revisions: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    seed: int = 0

    def add(self, revision: bytes, parents: Sequence[bytes] = (), **columns: Any) -> None:
        row: dict[str, Any] = dict.fromkeys(SCHEMA["revision"])
        self.revisions.append(row | {"id": revision, "directory": bytes(20), "type": "git"} | columns)
        self.history += [
            {"id": revision, "parent_id": parent, "parent_rank": rank} for rank, parent in enumerate(parents)
        ]

    def read(self, table: str, columns: Sequence[str]) -> Iterable[pa.Table]:
        rows = self._rows(table)
        chance = random.Random(self.seed)
        return _pieces(table, columns, chance.sample(rows, len(rows)) + rows[:2], 7)

    def stripes(self, table: str, columns: Sequence[str], size: int) -> Iterable[pa.Table]:
        """As an export has it: each row once, in pieces of `size`."""
        return _pieces(table, columns, self._rows(table), size)

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return {"revision": self.revisions, "revision_history": self.history}[table]


def _pieces(table: str, columns: Sequence[str], rows: list[dict[str, Any]], size: int) -> Iterable[pa.Table]:
    kinds = {name: _ARROW[SCHEMA[table][name].rstrip("?")] for name in columns}
    for start in range(0, len(rows), size):
        piece = rows[start : start + size]
        yield pa.table({name: pa.array([row[name] for row in piece], kind) for name, kind in kinds.items()})


@dataclass
class Loaded:
    """All commits and trees of a repository."""

    tables: Tables
    entries: pa.Table


_COMMIT = re.compile(rb"(author|committer) (.*>) (-?\d+) ([+-]\d+)")


def load(repository: Path) -> Loaded:
    """What an export would hold of it, persons as digests."""
    tables, rows = Tables(), []
    data = git("cat-file", "--batch-all-objects", "--batch", cwd=repository)
    place = 0
    while place < len(data):
        end = data.index(b"\n", place)
        name, kind, size = data[place:end].split(b" ")
        body = data[end + 1 : end + 1 + int(size)]
        place = end + 2 + int(size)
        identifier = bytes.fromhex(name.decode())
        if kind == b"tree":
            parsed = parsed_tree(body)
            assert parsed is not None
            rows += [(identifier, *entry) for entry in parsed]
        elif kind == b"commit":
            tables.add(identifier, *_commit(body)[:1], **_commit(body)[1])
    columns = [list(column) for column in zip(*rows, strict=True)]
    return Loaded(tables, pa.table(columns or [[]] * 4, schema=DIRECTORY_ENTRIES))


def _commit(body: bytes) -> tuple[list[bytes], dict[str, Any]]:
    header, _, message = body.partition(b"\n\n")
    parents, columns = [], {"message": message}
    for line in header.split(b"\n"):
        word, _, rest = line.partition(b" ")
        if word == b"tree":
            columns["directory"] = bytes.fromhex(rest.decode())
        elif word == b"parent":
            parents.append(bytes.fromhex(rest.decode()))
        elif found := _COMMIT.fullmatch(line):
            role = {"author": "", "committer": "committer_"}[found[1].decode()]
            columns[found[1].decode()] = hashlib.sha256(found[2]).digest()
            columns[role + "date"] = int(found[3]) * 1_000_000  # type: ignore[assignment]
            columns[role + "date_raw_offset_bytes"] = found[4]
    return parents, columns


def logged(repository: Path, head: str) -> dict[bytes, set[bytes]]:
    """What each revision touches, as git says it."""
    text = git(
        "log", "--raw", "-c", "--no-renames", "--root", "-z", "--no-abbrev", "--format=commit %H", head, cwd=repository
    )
    found: dict[bytes, set[bytes]] = {}
    tokens = iter(text.split(b"\0"))
    revision = b""
    for token in tokens:
        token = token.lstrip(b"\n")
        if token.startswith(b":"):
            found[revision].add(next(tokens))
        elif token:
            assert token.startswith(b"commit ")
            revision = bytes.fromhex(token[7:].decode())
            found[revision] = set()
    return found


def paths_of(repository: Path, head: str) -> list[bytes]:
    return [path for path in git("ls-tree", "-r", "-z", "--name-only", head, cwd=repository).split(b"\0") if path]


def extremes(repository: Path, loaded: Loaded, head: str) -> dict[bytes, tuple[bytes, bytes]]:
    """The oldest and the newest revision that touches each path of a head, as git says it: by date, by the longest way
    from a first revision, by id."""
    dates = {row["id"]: row["committer_date"] for row in loaded.tables.revisions}
    parents = parents_of(loaded)
    depth: dict[bytes, int] = {}
    touched: dict[bytes, list[tuple[int, int, bytes]]] = {}
    for revision, paths in logged(repository, head).items():
        for path in paths:
            touched.setdefault(path, []).append((dates[revision], generation(revision, parents, depth), revision))
    return {path: (min(touched[path])[2], max(touched[path])[2]) for path in paths_of(repository, head)}


def parents_of(loaded: Loaded) -> dict[bytes, list[bytes]]:
    """The parents of each revision, by rank."""
    parents: dict[bytes, list[bytes]] = {row["id"]: [] for row in loaded.tables.revisions}
    for row in loaded.tables.history:
        parents[row["id"]].append(row["parent_id"])
    return parents


def generation(revision: bytes, parents: dict[bytes, list[bytes]], known: dict[bytes, int]) -> int:
    if revision not in known:
        known[revision] = 1 + max((generation(p, parents, known) for p in parents[revision]), default=0)
    return known[revision]
