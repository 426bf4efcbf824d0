"""Where a finding lies: code, comment, string or notice."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.redact import Scanner, redact
from pipeline.stages.redact.surrogates import numeral
from pipeline.stages.redact.zones import Zones, family_of


def zone(name: str, text: str, mark: str = "@") -> str:
    data = text.encode()
    return Zones(data, name.encode(), len(data)).of(data.index(mark.encode()))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.py", "x = y @ z", "code"),
        ("a.py", "x = 1  # a@b", "comment"),
        ("a.py", 'x = "a@b"', "string"),
        ("a.py", "x = 'a#b' @ c", "code"),
        ("a.py", '"""\ntwo "lines"\na@b\n"""', "string"),
        ("a.py", '"""open\n# @', "string"),
        ("a.py", r'x = "a\"b" @ c', "code"),
        ("a.py", 'x = "open\ny @ z', "code"),
        ("a.c", "/* a\n @ */", "comment"),
        ("a.c", "/* a */ x @", "code"),
        ("a.c", '"/*" @', "code"),
        ("a.c", "// don't\nx @ y", "code"),
        ("a.js", "let u = `a ${b}\n@`", "string"),
        ("a.go", "u := `a\n@`", "string"),
        ("a.sh", "echo ${#a} @", "code"),
        ("a.sh", "echo a # @", "comment"),
        ("a.yml", "a: it's @", "code"),
        ("a.sql", "select 1 -- @", "comment"),
        ("a.ini", "; @", "comment"),
        ("a.ini", "a = b ; @", "code"),
        ("a.html", "<!-- @ -->", "comment"),
        ("a.html", '<a href="@">', "string"),
        ("a.html", "<p>don't @</p>", "code"),
        ("a.lisp", "; @", "comment"),
        ("a.json", '{"a": "@"}', "string"),
        ("Dockerfile", "# @", "comment"),
        ("a.unknown", '"@"', "code"),
        ("a.py", "# Copyright 2020 a@b", "notice"),
        ("a.c", " * (c) 2020 a@b", "notice"),
    ],
)
def test_zones(name: str, text: str, expected: str) -> None:
    assert zone(name, text) == expected


@given(
    st.lists(
        st.sampled_from(["/*", "*/", "//", '"', "'", "\\", "\n", "a", "`", "#", '"""', "<!--", "-->"]), max_size=60
    )
)
def test_any_text_has_zones(parts: list[str]) -> None:
    data = "".join(parts).encode()
    for name in (b"a.py", b"a.c", b"a.js", b"a.html", b"a.sql"):
        zones = Zones(data, name, len(data))
        assert {zones.of(n) for n in range(len(data))} <= {"code", "comment", "string"}


def test_names_of_files() -> None:
    assert (family_of("x/A.PY"), family_of("Makefile"), family_of("a.b.ts"), family_of("a")) == (
        "python", "shell", "javascript", None,
    )  # fmt: skip


def test_a_bare_number_stays_a_number(scanner: Scanner) -> None:
    phone = "4930" + "901820"
    text = f'{{"phone": {phone}, "password": {"8305" + "17264"}, "fax": "{phone}"}}'
    spans = scanner.scan(text.encode(), b"a.json")
    told = json.loads(redact(text.encode(), spans))
    assert told == {"phone": 10**9, "password": 10**8, "fax": "REDACTED_PHONE_1"}
    assert scanner.scan(json.dumps(told).encode(), b"a.json") == []


@pytest.mark.parametrize("digits", range(3, 20))
@pytest.mark.parametrize("beside", ["phone", "password", "card_number", "ssn", "cpf", "account"])
def test_no_detector_finds_a_numeral(scanner: Scanner, digits: int, beside: str) -> None:
    assert scanner.scan(f"{beside}: {numeral(digits)}\n".encode(), b"a.yml") == []
