"""Verdicts: path and header under both modes, contested copies, header evidence."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.stages.license import policy
from pipeline.stages.license.config import LicenseConfig, Mode
from pipeline.stages.license.decide import AtPath, contest, is_contested, verdict
from pipeline.stages.license.evidence import combine, fact_of_scan, header_evidence
from pipeline.stages.license.expression import parse
from pipeline.stages.license.policy import LicenseType

POLICY = policy.load("permissive-2")
GPL = "GPL-2.0-or-later"
SEE = "unknown-license-reference"


@pytest.mark.parametrize(
    ("path", "headers", "strict", "standard"),
    [
        (None, [], "no_license no_license", "no_license no_license"),
        ("MIT", [], "permissive path_permissive", "permissive path_permissive"),
        (GPL, [], "non_permissive path_non_permissive", "non_permissive path_non_permissive"),
        ("Ruby", [], "contested path_contested", "contested path_contested"),
        (
            "other-permissive",
            [],
            "permissive_weak path_permissive_weak",
            "permissive_weak path_permissive_weak",
        ),
        (SEE, [], "no_license no_license", "no_license no_license"),
        (None, ["MIT"], "permissive header_permissive", "permissive header_permissive"),
        (SEE, ["MIT"], "permissive header_permissive", "permissive header_permissive"),
        (None, [GPL], "non_permissive header_veto", "non_permissive header_veto"),
        ("MIT", [GPL], "non_permissive header_veto", "non_permissive header_veto"),
        ("MIT", ["ISC", GPL], "non_permissive header_veto", "non_permissive header_veto"),
        ("MIT", [f"MIT OR {GPL}"], "permissive path_permissive", "permissive header_permissive"),
        ("MIT", ["Apache-2.0"], "permissive path_permissive", "permissive header_permissive"),
        (GPL, ["MIT"], "non_permissive path_non_permissive", "permissive header_permissive"),
        (GPL, ["Ruby"], "non_permissive path_non_permissive", "contested header_contested"),
        ("MIT", ["Ruby"], "contested header_contested", "contested header_contested"),
        ("MIT", ["unknown-spdx"], "non_permissive header_veto", "non_permissive header_veto"),
        ("MIT", [SEE], "permissive path_permissive", "permissive path_permissive"),
        (
            GPL,
            [SEE, "warranty-disclaimer"],
            "non_permissive path_non_permissive",
            "non_permissive path_non_permissive",
        ),
        (None, [SEE], "no_license no_license", "no_license no_license"),
    ],
)
def test_the_table(path: str | None, headers: list[str], strict: str, standard: str) -> None:
    expression = at(path)
    modes: list[tuple[Mode, str]] = [("strict", strict), ("standard", standard)]
    for mode, expected in modes:
        found = verdict(expression, [parse(h) for h in headers], POLICY, mode)
        assert f"{found.license_type} {found.rule}" == expected
        assert found.reason
        assert POLICY.classify(found.expression) == found.license_type


def at(path: str | None) -> AtPath:
    expression = None if path is None else parse(path)
    return AtPath(expression, expression)


def test_the_expression_joins_what_decides() -> None:
    assert str(verdict(at("MIT"), [parse("Apache-2.0")], POLICY, "strict").expression) == "Apache-2.0 AND MIT"
    assert str(verdict(at("MIT"), [parse("Apache-2.0")], POLICY, "standard").expression) == "Apache-2.0"
    assert str(verdict(at("MIT OR Apache-2.0"), [parse("MIT")], POLICY, "strict").expression) == "MIT"


def test_a_weak_path_does_not_weaken_a_header() -> None:
    weak = at("other-permissive")
    assert verdict(weak, [parse("MIT")], POLICY, "strict").rule == "header_permissive"
    assert verdict(weak, [parse("other-permissive")], POLICY, "strict").license_type == "permissive_weak"


def test_a_file_that_speaks_goes_before_a_licence_that_defers_to_it() -> None:
    deferring = AtPath(parse(GPL), None)
    assert verdict(deferring, [parse("MIT")], POLICY, "strict").license_type == "permissive"
    assert verdict(deferring, [], POLICY, "strict").license_type == "non_permissive"
    assert (
        verdict(AtPath(parse(GPL), parse("GPL-2.0-only")), [parse("MIT")], POLICY, "strict").rule
        == "path_non_permissive"
    )


@pytest.mark.parametrize("mode", ["strict", "standard"])
def test_a_generators_permission_is_no_word_about_the_source(mode: Mode) -> None:
    def of(path: str | None, header: str) -> str:
        return verdict(at(path), [parse(header)], POLICY, mode, own_word="generator").rule

    assert of(GPL, "FSFULLRWD") == "path_non_permissive"
    assert of("MIT", "FSFULLRWD") == "path_permissive"
    assert of(None, "FSFULLRWD") == "generator_permission"
    assert of(None, "MIT") == "header_permissive"
    assert verdict(at(GPL), [parse("FSFULLRWD")], POLICY, "standard").rule == "header_permissive"


def test_a_licence_text_is_about_other_files() -> None:
    deferring = AtPath(parse(f"CC0-1.0 AND {GPL}"), None)
    for mode in ("strict", "standard"):
        found = verdict(deferring, [parse("CC0-1.0")], POLICY, mode, own_word="license_text")
        assert found.rule == "path_non_permissive"
    assert verdict(at(None), [parse("MIT")], POLICY, "strict", own_word="license_text").rule == "header_permissive"


@pytest.mark.parametrize(
    ("headers", "types", "contested"),
    [
        ([], [LicenseType.PERMISSIVE, LicenseType.NON_PERMISSIVE], True),
        ([SEE], [LicenseType.PERMISSIVE, LicenseType.NON_PERMISSIVE], True),
        (["MIT"], [LicenseType.PERMISSIVE, LicenseType.NON_PERMISSIVE], False),
        ([], [LicenseType.PERMISSIVE, LicenseType.NO_LICENSE, LicenseType.CONTESTED], False),
        ([], [], False),
    ],
)
def test_contested_copies(headers: list[str], types: list[LicenseType], contested: bool) -> None:
    assert is_contested([parse(h) for h in headers], types) is contested


@pytest.mark.parametrize(
    ("path", "license_type", "rule"),
    [
        ("MIT", "contested", "contested_by_copy"),
        ("other-permissive", "contested", "contested_by_copy"),
        (GPL, "non_permissive", "path_non_permissive"),
        (None, "no_license", "no_license"),
    ],
)
def test_only_what_was_permissive_becomes_contested(path: str | None, license_type: str, rule: str) -> None:
    found = contest(verdict(at(path), [], POLICY, "strict"))
    assert (found.license_type, found.rule) == (license_type, rule)


def match(spdx: str, kind: str = "notice", score: float = 100.0, line: int = 1) -> dict[str, Any]:
    return {
        "expression": spdx.lower(),
        "spdx": spdx,
        "rule": f"{spdx}_{line}.RULE",
        "matcher": "2-aho",
        "score": score,
        "coverage": 100.0,
        "start_line": line,
        "end_line": line,
        "kind": kind,
    }


def test_header_evidence_keeps_what_states_a_licence() -> None:
    see = "LicenseRef-scancode-unknown-license-reference"
    stating = [
        match("MIT", line=3),
        match("MIT", score=90, line=1),
        match("GPL-2.0-only", "clue"),
        match("GPL-3.0-only", "mention"),
        match("Apache-2.0"),
        match(see, "reference"),
        match("LicenseRef-scancode-other-permissive", "tag"),
    ]
    rows = header_evidence(fact_of_scan(b"\1" * 20, stating))
    assert [(r.expression, r.score, r.start_line, r.source, r.path) for r in rows] == [
        ("Apache-2.0", 100.0, 1, "header", None),
        ("MIT", 100.0, 3, "header", None),
    ]
    assert str(combine(rows)) == "Apache-2.0 AND MIT"
    assert header_evidence(fact_of_scan(b"\1" * 20, [match(see, "reference")])) == []


def test_budgets_are_by_bytes() -> None:
    config = LicenseConfig(max_license_bytes=10, max_header_bytes=8)
    assert [config.depth_for(n) for n in (0, 10, 11)] == ["full", "full", "exact"]
    assert config.excerpt(b"abc\ndef\nghi\n") == b"abc\ndef\n"
    assert config.excerpt(b"abc\ndefgh\n") == b"abc\n"
    assert config.excerpt(b"abcdefghijk") == b"abcdefgh"
    assert config.excerpt(b"abc\n") == b"abc\n"
