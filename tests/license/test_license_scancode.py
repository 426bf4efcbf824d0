"""ScanCode as the service runs it. One load of the index (6-12 s, 1.1 GB) for all tests here."""

from __future__ import annotations

import base64
import importlib.util
import inspect
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages import license as license_stage
from pipeline.stages.license import candidates, policy, scancode
from pipeline.stages.license.evidence import fact_of_scan
from pipeline.stages.license.expression import parse

ROOT = Path(__file__).resolve().parents[2]

NOTICE = (
    "# Copyright 2020 Example\n"
    "# This program is free software; you can redistribute it and/or modify it under the\n"
    "# terms of the GNU General Public License as published by the Free Software Foundation; either\n"
    "# version 2 of the License, or (at your option) any later version.\nimport os\n"
)


@pytest.fixture(scope="module")
def index() -> Iterator[Any]:
    scancode.load()
    from licensedcode.cache import get_index

    yield get_index()
    candidates.uninstall()


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("# SPDX-License-Identifier: MIT OR GPL-2.0-only\n", "GPL-2.0-only OR MIT"),
        (NOTICE, "GPL-2.0-or-later"),
        ("/* Licensed under the Apache License, Version 2.0 */\n", "Apache-2.0"),
        ("# see the LICENSE file for the licence terms\n", None),
        ("x = 'gpl'\n", None),
        ("def f():\n    return 1\n", None),
        ("", None),
        ("\n \f\n", None),
        ("\0\udcff\u2028" * 50, None),
        ("a" * 200_000, None),
    ],
)
def test_headers_by_the_exact_stage(text: str, expression: str | None) -> None:
    found = fact_of_scan(b"\0" * 20, scancode.handle({"text": text, "mode": "exact"})["matches"]).expression
    assert (None if found is None else str(found)) == expression


@pytest.mark.usefixtures("index")
def test_an_altered_licence_text_needs_the_approximate_stage() -> None:
    text = (ROOT / "tests/license/altered-mit.txt").read_bytes()
    request = {"bytes": base64.b64encode(text).decode(), "mode": "full"}
    answer = scancode.handle(request)
    assert json.loads(json.dumps(answer)) == answer
    assert answer["version"] == scancode.VERSION
    assert str(fact_of_scan(b"\0" * 20, answer["matches"]).expression) == "MIT"
    assert "3-seq" in {match["matcher"] for match in answer["matches"]}


@pytest.mark.usefixtures("index")
def test_line_numbers_are_those_of_newlines() -> None:
    matches = scancode.scan("one\ftwo\u2028three\n# SPDX-License-Identifier: MIT\n", approximate=False)
    assert [(m["start_line"], m["end_line"]) for m in matches] == [(2, 2)]


@pytest.mark.usefixtures("index")
def test_a_wrong_request() -> None:
    with pytest.raises(ValueError, match="'full' or 'exact' was expected"):
        scancode.handle({"text": "x", "mode": "fast"})


def test_decode() -> None:
    assert scancode.decode("©".encode()) == "©"
    assert scancode.decode("©".encode("latin-1")) == "©"
    assert scancode.decode("\ufeff©".encode()) == "©"
    assert scancode.decode("©".encode("utf-16")) == "©"


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "version", lambda name: "99.0")
    with pytest.raises(candidates.UncheckedVersionError, match=r"99\.0"):
        candidates.install(None)


def test_the_pure_parts_import_no_scancode() -> None:
    code = (
        "import sys; "
        "from pipeline.stages.license import config, decide, evidence, gate, manifests, policy, resolve; "
        "policy.load('permissive-2').classify(manifests.normalise('MIT')); "
        "heavy = {'licensedcode', 'commoncode', 'license_expression', 'numba', 'pyarrow'}; "
        "sys.exit(bool(heavy & {m.split('.')[0] for m in sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_versions_name_what_decides() -> None:
    versions = license_stage.versions()
    assert versions["detector"] == scancode.VERSION
    assert candidates.CHECKED_VERSION in versions["detector"]
    assert len(versions["licenses"]) == 64


def identity(matches: list[Any]) -> list[tuple[Any, ...]]:
    return [(m.rule.identifier, m.matcher, m.start_line, m.end_line, m.score(), tuple(m.qspan)) for m in matches]


def differing(index: Any, texts: list[str]) -> list[str]:
    """The texts whose matches are not those of ScanCode as it ships."""
    different = []
    for text in texts:
        found = identity(index.match(query_string=text))
        candidates.uninstall()
        stock = identity(index.match(query_string=text))
        candidates.install(index)
        if found != stock:
            different.append(text)
    return different


def garbled(text: str, rng: random.Random) -> str:
    """A text without some of its words, so that only the approximate stage can match it."""
    return " ".join(word for word in text.split(" ") if rng.random() > 0.05)


def test_candidates_are_those_of_scancode_on_a_small_text(index: Any) -> None:
    text = (ROOT / "tests/license/altered-mit.txt").read_text()
    assert any(m.matcher == "3-seq" for m in index.match(query_string=text))
    assert differing(index, [text]) == []


@pytest.mark.oracle
def test_candidates_are_those_of_scancode(index: Any) -> None:
    rng = random.Random(20260101)
    by_key = {
        rule.identifier: rule for rule in index.rules_by_rid if rule.is_license_text and 500 < rule.length * 6 < 6000
    }
    licences = [garbled(by_key[key].text, rng) for key in rng.sample(sorted(by_key), 16)]
    library = sorted(Path(inspect.getfile(random)).parent.glob("*.py"))
    sources = [path.read_text(encoding="utf-8", errors="replace")[:8000] for path in rng.sample(library, 8)]
    mixed = [sources[0] + "\n" + licences[0] + "\n" + licences[1], licences[2] + "\n\n\n" + licences[3]]
    assert differing(index, licences + sources + mixed) == []


def script(name: str) -> ModuleType:
    loader = SourceFileLoader(name, str(ROOT / "scripts" / name))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.oracle
def test_the_table_is_what_scancode_holds() -> None:
    assert script("build_license_table").table() == script("build_license_table").TABLE.read_text(encoding="utf-8")


@pytest.mark.oracle
@pytest.mark.usefixtures("index")
def test_every_rule_of_scancode_has_an_expression_that_is_read(index: Any) -> None:
    shipped = policy.load("permissive-2")
    for rule in index.rules_by_rid:
        if rule.license_expression:
            shipped.classify(parse(rule.license_expression))


@given(st.lists(st.one_of(st.floats(0, 3), st.integers(0, 9_999).map(lambda n: n / 20))))
def test_shares_are_rounded_as_python_rounds_them(values: list[float]) -> None:
    assert candidates._rounded(np.array(values)).tolist() == [round(value, 1) for value in values]
