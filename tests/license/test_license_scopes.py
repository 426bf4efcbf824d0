"""Statements for some paths only: patterns, Debian's and REUSE's files, and the prose of licence files."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.license import names
from pipeline.stages.license.coverings import debian_name, declarations, fact_of_declarations
from pipeline.stages.license.evidence import Fact, fact_of_scan
from pipeline.stages.license.prose import Prose
from pipeline.stages.license.resolve import repository_fact, resolve
from pipeline.stages.license.scopes import below, covers, literal, of_debian, scope_of
from tests.license.test_license_resolve import fact


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ("src/**", "src/a.c src/b/c.h", "srcs/a.c a/src/b.c"),
        ("*.md", "a.md", "docs/a.md"),
        ("**.md", "a.md docs/a.md", "a.mdx"),
        ("a?c", "abc", "ac abbc"),
        (r"a\*b", "a*b", "axb"),
        ("x\ny/**", "x y/z", "z"),
        ("+x", "x", "+x"),
        ("**/clar/**", "tests/clar/a.c a/b/clar/c/d", "clar/a.c"),
        ("***", "a/b", ""),
        ("[a]", "[a]", "a"),
    ],
)
def test_patterns(scope: str, inside: str, outside: str) -> None:
    assert all(covers(scope, path.encode()) for path in inside.split(" "))
    assert not any(covers(scope, path.encode()) for path in outside.split(" ") if path)


@given(st.text(min_size=1).filter(lambda path: "\n" not in path and not path.startswith("+")))
def test_a_literal_pattern_is_its_path(path: str) -> None:
    try:
        raw = path.encode()
    except UnicodeEncodeError:
        return
    assert covers(scope_of([literal(path)]), raw)
    assert covers(scope_of([below(path)]), path.rstrip("/").encode() + b"/x")


def test_stars_without_end_cost_no_time() -> None:
    assert not covers("*a" * 200 + "b", b"a" * 2000)
    assert not covers("**a" * 30 + "b", b"a" * 60)


def test_debians_globs_cross_folders() -> None:
    assert of_debian("*.c\n src/*,\n ./doc/x\\?") == ["**.c", "src/**", "doc/x\\?"]


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("Expat", "MIT"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GPL", "GPL-1.0-or-later"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("public-domain", "LicenseRef-scancode-public-domain"),
        ("GPL-2+ or Artistic", "Artistic-1.0 OR GPL-2.0-or-later"),
        ("Expat and BSD-2-clause", "BSD-2-Clause AND MIT"),
        ("GPL-3+ with OpenSSL exception", "GPL-3.0-or-later"),
        ("MPL-2", "MPL-2.0"),
        ("BSD-3-clause-of-ours", "LicenseRef-debian-BSD-3-clause-of-ours"),
        ("???", "LicenseRef-debian-unnamed"),
    ],
)
def test_debians_names(name: str, expression: str) -> None:
    assert str(debian_name(name)) == expression


DEP5 = b"""Format: https://example.org/packaging-manuals/copyright-format/1.0/
License: GPL-3+

Files: *
Copyright: A
License: GPL-2+

Files: src/free/*
 doc/*.md
License: Expat
 Permission is ...

Files: src/free/but.c
License: GPL-3

License: Expat
 Permission is ...
"""
REUSE = b"""version = 1
[[annotations]]
path = ["assets/**", "README.md"]
precedence = "override"
SPDX-License-Identifier = "CC0-1.0"
[[annotations]]
path = "assets/logo?.svg"
SPDX-License-Identifier = ["MIT", "GPL-2.0-only"]
[[annotations]]
path = 3
"""


def covering(kind: str, data: bytes) -> Fact:
    return fact_of_declarations(b"c" * 20, declarations(kind, data))


def resolved(facts: dict[str, Fact], *paths: str, declared: str | None = None) -> dict[str, str | None]:
    stated = {path.encode(): fact_ for path, fact_ in facts.items()}
    asked = [*stated, *(path.encode() for path in paths)]
    found = resolve(asked, stated, repository_fact(declared))
    ids = dict(zip(asked, found.evidence_ids, strict=True))
    return {p: None if (i := ids[p.encode()]) is None else str(found.expressions[i]) for p in paths}


def test_the_last_paragraph_that_covers_a_path_speaks_for_it() -> None:
    facts = {"debian/copyright": covering(names.DEBIAN_COPYRIGHT, DEP5)}
    assert resolved(facts, "a.c", "src/free/x.c", "src/free/but.c", "doc/b.md") == {
        "a.c": "GPL-2.0-or-later",
        "src/free/x.c": "MIT",
        "src/free/but.c": "GPL-3.0-only",
        "doc/b.md": "MIT",
    }  # fmt: skip


def test_what_covers_a_path_goes_before_the_root_and_beside_nearer_files() -> None:
    facts = {
        "debian/copyright": covering(names.DEBIAN_COPYRIGHT, DEP5),
        "COPYING": fact("GPL-2.0-only"),
        "src/free/gpl/COPYING": fact("GPL-1.0-only"),
    }
    found = resolved(facts, "a.c", "src/free/x.c", "src/free/gpl/y.c")
    assert found == {
        "a.c": "GPL-2.0-only AND GPL-2.0-or-later",
        "src/free/x.c": "MIT",
        "src/free/gpl/y.c": "GPL-1.0-only AND MIT",
    }


def test_reuse() -> None:
    facts = {"REUSE.toml": covering(names.REUSE_TOML, REUSE), "LICENSES/GPL-2.0-only.txt": fact("GPL-2.0-only")}
    found = resolved(facts, "assets/a.png", "assets/logo?.svg", "assets/logo1.svg", "README.md", "src/x.c")
    assert found == {
        "assets/a.png": "CC0-1.0",
        "assets/logo?.svg": "GPL-2.0-only AND MIT",
        "assets/logo1.svg": "CC0-1.0",
        "README.md": "CC0-1.0",
        "src/x.c": "GPL-2.0-only",
    }


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"[[annotations", b"Files: *\n", b"Files:\nLicense:\n", b"annotations = 3"]
)
def test_broken_files_declare_nothing(data: bytes) -> None:
    for kind in names.COVERINGS:
        assert fact_of_declarations(b"c" * 20, declarations(kind, data)).findings == ()


@given(st.sampled_from(sorted(names.COVERINGS)), st.one_of(st.binary(), st.text().map(str.encode)))
def test_no_bytes_are_an_error(kind: str, data: bytes) -> None:
    fact_of_declarations(b"c" * 20, declarations(kind, data))


def test_metadata_speaks_only_where_nothing_else_does() -> None:
    assert resolved({}, "a.c", declared="mit") == {"a.c": "MIT"}
    assert resolved({}, "a.c", declared="NOASSERTION") == {"a.c": None}
    assert resolved({"sub/LICENSE": fact("GPL-2.0-only")}, "a.c", "sub/b.c", declared="MIT") == {
        "a.c": "MIT",
        "sub/b.c": "GPL-2.0-only",
    }
    assert resolved({"LICENSE": fact("GPL-2.0-only")}, "a.c", declared="MIT") == {"a.c": "GPL-2.0-only"}


def test_a_licence_for_a_folder_of_its_name() -> None:
    facts = {"LICENSE": fact("MIT"), "LICENSE-docs": fact("CC-BY-4.0")}
    assert resolved(facts, "src/a.c", "docs/b.rst") == {"src/a.c": "MIT", "docs/b.rst": "CC-BY-4.0"}
    assert resolved(facts, "src/a.c") == {"src/a.c": "CC-BY-4.0 AND MIT"}


# --- prose ------------------------------------------------------------------------------------------


def match(spdx: str, kind: str, start: int, end: int) -> dict[str, Any]:
    return {
        "spdx": spdx,
        "kind": kind,
        "start_line": start,
        "end_line": end,
        "rule": "r",
        "matcher": "2-aho",
        "score": 100.0,
    }


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("Historically, most releases have also been GPL-compatible.", True),
        ("All Python licenses, unlike the GPL, let you distribute a modified version", True),
        ("other software that is released under the GPL; the others don't", True),
        ('is "not incompatible" with the GPL.', True),
        ("OpenSSH contains no GPL code.", True),
        ("This library is released under the GPL.", False),
        ("It is under the GPL, which is compatible with the Apache licence.", False),
        ("GPL-compatible parts exist, but this file is under the GPL.", False),
        ("Licensed under the GNU General Public License, not compatible with the GPL version 3", False),
        ("compatible with the GNU General Public License", True),
    ],
)
def test_mentions(text: str, mention: bool) -> None:
    assert Prose(text).is_mention(match("GPL-1.0-or-later", "notice", 1, 1)) is mention


def test_a_licences_own_text_is_never_a_mention() -> None:
    assert not Prose("GPL-compatible").is_mention(match("GPL-2.0-only", "text", 1, 1))
    assert not Prose("MIT-compatible").is_mention(match("MIT", "notice", 1, 1))


@pytest.mark.parametrize(
    ("text", "line", "kind", "scope"),
    [
        ("Everything in src/lib/ and src/auth/ is under MIT", 1, "notice", "src/lib/**\nsrc/auth/**"),
        ("The files in `third_party/` are under MIT", 1, "notice", "third_party/**"),
        ("* contrib/x.c is MIT", 1, "notice", "contrib/x.c"),
        ("a/b.c and c.c:\n\n Copyright (C) 1995 A\n\n PERMISSION", 5, "text", "a/b.c\nc.c\na/c.c"),
        ("The following files are MIT:\n  a/x.c\n  a/y.c", 1, "notice", "a/x.c\na/y.c"),
        ("The following files also contain BSD code:\n  a/x.c", 1, "notice", "+a/x.c"),
        ("The Clar framework is licensed under MIT", 1, "notice", "**/clar/**"),
        ("This program is under MIT; see doc/more.txt", 1, "notice", None),
        ("Licensed under MIT. The text is in doc/mit.txt", 1, "notice", None),
        ("See docs/legal.md: MIT", 1, "notice", None),
        ("This library, with all that it needs to run and to be tested in src/, is MIT", 1, "notice", None),
        ("It is MIT (https://example.org/x/y.html)", 1, "notice", None),
        ("PERMISSION to use src/x.c", 1, "text", None),
    ],
)  # fmt: skip
def test_scopes_in_prose(text: str, line: int, kind: str, scope: str | None) -> None:
    assert Prose(text).scope(match("MIT", kind, line, line)) == scope


def test_a_component_by_name_narrows_no_copyleft() -> None:
    assert Prose("The Clar framework is licensed under the GPL").scope(match("GPL-2.0-only", "notice", 1, 1)) is None


def test_prose_that_names_nothing_that_is_there_holds_for_all() -> None:
    scoped = fact_of_scan(b"s" * 20, [match("GPL-2.0-only", "notice", 1, 1) | {"scope": "gone/x.c"}])
    assert resolved({"COPYING": scoped}, "a.c") == {"a.c": "GPL-2.0-only"}
    assert resolved({"COPYING": scoped}, "a.c", "gone/x.c") == {"a.c": None, "gone/x.c": "GPL-2.0-only"}


def test_an_addition_does_not_replace() -> None:
    matches = [match("GPL-2.0-only", "notice", 1, 1), match("MIT", "notice", 2, 2) | {"scope": "+a/x.c"}]
    facts = {"COPYING": fact_of_scan(b"s" * 20, matches)}
    assert resolved(facts, "a/x.c", "b.c") == {"a/x.c": "GPL-2.0-only AND MIT", "b.c": "GPL-2.0-only"}


@pytest.mark.parametrize(
    ("text", "defers"),
    [
        ("under LGPL unless otherwise mentioned\nat the beginning of the file.", True),
        ("Unless otherwise noted in individual files, MIT.", True),
        ("Look at the copyright header of each source file", True),
        ("the actual statements in the files are controlling.", True),
        ("unless otherwise agreed to in writing", False),
        ("See the file COPYING.", False),
    ],
)
def test_deference(text: str, defers: bool) -> None:
    assert Prose(text).defers() is defers


@pytest.mark.parametrize("text", ["", "\n" * 1000, "a/" * 5000, "see " * 5000, "* x/y.c\n" * 3000, "(" * 5000])
def test_hostile_prose_is_bounded(text: str) -> None:
    prose = Prose(text)
    prose.scope(match("MIT", "notice", 1, 1))
    prose.is_mention(match("GPL-2.0-only", "notice", 1, 1))
    prose.defers()


def test_what_stands_on_an_endless_line_is_not_read() -> None:
    """A match there holds for all that its file speaks for: a deterministic budget, and the careful side of it."""
    match = {"kind": "reference", "spdx": "MIT", "start_line": 1, "end_line": 1}
    near = "src/a.c is under the MIT license."
    assert Prose(near).scope(match) == "src/a.c"
    assert Prose(near + " a+" * 5_000).scope(match) is None
    gpl = {"kind": "reference", "spdx": "GPL-2.0-only", "start_line": 1, "end_line": 1}
    assert Prose("It is GPL-compatible.").is_mention(gpl)
    assert not Prose("It is GPL-compatible. " * 500).is_mention(gpl)
