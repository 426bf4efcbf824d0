"""enry behind the stage: the same answers as its own chain, always the same, and safe after a fork."""

from __future__ import annotations

import itertools
import multiprocessing
import string
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, SpawnContext
from pathlib import Path

import enry
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stages.language import linguist
from pipeline.stages.language.linguist import FOOT_BYTES, HEAD_BYTES, ForkedError, detect, excerpt

PATHS = [
    "a.py",
    "a.h",
    "a.m",
    "a.pl",
    "a.t",
    "a.ts",
    "a.sql",
    "a.inc",
    "a.1",
    "a.md",
    "a.cs",
    "a.rs",
    "a.v",
    "a.cls",
    "Makefile",
    "Dockerfile",
    "x",
    "a.f",
    "a.d",
    "a.json",
    "tsconfig.json",
    "a.fs",
    "a.r",
    "a.php",
    "a.html.erb",
]
TEXTS = [
    b"x = 1\n",
    b"int main(void) { return 0; }\n",
    b"#!/bin/bash\necho\n",
    b"<?xml version='1.0'?>\n<a/>\n",
    b"use strict;\nmy $x;\n",
    b"% comment\nfunction y = f(x)\ny = x;\nend\n",
    b"-- SELECT\nSELECT 1;\n",
    b".TH A 1\n.SH NAME\na\n",
    b"module a;\nendmodule\n",
    b"(* a *)\nlet x = 1\n",
]


@pytest.mark.parametrize(("path", "text"), list(itertools.product(PATHS, TEXTS)))
def test_the_chain_is_that_of_enry(path: str, text: bytes) -> None:
    """Where detect answers, enry does the same; where it does not, enry had only its classifier left."""
    found = detect(path.encode(), text)
    if found.language is None:
        assert len(enry.get_languages(path, text)) != 1
    elif found.method != "enry:classifier":
        assert enry.get_languages(path, text) == [found.language]
    else:
        assert found.language in enry.get_languages(path, text)


@pytest.mark.oracle
def test_the_chain_is_that_of_enry_on_real_files() -> None:
    """Every text file of the installed packages and of this repository, up to 4000."""
    roots = [Path(enry.__file__).parent.parent, Path(__file__).parents[2] / "pipeline"]
    files = [p for root in roots for p in sorted(root.rglob("*")) if p.is_file() and p.suffix != ".RULE"]
    compared = kept = 0
    for path in files[:: max(1, len(files) // 4000)]:
        text = path.read_bytes()[:HEAD_BYTES]
        if not text or b"\0" in text:
            continue
        found, expected = detect(path.as_posix().encode(), text), enry.get_languages(path.as_posix(), text)
        compared += 1
        if len(expected) < 2:
            assert found.language == (expected[0] if expected else None), path
        kept += found.language == (expected[0] if expected else None)
    assert compared > 1000
    assert kept >= 0.99 * compared


def ambiguous_extensions() -> list[str]:
    names = ("".join(letters) for n in (1, 2, 3) for letters in itertools.product(string.ascii_lowercase, repeat=n))
    return [name for name in names if len(enry.get_languages(f"a.{name}", b"zzqqxv\n")) > 1]


def test_enry_ties_are_real_and_never_reach_a_tag() -> None:
    """go-enry's classifier walks a map: where languages tie, its first choice is random. Ours must not be."""
    texts = [b"zzqqxv wkjhq\n", b"1 2 3\n", b"x = 1\n", "你好 世界\n".encode(), b"{\n", b"QmFzZTY0\n" * 50]
    random = 0
    extensions = ambiguous_extensions()
    assert len(extensions) > 30
    for extension, text in itertools.product(extensions, texts):
        path = f"a.{extension}"
        random += len({enry.get_languages(path, text)[0] for _ in range(12)}) > 1
        assert len({detect(path.encode(), text) for _ in range(6)}) == 1, (path, text)
    assert random > 0, "enry no longer ties at random: the probes can go"


@pytest.mark.parametrize(
    ("path", "text", "language"),
    [
        (b"a.m", b"% sum\nfunction y = f(x)\n  y = zeros(size(x));\n  plot(x, y);\nend\n", "MATLAB"),
        (b"a.pl", b"foo => 1,\nbar => [qw(a b c)],\nprint $x, @y;\n$h{a}->{b} = shift @_;\n", "Perl"),
    ],
)
def test_a_text_with_evidence_is_classified(path: bytes, text: bytes, language: str) -> None:
    assert detect(path, text).language == language


def test_the_excerpt_keeps_the_head_and_the_last_lines() -> None:
    small = b"a\n" * 100
    assert excerpt(small) is small
    big = b"a\n" * HEAD_BYTES + b"1\n2\n3\n4\n5\n"
    assert excerpt(big) == big[:HEAD_BYTES] + b"\n" + b"a\n1\n2\n3\n4\n5\n"[2:]
    assert detect(b"x", b"a = 1\n" * 100_000 + b"# vim: set ft=ruby:\n").language == "Ruby"


@settings(max_examples=30, deadline=None)
@given(st.integers(HEAD_BYTES, HEAD_BYTES + 3 * FOOT_BYTES), st.integers(1, 6000))
def test_the_excerpt_is_bounded(size: int, line: int) -> None:
    data = ((b"x" * line + b"\n") * (size // line + 1))[:size]
    found = excerpt(data)
    assert len(found) <= HEAD_BYTES + FOOT_BYTES + 1
    assert data.startswith(found[:HEAD_BYTES])


def _child(answer: Connection) -> None:
    try:
        detect(b"a.py", b"x = 1\n")
        answer.send("answered")
    except ForkedError as error:
        answer.send(str(error))


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        pytest.param(multiprocessing.get_context("fork"), "was forked", id="fork"),
        pytest.param(multiprocessing.get_context("spawn"), "answered", id="spawn"),
    ],
)
def test_a_forked_child_is_told_and_a_spawned_one_works(context: ForkContext | SpawnContext, expected: str) -> None:
    detect(b"a.py", b"x = 1\n")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs,))
    process.start()
    assert ours.poll(60), "no answer from the child"
    assert expected in ours.recv()
    process.join(60)
    assert process.exitcode == 0


def test_enry_is_loaded_only_by_the_first_call() -> None:
    assert "enry" not in vars(linguist)


def test_which_data_of_linguist_enry_holds() -> None:
    """enry does not say; another answer here means newer data, and a new LINGUIST_DATA in core.py."""
    probes = ("Go Template", "KCL", "Lambdapi", "TMDL", "FlatBuffers", "Liquidsoap", "Quint", "Rhai")
    known = {name for name in probes if enry.get_language_type(name) != "unknown"}
    assert known == {"Go Template", "KCL", "Lambdapi", "TMDL"}
