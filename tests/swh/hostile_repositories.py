"""Git repositories with all that breaks naive readers, made with git's plumbing, the same to the byte each time.

Run by tests, and by scripts/build_swh_export in Software Heritage's own environment: it needs git and the standard
library alone. Every text is written here; what a repository says about its licence holds for it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FILE, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"
BASE = "https://git.example.org/"
OVERSIZED_BYTES = 20_000
"""A content above this is skipped by the loader, as the archive skips those over 100 MB."""

MIT = """MIT License

Copyright (c) 2024 The {name} authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""
APACHE = """Copyright 2024 The {name} authors

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
"""
GPL_HEADER = b"""# This program is free software: you can redistribute it and/or modify
# it under the terms of the GNU General Public License as published by
# the Free Software Foundation, either version 3 of the License, or
# (at your option) any later version.
"""

STACK_PY = b'''"""A stack that remembers how deep it has been."""


class Stack:
    def __init__(self):
        self.items = []
        self.deepest = 0

    def push(self, item):
        self.items.append(item)
        self.deepest = max(self.deepest, len(self.items))

    def pop(self):
        if not self.items:
            raise IndexError("nothing on the stack")
        return self.items.pop()
'''
QUEUE_PY = b'''"""A queue in two lists, for those who like amortised costs."""


class Queue:
    def __init__(self):
        self.arriving, self.leaving = [], []

    def put(self, item):
        self.arriving.append(item)

    def get(self):
        if not self.leaving:
            while self.arriving:
                self.leaving.append(self.arriving.pop())
        return self.leaving.pop()
'''
GRAPH_PY = b'''"""Shortest ways through a graph of weighted edges."""

import heapq


def distances(edges, start):
    found = {}
    waiting = [(0, start)]
    while waiting:
        cost, node = heapq.heappop(waiting)
        if node in found:
            continue
        found[node] = cost
        for other, weight in edges.get(node, ()):
            heapq.heappush(waiting, (cost + weight, other))
    return found
'''
TINY_C = b"""#include <stddef.h>

/* The sum of the squares of n numbers. */
long sum_of_squares(const long *numbers, size_t n)
{
    long total = 0;
    for (size_t i = 0; i < n; i++)
        total += numbers[i] * numbers[i];
    return total;
}
"""
TINY_H = b"""#ifndef TINY_H
#define TINY_H
#include <stddef.h>
long sum_of_squares(const long *numbers, size_t n);
#endif
"""
WORDS_GO = b"""package words

import "strings"

// Count tells how often each word of a text occurs, whatever its case.
func Count(text string) map[string]int {
\tfound := map[string]int{}
\tfor _, word := range strings.Fields(strings.ToLower(text)) {
\t\tfound[strings.Trim(word, ".,;:!?")]++
\t}
\treturn found
}
"""

Tree = Mapping[bytes, tuple[str, bytes]]
"""Path to mode and content; of a submodule, the content is the hex id of a commit."""


@dataclass(frozen=True)
class HostileRepository:
    """A repository as the archive would find it."""

    url: str
    path: Path
    stages: list[dict[str, str]] = field(default_factory=list)
    """References at each earlier visit; the last visit sees the repository as it lies."""
    usable: bool = True
    """Whether a branch leads to a directory."""


class _Made:
    """A repository in the making."""

    def __init__(self, folder: Path, name: str, branch: str) -> None:
        self.path = folder / name
        self.url = BASE + name
        self.path.mkdir(parents=True)
        self.git("init", "-q", "-b", branch)

    def git(self, *args: str, data: bytes | None = None, **more: str) -> bytes:
        return git(*args, cwd=self.path, data=data, **more)

    def blob(self, data: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", data=data).decode().strip()

    def tree(self, files: Tree) -> str:
        self.git("read-tree", "--empty")
        lines = (
            b"%s %s\t%s\0" % (mode.encode(), (data if mode == SUBMODULE else self.blob(data).encode()), path)
            for path, (mode, data) in files.items()
        )
        self.git("update-index", "-z", "--index-info", data=b"".join(lines))
        return self.git("write-tree").decode().strip()

    def commit(self, files: Tree, message: str, *parents: str, when: str = "1700000000 +0000") -> str:
        before = [option for parent in parents for option in ("-p", parent)]
        return (
            self.git("commit-tree", "-m", message, *before, self.tree(files), author=when, committer=when)
            .decode()
            .strip()
        )

    def raw_commit(self, files: Tree, message: str, *parents: str, when: str) -> str:
        """A commit with a date that git itself does not write."""
        before = "".join(f"parent {parent}\n" for parent in parents)
        who = f"A <a@example.org> {when}"
        text = f"tree {self.tree(files)}\n{before}author {who}\ncommitter {who}\n\n{message}\n"
        return (
            self.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", data=text.encode()).decode().strip()
        )

    def ref(self, name: str, target: str) -> None:
        self.git("update-ref", name, target)

    def tag(self, name: str, target: str) -> None:
        self.git("tag", "-a", "-m", f"release {name}", name, target)

    def done(self, **more: object) -> HostileRepository:
        (self.path / ".git" / "index").unlink(missing_ok=True)
        return HostileRepository(self.url, self.path, **more)  # type: ignore[arg-type]


def git(*args: str, cwd: Path, data: bytes | None = None, author: str = "", committer: str = "") -> bytes:
    """Run git under no configuration but our own, with one identity and fixed dates."""
    usual = "1700000000 +0000"
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": author or usual,
        "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_COMMITTER_DATE": committer or usual,
    }  # fmt: skip
    command = ["git", "-c", "safe.directory=*", "-c", "advice.nestedTag=false", "-c", "gc.auto=0", *args]
    return subprocess.run(command, cwd=cwd, env=environment, input=data, stdout=subprocess.PIPE, check=True).stdout


def files(**texts: bytes) -> dict[bytes, tuple[str, bytes]]:
    return {name.encode(): (FILE, text) for name, text in texts.items()}


def plain(texts: Mapping[bytes, bytes]) -> dict[bytes, tuple[str, bytes]]:
    """Regular files."""
    return {path: (FILE, data) for path, data in texts.items()}


def make_all(folder: Path) -> list[HostileRepository]:
    """Every repository, below `folder`."""
    library = _library(folder)
    return [
        _hostile(folder), library, _fork(folder, library.path), _tool(folder), _orphans(folder), _copyleft(folder),
        _pull_requests_only(folder), _empty(folder),
    ]  # fmt: skip


def _hostile(folder: Path) -> HostileRepository:
    made = _Made(folder, "hostile", "trunk")
    code = b"print('hello from a name that is not text')\n"
    tree = {
        **plain({b"LICENSE": MIT.format(name="hostile").encode()}),
        b"run.py": (EXECUTABLE, b"print('an executable, says its mode')\n"),
        **plain(
            {
                b"caf\xe9.py": code,
                b"caf\xe8.py": code,
                b"empty.py": b"",
                b"utf16.txt": "# caf\u00e9 in sixteen bits\nx = 1\n".encode("utf-16"),
                b"latin1.py": b"# caf\xe9 in eight bits\nname = 'latin-1'\n",
                b"zeros.bin": b"\0\1\2\3" * 100,
                b"oversized.txt": b"a line of an oversized file\n" * 1000,
                b"d/" * 75 + b"deep.py": b"depth = 75  # folders above this file\n",
                b"back\\slash.py": b"separator = 'on some systems'\n",
                b"new\nline.py": b"lines_in_its_name = 2\n",
            }
        ),
        b"link.py": (SYMLINK, b"run.py"),
        b"sub": (SUBMODULE, b"1234567890" * 4),
    }
    commit = made.commit(tree, "all at once")
    made.ref("refs/heads/trunk", commit)
    made.tag("v1", commit)
    made.tag("v1-again", "v1")
    made.git("tag", "blob-tag", made.blob(code))
    return made.done()


def _library(folder: Path) -> HostileRepository:
    made = _Made(folder, "library", "main")
    start = plain(
        {
            b"LICENSE": MIT.format(name="library").encode(),
            b"README.md": b"# library\n\nStacks and queues, written for tests.\n",
            b"src/stack.py": STACK_PY,
            b"src/queues.py": QUEUE_PY,
            b"tiny/tiny.c": TINY_C,
            b"tiny/tiny.h": TINY_H,
            b"tools/check": b"#!/bin/sh\nset -e\npython -m compileall src\n",
        }
    )
    one = made.commit(start, "stack and queue", when="1600000000 +0530")
    executable = {**start, b"tools/check": (EXECUTABLE, start[b"tools/check"][1])}
    two = made.commit(executable, "make it run", one, when="1610000000 -0330")
    side = made.commit({**start, b"src/graph.py": (FILE, GRAPH_PY)}, "graphs", one, when="1605000000 +0000")
    merged = {**executable, b"src/graph.py": (FILE, GRAPH_PY)}
    three = made.commit(merged, "merge graphs", two, side, when="1620000000 +0000")
    renamed = {**{k: v for k, v in merged.items() if k != b"src/queues.py"}, b"src/queue.py": (FILE, QUEUE_PY)}
    four = made.commit(renamed, "rename", three, when="1630000000 -0000")
    without = {k: v for k, v in renamed.items() if k != b"src/graph.py"}
    five = made.commit(without, "drop graphs", four, when="1625000000 +0000")  # a clock that went back
    six = made.commit(
        {**renamed, b"src/graph.py": (FILE, GRAPH_PY + b"\n# back again\n")},
        "graphs again",
        five,
        when="1640000000 +1400",
    )
    made.ref("refs/heads/main", six)
    made.ref("refs/heads/feature", side)
    made.ref("refs/pull/1/head", two)
    made.tag("v1.0", three)
    return made.done(stages=[{"refs/heads/main": two}, {"refs/heads/main": three, "refs/heads/feature": side}])


def _fork(folder: Path, library: Path) -> HostileRepository:
    """Shares most subtrees with the library."""
    made = _Made(folder, "fork", "master")
    made.git("fetch", "-q", str(library), "refs/heads/main")
    base = made.git("rev-parse", "FETCH_HEAD").decode().strip()
    (made.path / ".git" / "FETCH_HEAD").unlink()
    listed = made.git("ls-tree", "-r", "-z", base).split(b"\0")
    tree: dict[bytes, tuple[str, bytes]] = {}
    for line in filter(None, listed):
        fields, _, path = line.partition(b"\t")
        mode, _, name = fields.decode().split(" ")
        tree[path] = (mode, made.git("cat-file", "blob", name))
    tree[b"src/stack.py"] = (FILE, STACK_PY.replace(b"deepest", b"maximum"))
    tree[b"src/words.go"] = (FILE, WORDS_GO)
    made.ref("refs/heads/master", made.commit(tree, "fork", base, when="1650000000 +0000"))
    return made.done()


def _tool(folder: Path) -> HostileRepository:
    """Vendors a folder of the library; its HEAD is of the year 5000, and its history begins before 1970."""
    made = _Made(folder, "tool", "main")
    tree = plain(
        {
            b"LICENSE": APACHE.format(name="tool").encode(),
            b"vendor/tiny/tiny.c": TINY_C,
            b"vendor/tiny/tiny.h": TINY_H,
            b"cmd/words.go": WORDS_GO.replace(b"package words", b"package main"),
            b"settings.ini": b"[tool]\nmail = someone" + b"@" + b"example.net\nretries = 3\n",
        }
    )
    old = made.raw_commit({b"LICENSE": tree[b"LICENSE"]}, "before time", when="-1000 +0000")
    made.ref("refs/heads/main", made.raw_commit(tree, "from the future", old, when="95617584000 +0000"))
    return made.done()


def _orphans(folder: Path) -> HostileRepository:
    """HEAD dangles and no branch has a usual name: the latest release is taken, by version and through two tags."""
    made = _Made(folder, "orphans", "gone")
    license = MIT.format(name="orphans").encode()
    for version in ("1.9", "1.10", "1.10rc1"):
        text = f"version = '{version}'\nprint('this is release', version)\n".encode()
        made.tag(version + "-inner", made.commit(plain({b"LICENSE": license, b"version.py": text}), version))
        made.tag(version, version + "-inner")
        made.git("tag", "-d", version + "-inner")
    made.ref("refs/heads/pages", made.commit(plain({b"index.html": b"<p>pages of an orphan branch</p>\n"}), "pages"))
    return made.done()


def _copyleft(folder: Path) -> HostileRepository:
    made = _Made(folder, "copyleft", "main")
    tree = plain(
        {
            b"LICENSE": MIT.format(name="copyleft").encode(),
            b"free.py": GPL_HEADER + b"print('share alike')\n",
            b"also/stack.py": STACK_PY,
        }
    )
    made.ref("refs/heads/main", made.commit(tree, "mixed"))
    return made.done()


def _pull_requests_only(folder: Path) -> HostileRepository:
    made = _Made(folder, "pulls", "main")
    made.ref("refs/pull/7/head", made.commit(plain({b"offered.py": b"offered = True\n"}), "offered"))
    return made.done(usable=False)


def _empty(folder: Path) -> HostileRepository:
    return _Made(folder, "empty", "main").done(usable=False)


def ls_tree(path: Path, commit: str) -> dict[bytes, tuple[int, bytes]]:
    """Path to mode and object id, as git itself lists them."""
    found = {}
    for line in filter(None, git("ls-tree", "-r", "-z", "--full-tree", commit, cwd=path).split(b"\0")):
        fields, _, name = line.partition(b"\t")
        mode, _, identifier = fields.split(b" ")
        found[name] = (int(mode, 8), bytes.fromhex(identifier.decode()))
    return found


def contents(path: Path, ids: Iterable[bytes]) -> dict[bytes, bytes]:
    """The bytes of blobs, as git itself gives them."""
    return {i: git("cat-file", "blob", i.hex(), cwd=path) for i in ids}
