"""What the detectors see in files of this machine: licence, secrets and personal data, language.

The same functions as in a run decide, on the same bytes. A folder is treated as one origin, a file by itself as
an origin of one file. What a run alone can know (copies of a file elsewhere, opt-outs, duplicates) has no say.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.engine import services
from pipeline.engine.progress import tracked
from pipeline.errors import ConfigError
from pipeline.inspection.files import Given, Unread, displayed, given_inputs, read
from pipeline.inspection.redacted_copies import RedactedCopies
from pipeline.stages.ingest.decoding import Undecodable, decode, method_of
from pipeline.stages.language.core import tag
from pipeline.stages.license import modes
from pipeline.stages.license.config import STACK_V2, LicenseConfig
from pipeline.stages.license.decide import AtPath, own_word_of, verdict
from pipeline.stages.license.evidence import Evidence, Fact, combine, fact_of_scan, header_evidence
from pipeline.stages.license.policy import load as load_policy
from pipeline.stages.license.steps import SERVICE, scan_header, stated_by
from pipeline.stages.redact.core import Scanner
from pipeline.stages.redact.policy import risk, rules_for
from pipeline.stages.redact.spans import Span
from pipeline.swhid import swhid

DETECTORS = ("license", "redact", "language")


def inspect_files(
    paths: Sequence[Path], config: Config, chosen: Collection[str], redacted_dir: Path | None = None
) -> Iterator[dict[str, Any]]:
    """One row per file of `paths` (files, and folders with all that lies below them), in order of path.

    A row has `path`, `swhid`, `src_encoding`, `encoding_method` and what the chosen of DETECTORS found; a file that a
    run would not read as text has `skipped` instead, with the rule and the reason. Byte offsets of `redactions` count
    in the text as UTF-8 without a byte order mark. No row holds the value of a secret. With `redacted_dir` the
    redacted texts are written below that folder, each in the encoding of its source.

    Memory: the names of all files, and one content. Raises InputError where a path is not there, ConfigError
    where `redacted_dir` cannot serve, EnvironmentalError where ScanCode cannot be started.
    """
    if redacted_dir is not None and "redact" not in chosen:
        raise ConfigError("--redacted-dir needs the detector redact: add it to --only, or leave --only out")
    inputs = given_inputs(paths)
    copies = RedactedCopies(redacted_dir, inputs) if redacted_dir is not None else None
    scanner = Scanner(config.redact) if "redact" in chosen and config.redact.enabled else None
    judge = _Judge(config.license, config.ingest.max_file_bytes) if "license" in chosen else None
    try:
        for given in inputs:
            licenses = judge.of_input(given) if judge else None
            for path in tracked(given.files, len(given.files), "inspect"):
                yield _row(given, path, config, chosen, scanner, licenses, copies)
    finally:
        if judge is not None and judge.asked:
            services.stop(SERVICE)


def _row(
    given: Given,
    path: bytes,
    config: Config,
    chosen: Collection[str],
    scanner: Scanner | None,
    licenses: _Licenses | None,
    copies: RedactedCopies | None,
) -> dict[str, Any]:
    row: dict[str, Any] = {"path": displayed(given.on_disk(path))}
    found = given.unread.get(path) or read(given.on_disk(path), config.ingest.max_file_bytes)
    row["swhid"] = swhid("cnt", found.blob) if found.blob is not None else None
    decoded = found if isinstance(found, Unread) else decode(found.data, guessing=config.ingest.decode == "guess")
    if isinstance(decoded, Unread | Undecodable):
        return row | {"skipped": {"rule": decoded.rule, "reason": decoded.reason}}
    text = decoded.text_utf8
    row["src_encoding"] = decoded.encoding
    row["encoding_method"] = method_of(decoded.encoding)
    if licenses is not None and found.blob is not None:
        row["license"] = licenses.of(path, found.blob, text)
    if "redact" in chosen:
        spans = scanner.scan(text, path) if scanner else []
        row["redactions"] = [_redaction(span) for span in spans]
        row["risk"] = risk(spans)
        row["drop_reason"] = rules_for(config.redact, path).drops(spans)
        if copies is not None:
            row["redacted_path"] = displayed(copies.write(given, path, text, spans, decoded.encoding))
    if "language" in chosen:
        tagged = tag(path, text, config.language)
        row |= {"language": tagged.language, "language_method": tagged.method}
        row |= {"language_confidence": tagged.confidence}
        row |= {"is_generated": tagged.is_generated, "is_vendor": tagged.is_vendor}
    return row


def _redaction(span: Span) -> dict[str, Any]:
    return {
        "class": span.cls,
        "start": span.start,
        "end": span.end,
        "line": span.line,
        "detector": span.detector,
        "surrogate": span.surrogate,
    }


class _Judge:
    """Licences as a run judges them, without its store of facts."""

    def __init__(self, config: LicenseConfig, max_file_bytes: int) -> None:
        self.config = config
        self.policy = load_policy(config.policy)
        self.asked = False
        self._windows: dict[bytes, Any] = {}
        self._max_file_bytes = max_file_bytes

    def of_input(self, given: Given) -> _Licenses:
        """Resolve what licence files and manifests of an input state for its paths."""
        facts: dict[bytes, Fact] = {}
        mode = self.config.mode
        stating = [path for path in given.files if path not in given.unread and modes.kind_of(mode, path)]
        for path in tracked(stating, len(stating), "licence files"):
            kind = modes.kind_of(mode, path)
            found = read(given.on_disk(path), self._max_file_bytes)
            if kind is not None and not isinstance(found, Unread):
                facts[path] = self._fact(kind, found.blob, found.data)
        return _Licenses(self, [path for path in given.files if path not in given.unread], facts)

    def _fact(self, kind: str, blob: bytes, data: bytes) -> Fact:
        stored = stated_by(kind, data, self.config, self._answer)
        return modes.read_fact(self.config.mode, kind, blob, json.dumps(stored))

    def header(self, blob: bytes, text: bytes) -> list[Evidence]:
        """What a file states about itself."""
        if not self.config.headers or self.config.mode == STACK_V2:
            return []
        return header_evidence(fact_of_scan(blob, scan_header(text, self.config, self._answer, self._windows)))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked = True
        return services.call(SERVICE, request)


class _Licenses:
    """The licence of each file of one input."""

    def __init__(self, judge: _Judge, paths: Sequence[bytes], facts: Mapping[bytes, Fact]) -> None:
        resolution = modes.resolve(judge.config.mode, paths, facts)
        self._judge = judge
        self._sets: dict[str, list[Evidence]] = {}
        for evidence in resolution.evidence:
            self._sets.setdefault(evidence.evidence_id, []).append(evidence)
        self._set_of = dict(zip(paths, resolution.evidence_ids, strict=True))

    def of(self, path: bytes, blob: bytes, text: bytes) -> dict[str, Any]:
        at_path = self._sets.get(self._set_of[path] or "", [])
        header = self._judge.header(blob, text)
        stated = combine(header)
        decided = verdict(
            AtPath.of(at_path),
            [stated] if stated else [],
            self._judge.policy,
            self._judge.config.mode,
            own_word=own_word_of(path),
        )
        return {
            "expression": str(decided.expression) if decided.expression else None,
            "verdict": str(decided.license_type),
            "rule": decided.rule,
            "reason": decided.reason,
            "evidence": [_shown(evidence) for evidence in [*at_path, *header]],
        }


def _shown(evidence: Evidence) -> dict[str, Any]:
    return {
        "source": evidence.source,
        "path": None if evidence.path is None else displayed(evidence.path),
        "swhid": swhid("cnt", evidence.blob),
        "distance": evidence.distance,
        "expression": evidence.expression,
        "rule": evidence.rule,
        "matcher": evidence.matcher,
        "score": evidence.score,
        "start_line": evidence.start_line,
        "end_line": evidence.end_line,
        "scope": evidence.scope,
    }
