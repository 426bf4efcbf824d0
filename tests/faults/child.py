"""Builds in a forked child that may be killed, and what must hold of what it left."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.build import Built, build
from pipeline.engine.publication import TEMPORARY
from pipeline.engine.receipts import read_receipt
from tests.conftest import configure


@dataclass(frozen=True)
class Ended:
    """How a child ended: by a signal, or with a code and what its exception said."""

    signal: int
    code: int
    words: str


def tiny_config(corpus: Path, facts: Path, root: Path, *changes: str) -> Any:
    """What the fixture `configure` makes, for programs that are no tests."""
    return configure.__wrapped__(corpus, facts, root)(*changes)  # type: ignore[attr-defined]


def in_child(action: Callable[[], object], **environment: str) -> Ended:
    """Run `action` in a fork of this process, which is warm: its modules are loaded and its kernels compiled."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside Arrow's threads, which it provides for
        child = os.fork()
    if child == 0:
        os.close(reader)
        os.environ.update(environment)
        code = 0
        try:
            action()
        except BaseException:
            os.write(writer, traceback.format_exc().encode()[-60_000:])
            code = 1
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        words = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return Ended(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, os.waitstatus_to_exitcode(status), words)


def publication_points(config: Any, log: Path) -> list[str]:
    """The names of all points that a fresh build passes, in order."""
    ended = in_child(lambda: build(config), PERMASTACK_FAILPOINT_LOG=str(log))
    assert ended.code == 0, ended.words
    return [line.partition(" ")[2] for line in log.read_text("utf-8").splitlines()]


def kill_at(point: int, config: Any) -> None:
    """A fresh build that is killed at a point, counted from 1."""
    ended = in_child(lambda: build(config), PERMASTACK_FAILPOINT=f"{point}:kill")
    assert ended.signal == 9, f"point {point} was never reached: {ended}"


def unlike(root: Path, reference: Path, within: tuple[str, ...] = ("work", "releases")) -> list[str]:
    """Files under a final name whose bytes are not those that an undisturbed build in `reference` gave them."""
    found = []
    for path in sorted(p for name in within for p in (root / name).rglob("*") if p.is_file()):
        name = path.relative_to(root)
        if any(part.startswith(TEMPORARY) for part in name.parts) or path.name in ("lock", ".lock"):
            continue
        # A receipt tells how long its part took, too.
        good = (
            read_receipt(path)
            if path.parent.name == "receipts"
            else path.read_bytes() == (reference / name).read_bytes()
        )
        if not good:
            found.append(str(name))
    return found


def leftovers(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob(f"{TEMPORARY}*"))


def check_kill(point: int, root: Path, config: Any, reference: Path, expected: str) -> Built:
    """Kill a build at a point, look at what is left, and resume it. Raises AssertionError."""
    kill_at(point, config)
    assert unlike(root, reference) == []
    built = build(config)
    assert built.release.root == expected
    assert unlike(root, reference) == []
    assert leftovers(root) == []
    return built
