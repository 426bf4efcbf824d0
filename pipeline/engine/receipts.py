"""Receipts: the small JSON that a part writes last. It says what was done, from what, and what came out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.engine.artefacts import Artefact, Slice
from pipeline.engine.keys import file_sha256
from pipeline.engine.publication import publish_bytes

SPEC_VERSION = 2


@dataclass
class Counts:
    """Occurrences that a part took in, passed on, merged as copies, and dropped by rule."""

    taken: int = 0
    passed: int = 0
    merged: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def add(self, other: Counts) -> None:
        self.taken += other.taken
        self.passed += other.passed
        self.merged += other.merged
        for rule, number in other.dropped.items():
            self.dropped[rule] = self.dropped.get(rule, 0) + number

    @property
    def closes(self) -> bool:
        return self.taken == self.passed + self.merged + sum(self.dropped.values())


@dataclass
class Receipt:
    """What one part of one step did. `info` holds small facts for later steps and for people."""

    step: str
    part: int
    key: str
    outputs: dict[str, Artefact]
    counts: Counts
    info: dict[str, Any]
    seconds: float
    peak_memory: int  # bytes, of the worker process so far
    round: int = 0
    spec_version: int = SPEC_VERSION

    def write(self, path: Path) -> None:
        plain = asdict(self)
        publish_bytes(path, json.dumps(plain | {"sha256": _sha256(plain)}, indent=1, sort_keys=True).encode())

    def pieces(self, output: str, folder: Path) -> list[Slice]:
        """What can be read of `output`: the whole table, or of an exchange the slices that are not empty, by bucket."""
        artefact = self.outputs[output]
        path = str(folder / artefact.file)
        if artefact.index is not None:
            offset, length, sha256 = artefact.index
            return [Slice(path, artefact.rows, sha256, offset, length, packed=True)]
        if artefact.to is None:
            return [Slice(path, artefact.rows, artefact.sha256)]
        found = sorted((int(bucket), *slice_) for bucket, slice_ in artefact.slices.items())
        return [Slice(path, rows, sha256, offset, length, b) for b, offset, length, rows, sha256 in found]

    def outputs_stand(self, folder: Path, full: bool) -> bool:
        """Whether every output is there with its size, and with its digest where `full`."""
        for artefact in self.outputs.values():
            path = folder / artefact.file
            if not path.is_file() or path.stat().st_size != artefact.bytes:
                return False
            if full and file_sha256(path) != artefact.sha256:
                return False
        return True


def read_receipt(path: Path) -> Receipt | None:
    """The receipt at `path`; None where there is none or it is damaged, so that its part runs again."""
    try:
        raw = json.loads(path.read_bytes())
        if raw["spec_version"] != SPEC_VERSION or raw.pop("sha256") != _sha256(raw):
            return None
        outputs = {
            name: Artefact(
                **{
                    **a,
                    "slices": {b: tuple(s) for b, s in a["slices"].items()},
                    "index": a["index"] and tuple(a["index"]),
                }
            )
            for name, a in raw.pop("outputs").items()
        }
        return Receipt(**{**raw, "outputs": outputs, "counts": Counts(**raw["counts"])})
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _sha256(plain: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
