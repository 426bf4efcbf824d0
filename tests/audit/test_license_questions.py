"""Asking a release about its licences: another policy, another outbound licence, what to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.audit.compatibility import answer_of, compatibility, compatibility_text
from pipeline.audit.reviewing import for_review
from pipeline.audit.what_if import stored_in, what_if, what_if_text
from pipeline.errors import ConfigError
from pipeline.stages.license.expression import parse
from pipeline.stages.license.policy import load, read
from tests.cli.invoking import invoke

MATRIX = {"MIT": {"MIT": "Same", "BSD-3-Clause": "Yes", "GPL-2.0-only": "No", "LGPL-2.1-only": "Check dependency"}}


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("MIT", "yes"),
        ("BSD-3-Clause", "yes"),
        ("LGPL-2.1-only", "check"),
        ("GPL-2.0-only", "no"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "no"),
        ("Zlib", "unknown"),
        ("MIT AND Zlib", "unknown"),
        ("GPL-2.0-only OR MIT", "yes"),
        ("GPL-2.0-only AND (MIT OR Zlib)", "no"),
    ],
)
def test_an_expression_in_the_matrix(expression: str, answer: str) -> None:
    assert answer_of(parse(expression), "MIT", MATRIX) == answer


def test_a_release_in_the_matrix(tiny_release: Path) -> None:
    found = compatibility(tiny_release, "GPL-3.0-or-later")
    assert found.files["yes"] > 0
    assert sum(found.files.values()) == sum(sum(counts.values()) for counts in found.expressions.values())
    assert "no legal advice" in compatibility_text(found)
    with pytest.raises(ConfigError, match=r"--outbound Mine: the matrix does not know this licence; it knows .*MIT"):
        compatibility(tiny_release, "Mine")


def test_the_same_policy_changes_nothing(tiny_release: Path) -> None:
    found = what_if(stored_in(tiny_release), load("permissive-2"))
    assert found.changes == {}
    assert found.files > 0
    assert found.kept_now == found.kept_then > 0
    assert what_if_text(found).endswith("no verdict changes")


def test_a_policy_of_nothing_forbids_all(tiny_release: Path, tmp_path: Path) -> None:
    file = tmp_path / "none.toml"
    file.write_text('name = "none"\nversion = 1\nrules = []\n', "utf-8")
    found = what_if(stored_in(tiny_release), read(file))
    assert found.kept_then == 0
    assert found.changes["permissive", "non_permissive"].files == found.kept_now
    assert "permissive -> non_permissive" in what_if_text(found)


def test_a_wider_policy_tells_what_was_never_read(tiny_release: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.toml"
    ids = '["MIT", "Apache-2.0", "GPL-3.0-only", "GPL-3.0-or-later", "GPL-1.0-or-later"]'
    file.write_text(
        f'name = "all"\nversion = 1\n[[rules]]\nverdict = "permissive"\nsource = "a test"\nids = {ids}\n', "utf-8"
    )
    found = what_if(stored_in(tiny_release), read(file))
    assert found.kept_then > found.kept_now
    assert found.unread > 0
    assert "only a run tells" in what_if_text(found)


def test_what_to_read(tiny_release: Path) -> None:
    found = for_review(tiny_release)
    order = ["contested", "over budget or unreadable", "several licences in one file", "low score", "far-reaching"]
    ranks = [(order.index(entry["why"]), -entry["files"]) for entry in found]
    assert ranks == sorted(ranks)
    by_subject = {entry["subject"]: entry for entry in found}
    assert len(by_subject) == len(found)
    assert any(s["expression"] == "MIT" for entry in found for s in entry["stated"])
    assert all(entry["files"] >= len(entry["examples"]) > 0 for entry in found)


def test_the_commands(tiny_release: Path, tmp_path: Path) -> None:
    assert "no verdict changes" in invoke("license", "what-if", "permissive-2", tiny_release).out
    assert json.loads(invoke("license", "what-if", "permissive-2", tiny_release, "--mode", "standard", "--json").out)[
        "files"
    ]
    assert "compatible" in invoke("license", "compat", tiny_release, "--outbound", "MIT").out
    assert json.loads(invoke("license", "compat", tiny_release, "--outbound", "MIT", "--json").out)["outbound"] == "MIT"
    exported = invoke("review", "export", tiny_release, "--limit", "2")
    assert len([json.loads(line) for line in exported.out.splitlines()]) == 2
    subject = json.loads(exported.out.splitlines()[0])["subject"]
    verdict = {"subject": subject, "expression": "MIT", "reviewer": "Ann", "date": "2026-01-02", "reason": "read"}
    given, kept = tmp_path / "given.jsonl", tmp_path / "kept.jsonl"
    given.write_text(
        json.dumps(verdict) + "\n" + json.dumps(verdict | {"reviewer": "Bob", "expression": "ISC"}), "utf-8"
    )
    assert "license.reviewers is not set" in invoke("review", "import", given, kept).err
    first = invoke("review", "import", given, kept, "--unsigned")
    assert (first.code, first.out.splitlines()[0]) == (0, f"2 reviews added to {kept}, 0 were there")
    assert "they agree on 0" in first.out
    assert f"they differ on {subject}" in first.out
    assert "Ann and Bob read 1 both: they agree on 0, Cohen's kappa 0.00" in first.out
    assert invoke("review", "import", given, kept, "--unsigned").out.startswith("0 reviews added")
    assert len(kept.read_text("utf-8").splitlines()) == 2


def test_what_is_owed(tiny_release: Path) -> None:
    lines = [json.loads(line) for line in invoke("license", "notice", tiny_release, "--json").out.splitlines()]
    assert {line["license_expression"] for line in lines} >= {"MIT"}
    assert any(line["copyright_holders"] == ["The tool authors"] for line in lines)
    assert any(line["license_texts"] for line in lines)
    text = invoke("license", "notice", tiny_release).out
    assert "Copyright 2024 The tool authors" in text
    assert all(name in text for line in lines for name in line["license_texts"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["license", "what-if", "none", "."], "no shipped policy is named 'none'"),
        (
            ["license", "what-if", "permissive-2", ".", "--mode", "lax"],
            "--mode lax: expected strict, standard or stack-v2",
        ),
        (["review", "import", "none.jsonl", "x", "--unsigned"], "none.jsonl cannot be read"),
        (["review", "sign", "none.jsonl", "--key", "x"], "none.jsonl cannot be read"),
    ],
)
def test_wrong_calls(arguments: list[str], said: str) -> None:
    result = invoke(*arguments)
    assert result.code == 2
    assert said in result.err
