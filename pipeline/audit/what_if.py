"""What another licence policy or mode would change in a release or a run, from stored evidence: no detector runs, no
text is read anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.audit.evidence import EvidenceSets, evidence_sets, facts_of, sets_of
from pipeline.audit.folder import Contents
from pipeline.audit.licenses import Judge
from pipeline.audit.outcomes import by_origin, outcomes, row_outcomes
from pipeline.audit.report import Check
from pipeline.engine.work_folder import WorkFolder
from pipeline.errors import ConfigError
from pipeline.schema import DECISIONS, EVIDENCE, ORIGINS, VERDICTS
from pipeline.stages.license import modes, names
from pipeline.stages.license.config import STACK_V2, LicenseConfig
from pipeline.stages.license.policy import LicenseType, Policy
from pipeline.stages.release.rows import path_text

_EXAMPLES = 5


@dataclass
class Change:
    """Files whose verdict goes from one to another, by their licence; and some of them."""

    files: int = 0
    licenses: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)


@dataclass
class WhatIf:
    """`changes` by (verdict now, verdict then). `unread`: files that might change further, because of what was never
    read: their own headers, where their path forbade them anyway; or files that only The Stack v2 takes for licence
    files, in their folder or above. Only a run can tell.
    """

    files: int = 0
    kept_now: int = 0
    kept_then: int = 0
    unread: int = 0
    changes: dict[tuple[str, str], Change] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        changes = [
            {"from": a, "to": b, "files": c.files, "licenses": dict(c.licenses.most_common()), "examples": c.examples}
            for (a, b), c in self.changes.items()
        ]
        counts = {name: getattr(self, name) for name in ("files", "kept_now", "kept_then", "unread")}
        return counts | {"changes": changes}


@dataclass
class Stored:
    """What a release or a run knows of licences: its evidence, the files with their verdicts (schema OUTCOMES), the
    lengths of contents, what metadata says of origins, and the settings.
    """

    sets: EvidenceSets
    files: pa.Table
    lengths: dict[bytes, int]
    declared: dict[str, str | None]
    settings: dict[str, Any]


def stored_in(folder: Path) -> Stored:
    """From a release, or from a work folder whose step license.decide is finished. What opted out of a release is not
    named. Raises IntegrityError or InputError where it is neither. Memory: the ledgers.
    """
    return _of_work(WorkFolder(folder)) if not (folder / "release.json").exists() else _of_release(Contents(folder))


def what_if(stored: Stored, policy: Policy, changes: dict[str, Any] | None = None) -> WhatIf:
    """Judge every listed file again, under `policy` and with `changes` of the section `[license]`.

    Raises ConfigError from mode stack-v2 to another: that reads no headers and no manifests, so there is no evidence.
    """
    config = LicenseConfig.model_validate(stored.settings | (changes or {}))
    built = LicenseConfig.model_validate(stored.settings)
    if built.mode != config.mode == STACK_V2:
        stored = _as_stack_v2(stored)
    elif config.mode != built.mode == STACK_V2:
        raise ConfigError(
            f"--mode {config.mode}: this was built with mode stack-v2, which reads no headers and no manifests: "
            "only a run can tell. The other way round works"
        )
    judge = Judge(stored.sets, policy, config)
    judge.note_elsewhere(stored.files)
    found = WhatIf()
    for _origin, rows in by_origin(stored.files):
        unknown = _folders_unread(rows) if built.mode != config.mode == STACK_V2 else set()
        for row in rows:
            if row["stage"] == "ingest" or row["blob"] is None or row["path"] is None:
                continue
            length = stored.lengths.get(row["blob"], 0)
            then = judge.decide(row["blob"], row["path"], row["evidence_id"], length, None, True)
            now = row["license_type"]
            found.files += 1
            found.kept_now += now in built.keep
            found.kept_then += then.license_type in config.keep
            if config.mode == STACK_V2:
                found.unread += any(folder in unknown for folder in _above(row["path"]))
            elif now == LicenseType.NON_PERMISSIVE and row["blob"] not in judge.header_of:
                found.unread += then.license_type is not LicenseType.NON_PERMISSIVE
            if now != then.license_type:
                change = found.changes.setdefault((now, str(then.license_type)), Change())
                change.files += 1
                change.licenses[str(then.expression)] += 1
                if len(change.examples) < _EXAMPLES:
                    change.examples.append(f"{row['origin']} {path_text(row['path'])[0]}")
    found.changes = dict(sorted(found.changes.items()))
    return found


def what_if_text(found: WhatIf) -> str:
    """The same for a person."""
    lines = [
        f"{found.files:,} files judged again: {found.kept_now:,} kept now, {found.kept_then:,} then",
    ]
    for (now, then), change in found.changes.items():
        lines.append(f"{change.files:>9,}  {now} -> {then}")
        lines += [f"{count:>15,}  {license_}" for license_, count in change.licenses.most_common(10)]
        lines += [f"{'':>15}  e.g. {example}" for example in change.examples]
    if not found.changes:
        lines.append("no verdict changes")
    if found.unread:
        lines.append(
            f"{found.unread:,} of them may hang on what was never read, because nothing asked for it: only a run tells"
        )
    return "\n".join(lines)


def _as_stack_v2(stored: Stored) -> Stored:
    """The same files with the sets of evidence that The Stack v2's rules make of what was read."""
    sets: EvidenceSets = {}
    ids: list[str | None] = []
    for origin, rows in by_origin(stored.files):
        declared = stored.declared.get(origin)
        facts = facts_of(origin, declared, rows, stored.sets, Check("", ""))
        resolution = modes.resolve(STACK_V2, [row["path"] or b"" for row in rows], facts, declared)
        ids += resolution.evidence_ids
        for row in resolution.evidence:
            sets.setdefault(row.evidence_id, []).append(row)
    unique = {key: list(dict.fromkeys(rows)) for key, rows in sets.items()}
    files = stored.files.set_column(
        stored.files.schema.get_field_index("evidence_id"), "evidence_id", pa.array(ids, pa.string())
    )
    return Stored(unique, files, stored.lengths, stored.declared, stored.settings)


def _folders_unread(rows: list[dict[str, Any]]) -> set[bytes]:
    """The folders with a file that The Stack v2 takes for a licence file, and the other modes do not."""
    paths = (row["path"] for row in rows if row["path"] is not None)
    return {
        path.rpartition(b"/")[0]
        for path in paths
        if names.stack_v2_kind_of(path) and names.kind_of(path) != names.LICENSE
    }


def _above(path: bytes) -> Iterator[bytes]:
    while path:
        path = path.rpartition(b"/")[0]
        yield path


def _of_release(contents: Contents) -> Stored:
    declared = contents.ledger("repositories").select(["origin", "declared_license"]).to_pylist()
    return Stored(
        evidence_sets(contents),
        outcomes(contents),
        dict(_lengths(contents)),
        {row["origin"]: row["declared_license"] for row in declared},
        contents.release.configuration.get("license", {}),
    )


def _of_work(work: WorkFolder) -> Stored:
    refused = [work.read(f"{step}/decisions", DECISIONS) for step in ("ingest.list", "ingest.fetch")]
    kept, dropped = work.read("license.decide/kept", VERDICTS), work.read("license.decide/decisions", DECISIONS)
    evidence = [work.read(f"{step}/evidence", EVIDENCE) for step in ("license.resolve", "license.decide")]
    origins = work.read("ingest.list/origins", ORIGINS).select(["origin", "declared_license"]).to_pylist()
    lengths: dict[bytes, int] = {}
    for table in (kept, dropped):
        lengths.update(zip(table.column("blob").to_pylist(), table.column("length").to_pylist(), strict=True))
    return Stored(
        sets_of(pa.concat_tables(evidence)),
        row_outcomes(kept, [*refused, dropped]),
        lengths,
        {row["origin"]: row["declared_license"] for row in origins},
        work.info("license.decide")["settings"],
    )


def _lengths(contents: Contents) -> Iterator[tuple[bytes, int]]:
    data = contents.data(["swhid", "length_bytes"])
    for swhid, length in zip(data.column("swhid").to_pylist(), data.column("length_bytes").to_pylist(), strict=True):
        yield bytes.fromhex(swhid.rpartition(":")[2]), length
    for row in contents.ledger("decisions").select(["blob", "length"]).to_pylist():
        if row["blob"] is not None and row["length"] is not None:
            yield row["blob"], row["length"]
