"""The table of docs/license-suite.md: each row is a small tree that is judged as a run judges it, by ScanCode."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.stages.license import modes, names, scancode
from pipeline.stages.license.config import LicenseConfig
from pipeline.stages.license.decide import AtPath, own_word_of, verdict
from pipeline.stages.license.evidence import Evidence, fact_of_scan, header_evidence
from pipeline.stages.license.evidence import combine as combined
from pipeline.stages.license.policy import LicenseType, load
from pipeline.stages.license.steps import scan_header, stated_by
from pipeline.swhid import content_id

TABLE = Path(__file__).resolve().parents[2] / "docs/license-suite.md"
CONFIG = LicenseConfig()
GPL = (
    "/* This program is free software; you can redistribute it and/or modify it under the terms of the\n"
    " * GNU General Public License as published by the Free Software Foundation; either version 2 of the License,\n"
    " * or (at your option) any later version. */\nint x;\n"
)
APACHE = (
    '# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in\n'
    "# compliance with the License. You may obtain a copy of the License at\n"
    "#\n#     http://www.apache.org/licenses/LICENSE-2.0\n"
)
AUTOMAKE = (
    "# This Makefile.in is free software; the Free Software Foundation\n"
    "# gives unlimited permission to copy and/or distribute it,\n"
    "# with or without modifications, as long as this notice is preserved.\n\n"
    "# This program is distributed in the hope that it will be useful,\n"
    "# but WITHOUT ANY WARRANTY, to the extent permitted by law; without\n"
    "# even the implied warranty of MERCHANTABILITY or FITNESS FOR A\n"
    "# PARTICULAR PURPOSE.\n"
)


class Row(NamedTuple):
    number: str
    about: str
    tree: str
    file: str
    expression: str
    verdict: str
    decided_by: str


def rows() -> list[Row]:
    lines = [line for line in TABLE.read_text("utf-8").splitlines() if re.match(r"\| \d", line)]
    cells = (re.split(r"(?<!\\)\|", line)[1:-1] for line in lines)
    return [Row(*(cell.strip().replace(r"\|", "|") for cell in row)) for row in cells]


def test_the_table_is_large_enough_and_numbered() -> None:
    table = rows()
    assert [int(row.number) for row in table] == list(range(1, len(table) + 1))
    assert len(table) >= 200
    assert len({(row.tree, row.file) for row in table}) == len(table)


@cache
def text_of(spdx: str) -> str:
    from licensedcode.cache import get_licenses_db

    (found,) = [entry for entry in get_licenses_db().values() if entry.spdx_license_key == spdx]
    return str(found.text)


def content_of(given: str) -> bytes:
    kind, _, rest = given.partition(" ")
    if given.startswith("'"):
        return given[1:-1].replace(r"\n", "\n").encode()
    if kind == "text":
        return text_of(rest).encode()
    made = {
        "tag": f"// SPDX-License-Identifier: {rest}\n",
        "notice": {"GPL-2.0-or-later": GPL, "Apache-2.0": APACHE}.get(rest, ""),
        "fsf": AUTOMAKE,
        "code": "int answer = 42;\n",
    }
    return made[kind].encode()


def files_of(tree: str) -> dict[str, bytes | str]:
    parts = re.findall(r"([^;:\s][^:;]*): ('(?:[^'])*'|[^;]*)(?:;|$)", tree)
    return {name: given if name == "declared" else content_of(given.strip()) for name, given in parts}


@pytest.fixture(scope="module")
def _loaded() -> None:
    scancode.load()


@pytest.mark.oracle
@pytest.mark.usefixtures("_loaded")
@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.number}-{row.about[:40]}")
def test_a_tree(row: Row) -> None:
    files = files_of(row.tree)
    declared = files.pop("declared", None)
    contents = {path.encode(): data for path, data in files.items() if isinstance(data, bytes)}
    facts = {}
    for path, data in contents.items():
        kind = names.kind_of(path)
        if kind is not None:
            stored = json.dumps(stated_by(kind, data, CONFIG, scancode.handle))
            facts[path] = modes.read_fact(CONFIG.mode, kind, content_id(data), stored)
    asked = row.file.encode()
    found = modes.resolve(CONFIG.mode, list(contents), facts, declared if isinstance(declared, str) else None)
    key = dict(zip(contents, found.evidence_ids, strict=True))[asked]
    at_path = [evidence for evidence in found.evidence if evidence.evidence_id == key]
    matches = scan_header(contents[asked], CONFIG, scancode.handle, {})
    header = header_evidence(fact_of_scan(content_id(contents[asked]), matches))
    stated = combined(header)
    decided = verdict(
        AtPath.of(at_path), [stated] if stated else [], load(CONFIG.policy), CONFIG.mode, own_word=own_word_of(asked)
    )
    if row.verdict.startswith("!"):
        assert decided.license_type != row.verdict[1:]
        return
    assert decided.license_type == LicenseType(row.verdict)
    if row.expression != "?":
        assert str(decided.expression or "-") == row.expression
    rule, _, by = row.decided_by.partition(" ")
    assert decided.rule == rule
    assert by == decider(decided.rule, at_path)


def decider(rule: str, at_path: list[Evidence]) -> str:
    """The file that a rule rests on."""
    if rule.startswith(("header_", "generator_")):
        return "the file"
    if rule == "no_license":
        return "nothing"
    if all(row.source == "repository" for row in at_path):
        return "metadata"
    policy = load(CONFIG.policy)
    from pipeline.stages.license.expression import parse

    worst = [r for r in at_path if f"path_{policy.classify(parse(r.expression))}" == rule] or at_path
    files = [row for row in worst if row.source != "manifest"] or worst
    return min((row.path or b"") for row in files).decode()
