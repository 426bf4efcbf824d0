"""What manifests declare: tables of small manifests, and bytes that are none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.license import names
from pipeline.stages.license.manifests import NOT_UNDERSTOOD, Declared, declared
from pipeline.stages.license.spellings import normalise

CORE = [
    ("License-Expression: MIT OR Apache-2.0\nLicense: GPL\n", "Apache-2.0 OR MIT"),
    ("License: MIT\n", "MIT"),
    ("License: Apache License, Version 2.0\n", "Apache-2.0"),
    ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n", "MIT"),
    ("Classifier: License :: OSI Approved :: BSD License\nClassifier: Topic :: Text\n", "BSD-3-Clause"),
    ("Classifier: License :: OSI Approved\n", None),
    ("Classifier: License :: Other/Proprietary License\n", "LicenseRef-scancode-proprietary-license"),
    (
        "Classifier: License :: OSI Approved :: MIT License\n"
        "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)\n",
        "GPL-3.0-only AND MIT",
    ),
    (
        "License: MIT\nClassifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)\n",
        "GPL-3.0-only AND MIT",
    ),
    ("License: BSD-2-Clause\nClassifier: License :: OSI Approved :: BSD License\n", "BSD-2-Clause"),
    (
        "License: LGPL-2.1-or-later\nClassifier: License :: OSI Approved :: "
        "GNU Library or Lesser General Public License (LGPL)\n",
        "LGPL-2.1-or-later",
    ),
    ("License: Copyright (c) X\n        Permission is hereby granted\nName: x\n", None),
    ("Name: x\n\nLicense: GPL-3.0-only\n", None),  # in the description
    ("Name: x\n  License: GPL-3.0-only\n", None),  # a folded line of another field
    ("\ufeffLicense: MIT\r\n", "MIT"),
    ("License: see LICENSE file\n", None),
    ("License: Dual License\n", None),
    ("", None),
]


def expression(kind: str, text: str) -> str | None:
    found = declared(kind, text.encode())
    return None if found.expression is None else str(found.expression)


@pytest.mark.parametrize(("text", "expected"), CORE)
@pytest.mark.parametrize("kind", [names.PKG_INFO, names.WHEEL])
def test_core_metadata(kind: str, text: str, expected: str | None) -> None:
    assert expression(kind, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[project]\nlicense = "MIT OR Apache-2.0"', "Apache-2.0 OR MIT"),
        ('[project]\nlicense = {text = "BSD 3-Clause"}', "BSD-3-Clause"),
        ('[project]\nlicense = {file = "LICENSE"}', None),
        (
            '[project]\nlicense = {file = "LICENSE"}\nclassifiers = ["License :: OSI Approved :: MIT License"]',
            "MIT",
        ),
        ('[tool.poetry]\nlicense = "MPL-2.0"', "MPL-2.0"),
        ('[tool.flit.metadata]\nclassifiers = ["License :: OSI Approved :: MIT License"]', "MIT"),
        ("[project]\nlicense = 3", None),
        ('project = "x"', None),
        ("[project", None),
    ],
)
def test_pyproject(text: str, expected: str | None) -> None:
    assert expression(names.PYPROJECT, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[metadata]\nlicense = MIT\n", "MIT"),
        ("[metadata]\nlicense = %(nothing)s\n", None),
        (
            "[metadata]\nclassifiers =\n    License :: OSI Approved :: MIT License\n    Topic :: Text\n",
            "MIT",
        ),
        ("[tool]\nlicense = MIT\n", None),
        ("license = MIT\n", None),
    ],
)
def test_setup_cfg(text: str, expected: str | None) -> None:
    assert expression(names.SETUP_CFG, text) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"license": "MIT"}, "MIT"),
        ({"license": "(MIT OR GPL-3.0)"}, "GPL-3.0-only OR MIT"),
        ({"license": {"type": "BSD-3-Clause", "url": "x"}}, "BSD-3-Clause"),
        ({"licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}]}, "GPL-2.0-only OR MIT"),
        ({"licenses": [{"type": "MIT"}, {"type": "mine"}]}, None),
        ({"license": "UNLICENSED"}, "LicenseRef-scancode-proprietary-license"),
        ({"license": "SEE LICENSE IN x.md"}, None),
        ({"license": 7}, None),
        ({}, None),
        ([1], None),
    ],
)
def test_package_json(document: object, expected: str | None) -> None:
    assert expression(names.PACKAGE_JSON, json.dumps(document)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[package]\nlicense = "MIT/Apache-2.0"', "Apache-2.0 OR MIT"),
        ('[package]\nlicense = "MIT OR Apache-2.0"', "Apache-2.0 OR MIT"),
        ('[package]\nlicense-file = "LICENSE"', None),
        ("[workspace]", None),
    ],
)
def test_cargo(text: str, expected: str | None) -> None:
    assert expression(names.CARGO, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The MIT License (MIT)", "MIT"),
        ("Apache 2.0", "Apache-2.0"),
        ("apache-2.0", "Apache-2.0"),
        ("GPL v2", "GPL-2.0-only"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("BSD or MIT", "BSD-3-Clause OR MIT"),
        ("BSD-like", None),
        ("unknown", None),
        ("unknown-license-reference", None),
        ("MIT or something else", None),
        ("MIT " * 100, None),
    ],
)
def test_spellings(text: str, expected: str | None) -> None:
    found = normalise(text)
    assert (None if found is None else str(found)) == expected


def test_a_reason_stands_where_nothing_is_declared() -> None:
    assert "points to a file" in str(declared(names.PACKAGE_JSON, b'{"license": "SEE LICENSE IN x"}').reason)
    assert "not understood" in str(declared(names.PKG_INFO, b"License: mine\n").reason)
    assert "broken" in str(declared(names.CARGO, b"[").reason)
    assert declared(names.PKG_INFO, b"Name: x\n").reason is None


@given(st.sampled_from(sorted(names.MANIFESTS)), st.one_of(st.binary(), st.text().map(str.encode)))
def test_any_bytes_are_read_and_stored(kind: str, data: bytes) -> None:
    found = declared(kind, data)
    assert Declared.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize("kind", sorted(names.MANIFESTS))
def test_deep_nesting_is_a_broken_manifest(kind: str) -> None:
    data = b"x = " + b"[" * 100_000 if kind in (names.PYPROJECT, names.CARGO) else b'{"license":' + b"[" * 100_000
    assert declared(kind, data).expression is None


@pytest.mark.parametrize(
    ("kind", "text", "expression"),
    [
        (names.SETUP_PY, "from setuptools import setup\nsetup(name='x', license='MIT')\n", "MIT"),
        (names.SETUP_PY, "import x\nx.setup(classifiers=['License :: OSI Approved :: ISC License (ISCL)'])", "ISC"),
        (names.SETUP_PY, "setup(license=open('LICENSE').read())", None),
        (names.SETUP_PY, "def (:\n", None),
        (names.SETUP_PY, "setup(name='\\d')", None),
        (names.POM, "<licenses><license><name>Apache License, Version 2.0</name></license></licenses>", "Apache-2.0"),
        (
            names.POM,
            "<licenses><license><name>MIT</name></license><license><name>EPL-2.0</name></license></licenses>",
            "EPL-2.0 AND MIT",
        ),
        (names.POM, "<licenses><license><name>Our own</name></license></licenses>", None),
        (names.GEMSPEC, "Gem::Specification.new do |s|\n  s.licenses = ['MIT', 'GPL-2.0']\nend", "GPL-2.0-only OR MIT"),
        (names.GEMSPEC, "  spec.license = %w[BSD-2-Clause]\n", "BSD-2-Clause"),
        (names.PODSPEC, "  s.license = { :type => 'Apache-2.0', :file => 'LICENSE' }\n", "Apache-2.0"),
        (names.COMPOSER, '{"license": ["LGPL-2.1-only", "GPL-3.0-or-later"]}', "GPL-3.0-or-later OR LGPL-2.1-only"),
        (names.COMPOSER, "[]", None),
        (names.CABAL, "name: x\nlicense:  BSD3\nlicense-file: LICENSE\n", "BSD-3-Clause"),
        (names.HPACK, 'license: "MIT"\n', "MIT"),
        (names.R_DESCRIPTION, "Package: x\nLicense: GPL (>= 2) | file LICENSE\n", "GPL-2.0-or-later"),
        (names.R_DESCRIPTION, "Package: x\nLicense: MIT + file LICENSE\n", "MIT"),
        (names.R_DESCRIPTION, "License: MIT\n", None),
        (names.NUSPEC, '<license type="expression">MIT OR Apache-2.0</license>', "Apache-2.0 OR MIT"),
        (names.NUSPEC, '<license type="file">LICENSE</license>', None),
        (names.CPAN_JSON, '{"license": ["perl_5"]}', "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        (names.CPAN_JSON, '{"license": ["unknown"]}', None),
        (names.OPAM, 'license: ["MIT" "BSD-3-Clause"]\n', "BSD-3-Clause AND MIT"),
        (names.OPAM, "maintainer: x\n", None),
        (names.BOWER, '{"license": "MIT"}', "MIT"),
    ],
)
def test_other_ecosystems(kind: str, text: str, expression: str | None) -> None:
    found = declared(kind, text.encode()).expression
    assert (None if found is None else str(found)) == expression


@pytest.mark.parametrize(
    ("kind", "text", "path"),
    [
        (names.PACKAGE_JSON, '{"license": "SEE LICENSE IN ../ee/LICENSE"}', "../ee/LICENSE"),
        (names.PACKAGE_JSON, '{"license": "see license in <LICENSE.txt>"}', "LICENSE.txt"),
        (names.CARGO, '[package]\nlicense-file = "../LICENSE"\n', "../LICENSE"),
        (names.NUSPEC, '<license type="file">terms/LICENSE</license>', "terms/LICENSE"),
        (names.CARGO, '[package]\nlicense = "MIT"\nlicense-file = "x"\n', None),
        (names.PACKAGE_JSON, '{"license": "see LICENSE"}', None),
    ],
)
def test_what_points_to_a_file(kind: str, text: str, path: str | None) -> None:
    found = declared(kind, text.encode())
    assert found.points_to == path
    assert Declared.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    "text",
    ["MIT, GPL", "Our commercial licence", "Proprietary to us", "A Source-Available License", "GPL or so"],
)
def test_what_is_not_understood_and_forbids(text: str) -> None:
    assert str(declared(names.PACKAGE_JSON, json.dumps({"license": text}).encode()).expression) == NOT_UNDERSTOOD
    listed = json.dumps({"license": ["MIT", text]}).encode()
    assert str(declared(names.COMPOSER, listed).expression) == NOT_UNDERSTOOD


@pytest.mark.parametrize(
    "text", ["my own", "BSD, GPL-compatible", "BSD; All rights reserved", "free for commercial use"]
)
def test_what_is_not_understood_and_forbids_nothing(text: str) -> None:
    assert declared(names.PACKAGE_JSON, json.dumps({"license": text}).encode()).expression is None
