"""enry behind the stage: the same answers as its own chain, always the same, and safe after a fork."""

from __future__ import annotations

import itertools
import multiprocessing
from collections import defaultdict
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, SpawnContext
from pathlib import Path

import enry
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stages.language import linguist
from pipeline.stages.language.languages import _languages_by_extension, by_extension, languages, languages_by_filename
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
    expected = enry.get_languages(path, text)
    if found.language is None:
        assert len(expected) != 1
        assert set(found.candidates) == set(expected)
    else:
        assert expected == [found.language]


# What linguist 9.6 says of names and enry 0.2.0 does not, or otherwise: mended by linguist's list.
NEW_NAMES = {
    "a.baml": "BAML", "a.container": "INI", "a.fbs": "FlatBuffers", "a.gtkrc": "GtkRC", "a.icls": "XML",
    "a.il": "IL Assembly", "a.liq": "Liquidsoap", "a.metta": "MeTTa", "a.mount": "INI", "a.opy": "OverPy",
    "a.pc.in": "pkg-config", "a.pq": "Power Query", "a.qnt": "Quint", "a.service": "INI", "a.slnlaunch": "JSON",
    "a.socket": "INI", "a.timer": "INI", "a.txtpb": "Protocol Buffer Text Format", "a.vmf": "Valve Data Format",
    "a.zed": "SpiceDB Schema", "Eask": "Emacs Lisp", "gtkrc": "GtkRC", "gtkrc-2.0": "GtkRC",
    ".eslint-ignore": "Ignore List", "Makefile.pc": "Makefile", "robots.txt": "Robots Exclusion Rules",
    "mise.local.lock": "TOML", "mise.lock": "TOML", "README.pc": "Text",
}  # fmt: skip
NEW_AMONG_OTHERS = {"a.pc": ("Pro*C", "pkg-config"), "a.reds": ("Red", "Redscript")}


def test_where_names_say_something_else_than_enry_it_is_known_and_mended() -> None:
    """Every extension and file name of linguist 9.6; a difference that is not listed here means newer data."""
    names = {f"a{e}" for e in _languages_by_extension()} | set(languages_by_filename())
    other = set()
    for name in names:
        ours = languages_by_filename().get(name) or by_extension(name)
        enrys = enry.get_languages_by_filename(name) or _extension_by_enry(name)
        if set(ours) != set(enrys):
            other.add(name)
            found = detect(name.encode(), b"zzqqxv\n")
            assert found.language == NEW_NAMES.get(name), name
            assert found.candidates == NEW_AMONG_OTHERS.get(name, ()), name
    assert other == NEW_NAMES.keys() | NEW_AMONG_OTHERS.keys()


def _extension_by_enry(name: str) -> list[str]:
    from enry._c_enry import ffi
    from enry.utils import go_str_slice_to_py

    library = enry.definitions.lib
    found: list[str] = go_str_slice_to_py(library, library.GetLanguagesByExtension(name.encode(), b"", 0, ffi.NULL))
    return found


INTERPRETERS_AMONG_OTHERS = {"bun", "deno"}


def test_where_interpreters_say_something_else_than_enry_it_is_known_and_mended() -> None:
    by = defaultdict[str, set[str]](set)
    for language in languages().values():
        for interpreter in language.interpreters:
            by[interpreter].add(language.name)
    other = set()
    for interpreter, names in by.items():
        text = f"#!/usr/bin/env {interpreter}\nzzqqxv\n".encode()
        if set(enry.get_languages_by_shebang("x", text)) != names:
            other.add(interpreter)
            assert detect(b"x", text) == (None, None, tuple(sorted(names)))
    assert other == INTERPRETERS_AMONG_OTHERS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b";; -*- mode: emacs-lisp -*-", "Emacs Lisp"),
        (b";; -*- Common-Lisp -*-", "Common Lisp"),
        (b"# vim: set ft=emacs-lisp :", "Emacs Lisp"),
        (b"// -*- mode: objective-c; tab-width: 2 -*-", "Objective-C"),
        (b"# -*- coding: utf-8 -*-", None),
        (b"# -*- mode: no-such-mode -*-", None),
    ],
)
def test_modes_with_hyphens_as_linguist_spells_them(text: bytes, expected: str | None) -> None:
    assert detect(b"x", text + b"\nzzqqxv\n").language == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"int x;\n  EXEC SQL SELECT 1;\n", ("Pro*C", "linguist:heuristics", ())),
        (b"Name: a\nDescription: b\nVersion: 1\n", ("pkg-config", "linguist:heuristics", ())),
        (b"Name: a\nVersion: 1\n", (None, None, ("Pro*C", "pkg-config"))),
    ],
)
def test_rules_of_names_that_enry_does_not_know(text: bytes, expected: tuple[object, ...]) -> None:
    assert detect(b"lib/a.pc", text) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [(b"xvba_modules/a.bas", True), (b"a/xvba_modules/b/c.bas", True), (b"my_xvba_modules/a.bas", False)],
)
def test_folders_that_are_vendored_since(path: bytes, expected: bool) -> None:
    assert linguist.flags(path, b"x\n").is_vendor == expected


def test_no_modeline_is_passed_over() -> None:
    """What enry finds in a text where we would not have asked it."""
    for line in (b"-*- mode: ruby -*-", b"vim: ft=ruby", b"vi:set ft=ruby:", b"ex: ft=ruby", b"# vim: set ft=ruby :"):
        for text in (line + b"\n" + b"a\n" * 9, b"a\n" * 9 + line, b"a\n" * 4 + line + b"\n" * 9, line * 2000):
            assert detect(b"x", text).language == (enry.get_language_by_modeline(text).language or None)


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
        if len(expected) < 2 and found.method not in ("linguist:extension", "linguist:filename"):
            assert found.language == (expected[0] if expected else None), path
        kept += found.language == (expected[0] if expected else None)
    assert compared > 1000
    assert kept >= 0.98 * compared


def test_the_excerpt_keeps_the_head_and_the_last_lines() -> None:
    small = b"a\n" * 100
    assert excerpt(small) is small
    big = b"a\n" * HEAD_BYTES + b"1\n2\n3\n4\n5\n"
    assert excerpt(big) == big[:HEAD_BYTES] + b"\n" + b"a\n1\n2\n3\n4\n5\n"[2:]
    assert detect(b"x", b"a = 1\n" * 100_000 + b"# vim: set ft=ruby:\n").language == "Ruby"


@settings(max_examples=30)
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
