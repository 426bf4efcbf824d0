"""Expressions: grammar, canonical form, ScanCode's keys."""

from __future__ import annotations

import pytest

from pipeline.stages.license import table
from pipeline.stages.license.expression import (
    ExpressionError,
    all_of,
    any_of,
    leaves,
    parse,
    spdx_ids,
    states_license,
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("mit", "MIT"),
        ("bsd-new", "BSD-3-Clause"),
        ("(MIT)", "MIT"),
        ("MIT or apache-2.0", "Apache-2.0 OR MIT"),
        ("MIT AND MIT", "MIT"),
        ("MIT OR (Apache-2.0 OR MIT)", "Apache-2.0 OR MIT"),
        ("MIT AND Apache-2.0 OR ISC", "(Apache-2.0 AND MIT) OR ISC"),
        ("MIT AND (Apache-2.0 OR ISC)", "(Apache-2.0 OR ISC) AND MIT"),
        ("MIT AND (MIT OR GPL-2.0-only)", "MIT"),
        ("MIT OR (MIT AND GPL-2.0-only)", "MIT"),
        ("GPL-2.0", "GPL-2.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("gpl-2.0-plus WITH classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0"),
        ("Apache-2.0+", "Apache-2.0"),
        ("public-domain", "LicenseRef-scancode-public-domain"),
        ("LicenseRef-scancode-public-domain", "LicenseRef-scancode-public-domain"),
        ("LicenseRef-Acme OR MIT", "LicenseRef-Acme OR MIT"),
        ("see-license", "LicenseRef-scancode-see-license"),
        ("wxWindows", "LGPL-2.0-or-later WITH WxWindows-exception-3.1"),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MIT AND",
        "OR",
        "(MIT",
        "MIT)",
        "MIT Apache-2.0",
        "MIT/Apache-2.0",
        "NoSuchLicense",
        "MIT WITH",
        "(MIT OR ISC) WITH x",
        "MIT WITH nothing-known",
        "é",
        "(" * 100 + "MIT" + ")" * 100,
    ],
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ExpressionError, match="not a licence expression"):
        parse(text)


def test_a_silent_operand_absorbs_nothing() -> None:
    assert spdx_ids(parse("unknown-license-reference AND (unknown-license-reference OR GPL-2.0-only)")) == [
        "GPL-2.0-only",
        "LicenseRef-scancode-unknown-license-reference",
    ]


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("MIT", True),
        ("unknown-license-reference", False),
        ("unknown-license-reference AND MIT", True),
        ("warranty-disclaimer AND dco-1.1", False),
        ("unknown-spdx", True),
        ("no-license", True),
        ("LicenseRef-Acme", True),
    ],
)
def test_states_license(text: str, states: bool) -> None:
    assert states_license(parse(text)) is states


def test_every_key_of_the_table_is_read_and_written_stably() -> None:
    for entry in table.licenses():
        tree = parse(entry.key)
        assert parse(str(tree)) == tree, entry.key
        assert all(table.by_id(leaf.spdx) for leaf in leaves(tree)), entry.key


def test_license_expression_reads_what_is_written() -> None:
    from license_expression import get_spdx_licensing

    licensing = get_spdx_licensing()
    for text in (
        "MIT AND (Apache-2.0 OR ISC)",
        "GPL-2.0-or-later WITH Classpath-exception-2.0 OR BSD-3-Clause",
    ):
        theirs = licensing.parse(text, validate=True)
        assert licensing.is_equivalent(theirs, licensing.parse(str(parse(text)), validate=True))


def test_nothing_joined_is_none() -> None:
    assert all_of([]) is None
    assert any_of([]) is None
