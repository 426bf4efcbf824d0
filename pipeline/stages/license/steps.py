"""Steps of license: detect what licence files and manifests say, resolve it per path, decide per occurrence."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.keys import source_digest
from pipeline.engine.step import Job
from pipeline.schema import BLOB, BLOBS, EVIDENCE, LICENSE_FACTS, RESOLVED, ROOTS, VERDICTS
from pipeline.stages.decisions import decisions
from pipeline.stages.license import modes, names
from pipeline.stages.license import versions as detector_versions
from pipeline.stages.license.config import STACK_V2, LicenseConfig
from pipeline.stages.license.coverings import declarations
from pipeline.stages.license.decide import (
    OVER_BUDGET,
    AtPath,
    OwnWord,
    Verdict,
    contest,
    is_contested,
    own_word_of,
    verdict,
)
from pipeline.stages.license.evidence import (
    TEXT_SOURCES,
    UNRECOGNISED,
    Evidence,
    Fact,
    combine,
    combine_beside_header,
    fact_of_scan,
    header_evidence,
)
from pipeline.stages.license.expression import parse, spdx_ids, states_license
from pipeline.stages.license.gate import is_repetitive
from pipeline.stages.license.manifests import declared
from pipeline.stages.license.notices import nearest_notices
from pipeline.stages.license.policy import LicenseType, Policy
from pipeline.stages.license.policy import load as load_policy
from pipeline.stages.license.reviews import reviews_of
from pipeline.stages.license.scancode import decode
from pipeline.stages.license.windows import windows

_UNREADABLE = json.dumps(
    {
        "matches": [
            {
                "spdx": "LicenseRef-permastack-unreadable",
                "kind": "text",
                "rule": "unreadable",
                "matcher": "none",
                "score": 0.0,
                "start_line": 1,
                "end_line": 1,
            }
        ]
    }
)

_UNRECOGNISED = {
    "spdx": UNRECOGNISED,
    "kind": "text",
    "rule": "unrecognised",
    "matcher": "none",
    "score": 0.0,
    "start_line": 1,
    "end_line": 1,
}
_TERMS_WORDS = 60  # from so many on a text may be a licence
_TERMS = frozenset(
    {"permission", "permitted", "license", "licence", "licensed", "redistribute", "redistribution", "warranty", "terms"}
)
_GROUP_LINES = 4  # ScanCode's: matches closer than this are one detection
_KNOWN_WINDOWS = 20_000
# The modules of this stage that decide what a content is found to state.
_FACT_CODE = tuple(
    f"stages/license/{name}.py"
    for name in (
        "candidates", "coverings", "evidence", "expression", "gate", "manifests", "names", "prose", "scancode",
        "scopes", "shortcuts", "spellings", "steps", "windows",
    )
)  # fmt: skip

SERVICE = "pipeline.stages.license.scancode"


def detection_settings(config: LicenseConfig) -> LicenseConfig:
    """What detection reads: the budgets. A changed policy leaves its facts standing."""
    return LicenseConfig(max_license_bytes=config.max_license_bytes, max_header_bytes=config.max_header_bytes)


def fact_versions() -> dict[str, str]:
    """What decides a fact of this stage, besides the settings: facts of other versions are not found."""
    return detector_versions() | {"source": source_digest(_FACT_CODE)}


def versions(config: LicenseConfig) -> dict[str, str]:
    return detector_versions()


def policy_versions(config: LicenseConfig) -> dict[str, str]:
    return resolution_versions(config) | {"policy": load_policy(config.policy).digest}


def resolution_versions(config: LicenseConfig) -> dict[str, str]:
    return detector_versions() | {"reviews": reviews_of(config).digest}


def resolution_settings(config: LicenseConfig) -> LicenseConfig:
    """What resolution reads: the reviews, and whether the rules are those of The Stack v2."""
    reviews = {name: getattr(config, name) for name in ("reviews", "reviewers", "unsigned_reviews")}
    return LicenseConfig(**reviews, mode=config.mode if config.mode == STACK_V2 else "strict")


def detect(job: Job) -> None:
    """Scan each unique licence file and manifest of this bucket once; send what they say to who asked."""
    config: LicenseConfig = job.settings
    texts = job.read("ingest.list/texts")
    askers: defaultdict[tuple[bytes, str], list[int]] = defaultdict(list)
    data: dict[bytes, bytes] = {}
    for row in texts.to_pylist():
        askers[row["blob"], row["kind"]].append(row["part"])
        if row["data"] is not None:
            data[row["blob"]] = row["data"]
    store = job.facts("license-files", fact_versions() | {"settings": config.model_dump_json()})
    facts = store.known(askers)
    missing = sorted(key for key in askers if key not in facts)
    data |= _spooled(job, {blob for blob, _ in missing if blob not in data})
    scan = job.service(SERVICE)
    fresh = {key: json.dumps(stated_by(key[1], data[key[0]], config, scan)) for key in missing if key[0] in data}
    store.add(fresh)
    facts |= fresh
    # A licence that cannot be read must not leave its files to the licence of the folder above.
    facts |= {key: _UNREADABLE for key in missing if key not in facts and key[1] == names.LICENSE}
    rows = [(part, blob, kind, facts[blob, kind]) for (blob, kind) in sorted(facts) for part in askers[blob, kind]]
    parts, *columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    table = pa.table([list(column) for column in columns], schema=LICENSE_FACTS)
    job.send("facts", table, pa.array(parts, pa.int64()).to_numpy())
    job.info["facts"] = {"reused": len(facts) - len(fresh), "computed": len(fresh)}


def _spooled(job: Job, wanted: set[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    if wanted:
        for piece in chain(job.pieces("ingest.list/spool"), job.pieces("ingest.texts/texts")):
            for number, blob in enumerate(piece.column("blob").to_pylist()):
                if blob in wanted:
                    found[blob] = piece.column("data")[number].as_py()
    return found


def stated_by(
    kind: str, data: bytes, config: LicenseConfig, scan: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """What a licence file or manifest of a kind states, as it is stored; `scan` answers as `scancode.handle`."""
    if kind in names.COVERINGS:
        return declarations(kind, data)
    if kind != names.LICENSE:
        return declared(kind, data).to_json()
    excerpt = config.excerpt(data)
    repetitive = is_repetitive(decode(excerpt).encode())
    depth = "exact" if repetitive else config.depth_for(len(data))
    answer = scan({"bytes": base64.b64encode(excerpt).decode(), "mode": depth})
    if repetitive and not any(map(_states, answer["matches"])):
        answer = answer | {"matches": [*answer["matches"], over_budget(1)]}
    if len(excerpt) < len(data):
        answer = answer | {"matches": [*answer["matches"], over_budget(excerpt.count(b"\n") + 1)]}
    if is_unrecognised(excerpt, answer["matches"]):
        answer = answer | {"matches": [*answer["matches"], _UNRECOGNISED]}
    return answer


def _states(match: dict[str, Any]) -> bool:
    return match["kind"] not in ("clue", "mention") and states_license(parse(match["spdx"]))


def is_unrecognised(data: bytes, matches: list[dict[str, Any]]) -> bool:
    """Whether a licence file reads like terms of its own, in which no licence was found. Then it is no silence that
    leaves its files to the licence of the folder above.

    Not where some licence's text was found, be it an exception or the text of an agreement for contributors.
    """
    if any(match["kind"] == "text" or _states(match) for match in matches):
        return False
    words = re.findall(r"[a-z]{2,}", decode(data).lower())
    return len(words) >= _TERMS_WORDS and not _TERMS.isdisjoint(words)


def resolve(job: Job) -> None:
    """One path expression per occurrence of each origin of this part; nothing is dropped."""
    config: LicenseConfig = job.settings
    facts: dict[tuple[bytes, str], Fact] = {}
    for row in job.read("license.detect/facts").to_pylist():
        facts[row["blob"], row["kind"]] = modes.read_fact(config.mode, row["kind"], row["blob"], row["fact"])
    reviews = reviews_of(config)
    occurrences = job.read("ingest.list/occurrences")
    origins = {row["origin"]: row for row in job.read("ingest.list/origins").to_pylist()}
    evidence: dict[str, list[Evidence]] = {}
    roots: list[tuple[str, str | None]] = []
    files: set[bytes] = set()
    for origin, own in _by_origin(occurrences):
        paths, blobs = own.column("path").to_pylist(), own.column("blob").to_pylist()
        stated = {}
        for path, blob in zip(paths, blobs, strict=True):
            kind = modes.kind_of(config.mode, path)
            if kind is not None and (blob, kind) in facts:
                stated[path] = reviews.applied(facts[blob, kind], origin)
        about = origins[origin]
        # The empty path stands for the root folder itself.
        resolution = modes.resolve(config.mode, [*paths, b""], stated, about["declared_license"])
        expressions = {key: str(expression) for key, expression in resolution.expressions.items()}
        *ids, root = resolution.evidence_ids
        roots.append((origin, expressions.get(root or "")))
        sets: defaultdict[str, list[Evidence]] = defaultdict(list)
        for row in resolution.evidence:
            sets[row.evidence_id].append(row)
        for key, rows_of_set in sets.items():
            evidence.setdefault(key, []).extend(rows_of_set)
        beside = {
            key: str(e) if (e := combine_beside_header(rows_of_set)) else None for key, rows_of_set in sets.items()
        }
        count = own.num_rows
        texts = {
            key: sorted({row.blob for row in rows_of_set if row.source in TEXT_SOURCES})
            for key, rows_of_set in sets.items()
        }
        notices = nearest_notices(paths)
        blob_at = dict(zip(paths, blobs, strict=True))
        notice_blobs = [None if notice is None else blob_at[notice] for notice in notices]
        files.update(filter(None, notice_blobs), *texts.values())
        table = own.append_column("path_expression", pa.array([expressions.get(i or "") for i in ids], pa.string()))
        table = table.append_column("beside_header", pa.array([beside.get(i or "") for i in ids], pa.string()))
        table = table.append_column("evidence_id", pa.array(ids, pa.string()))
        owed = [[texts.get(i or "", []) for i in ids], notice_blobs, notices]
        for name, values in zip(("license_texts", "notice", "notice_path"), owed, strict=True):
            table = table.append_column(name, pa.array(values, RESOLVED.field(name).type))
        table = table.append_column("stars", pa.array([about["stars"]] * count, pa.int64()))
        table = table.append_column("date", pa.array([about["revision_date"]] * count, RESOLVED.field("date").type))
        job.send_by_blob("occurrences", table)
    rows = [row for key in sorted(evidence) for row in dict.fromkeys(evidence[key])]
    job.write("evidence", _evidence_table(rows))
    job.send_by_blob("license_blobs", pa.table([pa.array(sorted(files), pa.binary(20))], schema=BLOBS))
    job.write("roots", pa.table([[r[0] for r in roots], [r[1] for r in roots]], schema=ROOTS))
    job.counts.taken = job.counts.passed = occurrences.num_rows


def _by_origin(occurrences: pa.Table) -> Iterable[tuple[str, pa.Table]]:
    # A part lists one origin after another.
    start = 0
    for run in pc.run_end_encode(occurrences.column("origin").combine_chunks()).run_ends.to_pylist():
        own = occurrences.slice(start, run - start)
        yield own.column("origin")[0].as_py(), own
        start = run


def _evidence_table(rows: Iterable[Evidence]) -> pa.Table:
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=EVIDENCE)


def decide(job: Job) -> None:
    """The verdict on every occurrence of this bucket's blobs: path, header, copies elsewhere, policy."""
    config: LicenseConfig = job.settings
    policy = load_policy(config.policy)
    occurrences = job.read("ingest.fetch/occurrences").sort_by(
        [("blob", "ascending"), ("origin", "ascending"), ("path", "ascending")]
    )
    judged = _Judge(policy, config)
    path_types: defaultdict[bytes, set[LicenseType]] = defaultdict(set)
    beside_types: defaultdict[bytes, set[LicenseType]] = defaultdict(set)
    elsewhere: dict[bytes, tuple[str, bytes]] = {}
    rows = occurrences.select(["blob", "origin", "path", "length", "path_expression", "beside_header"]).to_pylist()
    for row in rows:
        path_type = judged.path_type(row["path_expression"])
        path_types[row["blob"]].add(path_type)
        beside_types[row["blob"]].add(judged.path_type(row["beside_header"]))
        if path_type is LicenseType.NON_PERMISSIVE:
            elsewhere.setdefault(row["blob"], (row["origin"], row["path"]))
    reads_headers = config.headers and config.mode != STACK_V2
    headers = _headers(job, config, _undecided(beside_types, config)) if reads_headers else {}
    verdicts: list[Verdict] = []
    others: list[tuple[str | None, bytes | None]] = []
    for row in rows:
        header = headers.get(row["blob"], [])
        decided = judged.verdict(row["path_expression"], row["beside_header"], header, row["path"])
        stated = [e for e in [combine(header)] if e]
        contested = config.contests(row["length"]) and is_contested(stated, path_types[row["blob"]])
        decided = contest(decided) if contested else decided
        verdicts.append(decided)
        others.append(
            elsewhere[row["blob"]] if decided.license_type is LicenseType.CONTESTED and contested else (None, None)
        )
    expressions = [v.expression for v in verdicts]
    ids = [headers[row["blob"]][0].evidence_id if headers.get(row["blob"]) else None for row in rows]
    columns = {
        "license_type": pa.array([str(v.license_type) for v in verdicts], pa.string()),
        "license_expression": pa.array([str(e) if e else None for e in expressions], pa.string()),
        "or_choice": pa.array([v.or_choice and str(v.or_choice) for v in verdicts], pa.string()),
        "detected_licenses": pa.array([spdx_ids(e) if e else [] for e in expressions], pa.list_(pa.string())),
        "header_evidence_id": pa.array(ids, pa.string()),
        "rule": pa.array([v.rule for v in verdicts], pa.string()),
        "reason": pa.array([v.reason for v in verdicts], pa.string()),
        "other_origin": pa.array([o[0] for o in others], pa.string()),
        "other_path": pa.array([o[1] for o in others], pa.binary()),
    }
    table = pa.table({**{n: occurrences.column(n) for n in occurrences.column_names}, **columns})
    keep = pa.array([str(v.license_type) in config.keep for v in verdicts], pa.bool_())
    kept, dropped = table.filter(keep), table.filter(pc.invert(keep))
    rules = dropped.column("rule").combine_chunks()
    job.send_by_origin("decisions", decisions(dropped, "license", rules, dropped.column("reason").combine_chunks()))
    job.write("kept", kept.select(VERDICTS.names))
    job.write("evidence", _evidence_table(row for blob in sorted(headers) for row in headers[blob]))
    job.info["settings"] = config.model_dump(mode="json", include={"mode", "keep", "contested_bytes"})
    job.counts.taken, job.counts.passed = table.num_rows, kept.num_rows
    job.drop(rules.to_pylist())


def _undecided(beside_types: Mapping[bytes, set[LicenseType]], config: LicenseConfig) -> set[bytes]:
    """The blobs whose header can make a difference: under strict rules, not where what holds beside a header forbids
    everywhere.
    """
    if config.mode != "strict":
        return set(beside_types)
    return {blob for blob, types in beside_types.items() if types != {LicenseType.NON_PERMISSIVE}}


class _Judge:
    """The policy, asked once per distinct question."""

    def __init__(self, policy: Policy, config: LicenseConfig) -> None:
        self._policy, self._config = policy, config
        self._types: dict[str | None, LicenseType] = {}
        self._verdicts: dict[tuple[str | None, str | None, str, OwnWord], Verdict] = {}

    def path_type(self, expression: str | None) -> LicenseType:
        if expression not in self._types:
            self._types[expression] = self._policy.classify(parse(expression) if expression else None)
        return self._types[expression]

    def verdict(self, expression: str | None, beside: str | None, header: list[Evidence], path: bytes) -> Verdict:
        own_word = own_word_of(path)
        key = (expression, beside, header[0].evidence_id if header else "", own_word)
        if key not in self._verdicts:
            stated = combine(header)
            at_path = AtPath(*(parse(e) if e else None for e in (expression, beside)))
            self._verdicts[key] = verdict(
                at_path, [stated] if stated else [], self._policy, self._config.mode, own_word=own_word
            )
        return self._verdicts[key]


def _headers(job: Job, config: LicenseConfig, wanted: set[bytes]) -> dict[bytes, list[Evidence]]:
    """What each wanted blob states about itself; those that state nothing are left out. Each scan is a fact."""
    reviews = reviews_of(config)
    store = job.facts("license-headers", fact_versions() | {"bytes": str(config.max_header_bytes)})
    scan, seen = job.service(SERVICE), dict[bytes, Any]()
    facts = store.known((blob, "") for blob in wanted)
    reused = len(facts)
    unknown = pa.chunked_array([pa.array(sorted(blob for blob in wanted if (blob, "") not in facts), BLOB)])
    for contents in job.pieces("ingest.fetch/contents", ["blob", "text"], unknown):
        fresh = {
            (blob, ""): json.dumps(scan_header(bytes(text.as_buffer()), config, scan, seen))
            for blob, text in zip(contents.column("blob").to_pylist(), contents.column("text"), strict=True)
        }
        store.add(fresh)
        facts |= fresh
    job.info["facts"] = {"reused": reused, "computed": len(facts) - reused}
    found = (
        (blob, header_evidence(reviews.applied(fact_of_scan(blob, json.loads(stored)), None)))
        for (blob, _), stored in facts.items()
    )
    return {blob: rows for blob, rows in found if rows}


def scan_header(
    data: bytes, config: LicenseConfig, scan: Callable[[dict[str, Any]], dict[str, Any]], known: dict[bytes, Any]
) -> list[dict[str, Any]]:
    """What a source file states, by its windows; `known` keeps the answers for windows seen before.

    More than `max_header_bytes` in windows are not read: then the file states, too, that it was over budget.
    """
    matches: list[dict[str, Any]] = []
    read = 0
    introduced = False
    for window in windows(data):
        read += len(window.data)
        if read > config.max_header_bytes:
            return [*matches, over_budget(window.lines_before + 1)]
        key = hashlib.sha1(window.data, usedforsecurity=False).digest()
        if key not in known:
            if len(known) >= _KNOWN_WINDOWS:
                known.clear()
            known[key] = scan({"text": window.data.decode("utf-8", "replace"), "mode": "exact"})["matches"]
        found = _after_introduction(known[key]) if introduced else known[key]
        for match in found:
            lines = {name: match[name] + window.lines_before for name in ("start_line", "end_line")}
            matches.append(match | lines)
        introduced = found[-1]["kind"] == "intro" if found else introduced
    return matches


def _after_introduction(matches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The matches of a window after one that ends in an introduction ("under one of these licences:").

    ScanCode's detection takes what follows an introduction together with it, however far away it is, and lets bare
    words count there which it takes for chance alone.
    """
    changed = list(matches)
    for place, match in enumerate(matches):
        near = place == 0 or match["start_line"] <= matches[place - 1]["end_line"] + _GROUP_LINES
        if match["kind"] != "clue" or not near:
            break
        changed[place] = match | {"kind": "reference"}
    return changed


def over_budget(line: int) -> dict[str, Any]:
    """A match that says that a text was not read from a line on: no policy calls that permissive."""
    return {
        "spdx": OVER_BUDGET,
        "kind": "text",
        "rule": "over_budget",
        "matcher": "none",
        "score": 0.0,
        "start_line": line,
        "end_line": line,
    }
