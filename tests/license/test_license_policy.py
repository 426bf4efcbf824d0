"""Policies: the shipped one at its borders, the evaluation of trees, broken files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.stages.license import policy, table
from pipeline.stages.license.expression import parse
from pipeline.stages.license.policy import LicenseType, Policy, Rule, load

SHIPPED = policy.load("permissive-2")


@pytest.mark.parametrize(
    ("text", "license_type"),
    [
        ("MIT", "permissive"),
        ("0BSD", "permissive"),
        ("BSD-2-Clause-NetBSD", "permissive"),
        ("Apache-2.0 WITH LLVM-exception", "permissive"),
        ("public-domain", "permissive"),
        ("CC0-1.0", "permissive"),
        ("boost-original", "permissive"),
        ("other-permissive", "permissive_weak"),
        ("Artistic-2.0", "contested"),
        ("Ruby", "contested"),
        ("CC-BY-4.0", "non_permissive"),
        ("JSON", "non_permissive"),
        ("OFL-1.1", "non_permissive"),
        ("MPL-2.0", "non_permissive"),
        ("LGPL-2.1-or-later", "non_permissive"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "non_permissive"),
        ("proprietary-license", "non_permissive"),
        ("unknown-spdx", "non_permissive"),
        ("LicenseRef-Acme", "non_permissive"),
        ("unknown-license-reference", "no_license"),
        ("llvm-exception", "no_license"),
        ("classpath-exception-2.0", "non_permissive"),
        ("unknown-license-reference AND warranty-disclaimer", "no_license"),
        ("MIT AND unknown-license-reference", "permissive"),
        ("GPL-2.0-only OR unknown-license-reference", "non_permissive"),
        ("MIT OR GPL-2.0-only", "permissive"),
        ("MIT AND GPL-2.0-only", "non_permissive"),
        ("MIT AND (GPL-2.0-only OR Apache-2.0)", "permissive"),
        ("(MIT AND GPL-2.0-only) OR (MIT AND LGPL-2.1-only)", "non_permissive"),
        ("(MIT AND GPL-2.0-only) OR other-permissive", "permissive_weak"),
        ("MIT AND Artistic-2.0", "contested"),
        ("GPL-2.0-only OR Artistic-2.0", "contested"),
        ("MIT AND other-permissive", "permissive_weak"),
    ],
)
def test_the_shipped_policy(text: str, license_type: str) -> None:
    assert SHIPPED.classify(parse(text)) == license_type


def test_no_expression_is_no_license() -> None:
    assert SHIPPED.classify(None) is LicenseType.NO_LICENSE


def test_no_copyleft_or_proprietary_licence_is_permissive() -> None:
    for rule in SHIPPED.rules:
        if rule.verdict in ("permissive", "permissive_weak"):
            for spdx in rule.ids:
                entry = table.by_id(spdx)
                assert entry, spdx
                assert entry.category in ("Permissive", "Public Domain"), spdx


def test_neutral_is_what_the_table_calls_silent() -> None:
    neutral = {spdx for rule in SHIPPED.rules if rule.verdict == "neutral" for spdx in rule.ids}
    silent = {e.spdx for e in table.licenses() if e.is_silent and not e.replaced_by}
    assert neutral == silent


@given(st.permutations(range(3)))
def test_the_digest_is_about_the_meaning(order: list[int]) -> None:
    rules = [
        Rule(verdict="permissive", source="a", ids=("MIT", "ISC")),
        Rule(verdict="permissive", source="b", ids=("Apache-2.0",)),
        Rule(verdict="contested", source="c", ids=("Ruby",)),
    ]
    base = Policy(name="p", version=1, rules=tuple(rules))
    assert Policy(name="p", version=1, rules=tuple(rules[i] for i in order)).digest == base.digest
    moved = [rules[0], rules[1], Rule(verdict="permissive", source="c", ids=("Ruby",))]
    assert Policy(name="p", version=1, rules=tuple(moved)).digest != base.digest
    assert Policy(name="p", version=2, rules=tuple(rules)).digest != base.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "not a policy file"),
        ('name = "x"\nversion = 0\nrules = []', "version"),
        ('name = "x"\nversion = 1\nrules = []\nextra = 1', "extra"),
        ('name = "x"\nversion = 1\n[[rules]]\nverdict = "fine"\nsource = "s"\nids = []', "verdict"),
        (
            'name = "x"\nversion = 1\n[[rules]]\nverdict = "permissive"\nsource = "s"\nids = ["mit"]',
            "must be written 'MIT'",
        ),
        (
            'name = "x"\nversion = 1\n[[rules]]\nverdict = "permissive"\nsource = "s"\nids = ["MIT", "MIT"]',
            "stands under",
        ),
    ],
)
def test_a_broken_policy_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        policy.load(str(path))


def test_a_missing_policy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        policy.load(str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="permissive-2"):
        policy.load("permisive-1")


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("MIT", "MIT"),
        ("GPL-2.0-only OR MIT", "MIT"),
        ("MIT OR Apache-2.0", "Apache-2.0"),
        ("ISC AND (GPL-2.0-only OR MIT)", "ISC AND MIT"),
        ("(GPL-3.0-only AND MIT) OR ISC", "ISC"),
        ("GPL-3.0-only OR (LGPL-2.1-only AND MIT)", "GPL-3.0-only"),
        ("LicenseRef-scancode-unknown-license-reference OR GPL-2.0-only", "GPL-2.0-only"),
        ("LicenseRef-scancode-unknown-license-reference OR LicenseRef-scancode-warranty-disclaimer",
         "LicenseRef-scancode-unknown-license-reference"),
    ],
)  # fmt: skip
def test_the_branch_taken(expression: str, chosen: str) -> None:
    policy = load("permissive-2")
    assert str(policy.choose(parse(expression))) == chosen
    assert policy.classify(parse(chosen)) is policy.classify(parse(expression))
