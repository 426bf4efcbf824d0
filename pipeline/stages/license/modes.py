"""What a mode reads, and how it finds what holds at a path: `stack-v2` has rules of its own, the others share one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pipeline.stages.license import names, stack_v2
from pipeline.stages.license.config import STACK_V2, Mode
from pipeline.stages.license.coverings import fact_of_declarations
from pipeline.stages.license.evidence import Fact, fact_of_manifest, fact_of_scan
from pipeline.stages.license.manifests import Declared
from pipeline.stages.license.resolve import Resolution, repository_fact
from pipeline.stages.license.resolve import resolve as resolve_nearest


def kind_of(mode: Mode, path: bytes) -> str | None:
    """What a path says by its name, as far as the mode asks: see `names.kind_of`."""
    return names.stack_v2_kind_of(path) if mode == STACK_V2 else names.kind_of(path)


def read_fact(mode: Mode, kind: str, blob: bytes, stored: str) -> Fact:
    """What a blob states, from the stored form of its detection."""
    raw = json.loads(stored)
    if kind == names.LICENSE:
        return (stack_v2.fact_of_scan if mode == STACK_V2 else fact_of_scan)(blob, raw["matches"])
    if kind in names.COVERINGS:
        return fact_of_declarations(blob, raw)
    return fact_of_manifest(blob, Declared.from_json(raw))


def resolve(mode: Mode, paths: Sequence[bytes], facts: Mapping[bytes, Fact], declared: str | None = None) -> Resolution:
    """What holds at each path of an origin; `declared`: what metadata says of the whole."""
    if mode == STACK_V2:
        return stack_v2.resolve(paths, facts, declared)
    return resolve_nearest(paths, facts, repository_fact(declared))
