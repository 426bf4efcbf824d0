"""The Stack v2's rules as a mode: ids instead of expressions, the union of all folders above, the repository first."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.stages.license import modes, names
from pipeline.stages.license.decide import AtPath, verdict
from pipeline.stages.license.evidence import Fact, Finding
from pipeline.stages.license.expression import parse
from pipeline.stages.license.policy import load
from pipeline.stages.license.stack_v2 import UNKNOWN, fact_of_scan, license_type

POINTER = "LicenseRef-scancode-unknown-license-reference"
DISCLAIMER = "LicenseRef-scancode-warranty-disclaimer"


def fact(path: str, *expressions: str) -> Fact:
    findings = tuple(Finding(parse(e), "a.RULE", "2-aho", 100.0, 1, 2) for e in expressions)
    return Fact(path.encode().ljust(20, b"\0")[:20], findings)


def judged(path: str, texts: dict[str, tuple[str, ...]], declared: str | None = None) -> tuple[str, str | None]:
    """Verdict and expression at a path, from what the licence files state."""
    facts = {name.encode(): fact(name, *stated) for name, stated in texts.items()}
    found = modes.resolve("stack-v2", [path.encode(), *facts], facts, declared)
    rows = [row for row in found.evidence if row.evidence_id == found.evidence_ids[0]]
    decided = verdict(AtPath.of(rows), [parse("GPL-3.0-only")], load("permissive-2"), "stack-v2")
    return str(decided.license_type), str(decided.expression) if decided.expression else None


@pytest.mark.parametrize(
    ("about", "path", "texts", "declared", "expected"),
    [
        ("the union of all above", "a/b.c", {"LICENSE": ("MIT",), "a/COPYING": ("ISC",)}, None, "ISC AND MIT"),
        ("above, not below", "a.c", {"LICENSE": ("MIT",), "a/COPYING": ("GPL-2.0-only",)}, None, "MIT"),
        ("a repository's id decides alone", "a/b.c", {"a/COPYING": ("GPL-2.0-only",)}, "mit", "MIT"),
        ("README counts", "b.c", {"README.md": ("MIT",)}, None, "MIT"),
        ("so does mit.c", "b.c", {"mit.c": ("MIT",)}, None, "MIT"),
        ("pointers are forgiven", "b.c", {"README": ("MIT", POINTER)}, None, f"{POINTER} AND MIT"),
        ("NOASSERTION leaves it to the files", "b.c", {"LICENSE": ("MIT",)}, "NOASSERTION", "MIT"),
        ("neutral ids", "b.c", {"LICENSE": ("MIT", DISCLAIMER)}, None, f"{DISCLAIMER} AND MIT"),
    ],
)  # fmt: skip
def test_permissive(
    about: str, path: str, texts: dict[str, tuple[str, ...]], declared: str | None, expected: str
) -> None:
    found, expression = judged(path, texts, declared)
    assert (found, set((expression or "").split(" AND "))) == ("permissive", set(expected.split(" AND "))), about


@pytest.mark.parametrize(
    ("about", "path", "texts", "declared", "expected"),
    [
        ("a choice is lost", "b.c", {"LICENSE": ("MIT OR GPL-2.0-only",)}, None, "non_permissive"),
        ("files that are a choice, too", "b.c", {"LICENSE-MIT": ("MIT",), "LICENSE-GPL": ("GPL-2.0-only",)}, None,
         "non_permissive"),
        ("an exception is an id", "b.c", {"LICENSE": ("Apache-2.0 WITH LLVM-exception",)}, None, "non_permissive"),
        ("a repository's id forbids", "b.c", {"LICENSE": ("MIT",)}, "GPL-2.0", "non_permissive"),
        ("an id that nobody knows", "b.c", {"LICENSE": ("MIT",)}, "my own", "non_permissive"),
        ("NOASSERTION and nothing found", "b.c", {}, "NOASSERTION", "non_permissive"),
        ("only a pointer", "b.c", {"README": (POINTER,)}, None, "non_permissive"),
        ("neutral ids alone", "b.c", {"LICENSE": (DISCLAIMER,)}, None, "no_license"),
        ("nothing, whatever the header says", "b.c", {}, None, "no_license"),
        ("package.json is not asked", "b.c", {"package.json": ("MIT",)}, None, "no_license"),
    ],
)  # fmt: skip
def test_not_permissive(
    about: str, path: str, texts: dict[str, tuple[str, ...]], declared: str | None, expected: str
) -> None:
    assert judged(path, texts, declared)[0] == expected, about


def test_a_name_that_is_known_to_one_mode_only() -> None:
    assert modes.kind_of("stack-v2", b"license.py") == modes.kind_of("strict", b"LICENSE") == names.LICENSE
    assert modes.kind_of("strict", b"license.py") is modes.kind_of("stack-v2", b"Cargo.toml") is None


def test_every_id_of_a_text_counts() -> None:
    matches = [
        {"spdx": spdx, "kind": kind, "rule": "r", "matcher": "m", "score": 90, "start_line": 1, "end_line": 2}
        for spdx, kind in (("MIT", "text"), (POINTER, "reference"), ("GPL-2.0-only", "mention"), ("ISC", "clue"))
    ]
    found = fact_of_scan(b"\1" * 20, matches)
    assert [str(finding.expression) for finding in found.findings] == ["GPL-2.0-only", POINTER, "MIT"]


def test_facts_of_other_modes_are_flattened_once() -> None:
    """So that an audit, which has the rows alone, finds the same sets."""
    texts = {b"LICENSE": fact("LICENSE", "MIT OR (Apache-2.0 AND ISC)"), b"a/COPYING": fact("a", "MIT")}
    first = modes.resolve("stack-v2", [b"a/b.c"], texts, None)
    again = {
        path: Fact(texts[path].blob, tuple(
            Finding(parse(row.expression), row.rule, row.matcher, row.score, row.start_line, row.end_line)
            for row in first.evidence if row.path == path
        ))
        for path in texts
    }  # fmt: skip
    assert modes.resolve("stack-v2", [b"a/b.c"], again, None) == first


def test_what_no_policy_lists() -> None:
    assert license_type([UNKNOWN], load("permissive-2").digest.__contains__) == "non_permissive"


def test_the_shipped_configuration() -> None:
    config = load_config(Path(__file__).resolve().parents[2] / "configs/stack-v2.toml")
    assert (config.license.mode, config.near.profile) == ("stack-v2", "stack-v2")
    assert config.license.keep == ("permissive", "no_license")
