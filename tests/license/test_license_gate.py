"""The word gate lets through whatever the reference's wide word list lets through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.license.gate import is_repetitive, places
from tests.corpus import MIT

WIDE = re.compile(
    r"licen[cs]|copyright|©|\(c\)|spdx|gpl|copyleft|permission|redistribut|warrant|public.domain|\bmit\b|\bbsd\b|apache"
    r"|mozilla|\bmpl\b|creative.?commons|\bcc0|unlicense|proprietary"
    r"|all rights reserved|confidential|as is\b",
    re.IGNORECASE,
)
WORDS = [
    "licence",
    "License",
    "COPYRIGHT",
    "©",
    "(C)",
    "SPDX",
    "GPLv2",
    "copyleft",
    "permission",
    "redistribution",
    "warranty",
    "public domain",
    "PUBLIC-DOMAIN",
    "MIT",
    "BSD",
    "apache",
    "Mozilla",
    "MPL",
    "Creative Commons",
    "creativecommons",
    "CC0",
    "unlicense",
    "proprietary",
    "All Rights Reserved",
    "Confidential",
    "as is",
    "lıcence",
    "copyrİght",
    "ſpdx",
]
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(WORDS),
        st.text(max_size=5),
        st.sampled_from(["commit", "example", "_mit", "x", " ", "é"]),
    ),
    max_size=6,
).map("".join)


@pytest.mark.parametrize("word", WORDS)
def test_each_word_passes(word: str) -> None:
    assert places(f"x = 1\n# {word}\n".encode())


@given(TEXTS)
def test_superset_of_the_wide_list(text: str) -> None:
    if WIDE.search(text):
        assert places(text.encode())


@given(TEXTS)
def test_superset_in_latin_1(text: str) -> None:
    data = text.encode("latin-1", errors="ignore")
    if WIDE.search(data.decode("latin-1")):
        assert places(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def commit(example):\n    return example.submit()\n",
        "x = 'Grüße'\n",
        "_mit = mits = mple",
        "int main() { return 0; }",
    ],
)
def test_code_without_such_words_stays_out(text: str) -> None:
    assert not places(text.encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unless " * 300, True),
        ("compatible with the GPL " * 500, True),
        ("one two three four five six seven eight " * 1_000, True),
        ("one two three four five six seven eight " * 30, False),
        (MIT * 200, False),
        ("MIT " * 150, True),
        ("MIT " * 99, False),
        ("".join(f"Copyright (c) 2020 Person {n}\n" for n in range(300)), False),
        ("", False),
        ("".join(f"package{n} version {n} by person{n} " for n in range(300)), False),
    ],
)
def test_what_says_the_same_over_and_over(text: str, expected: bool) -> None:
    assert is_repetitive(text.encode()) is expected
