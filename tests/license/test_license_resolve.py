"""Which licence holds at a path: small trees of sdists, wheels and repositories."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.license.evidence import UNREAD, Evidence, Fact, Finding, as_set, combine, fact_of_manifest, rows_of
from pipeline.stages.license.expression import parse
from pipeline.stages.license.manifests import Declared
from pipeline.stages.license.resolve import Resolution, resolve


def fact(*expressions: str) -> Fact:
    blob = hashlib.sha1("".join(expressions).encode(), usedforsecurity=False).digest()
    return Fact(blob, tuple(Finding(parse(e), f"{e}.RULE", "2-aho", 100.0, 1, 9) for e in expressions))


def resolved(files: dict[str, str], *others: str) -> dict[str, str | None]:
    """The expression at each of `others`; `files` maps licence files and manifests to what they state."""
    facts = {path.encode(): fact(*(e for e in text.split("; ") if e)) for path, text in files.items()}
    paths = [*facts, *(path.encode() for path in others)]
    found = resolve(paths, facts)
    ids = dict(zip(paths, found.evidence_ids, strict=True))
    return {path: None if (id_ := ids[path.encode()]) is None else str(found.expressions[id_]) for path in others}


REPOSITORIES: list[tuple[str, dict[str, str], dict[str, str | None]]] = [
    ("nothing", {}, {"a.py": None, "b/c.py": None}),
    ("root", {"LICENSE": "MIT"}, {"a.py": "MIT", "b/c/d.py": "MIT"}),
    (
        "nearest folder upward",
        {"LICENSE": "MIT", "vendor/gpl/COPYING": "GPL-2.0-only"},
        {
            "a.py": "MIT",
            "vendor/a.py": "MIT",
            "vendor/gpl/x.c": "GPL-2.0-only",
            "vendor/gpl/sub/y.c": "GPL-2.0-only",
        },
    ),
    ("an empty licence file says nothing", {"LICENSE": "MIT", "sub/LICENSE": ""}, {"sub/a.py": "MIT"}),
    ("below only", {"sub/LICENSE": "MIT"}, {"a.py": None, "sub/a.py": "MIT", "subway/a.py": None}),
    ("all that one file states", {"LICENSE": "MIT; GPL-2.0-only"}, {"a.py": "GPL-2.0-only AND MIT"}),
    (
        "names that differ by licence are a choice",
        {"LICENSE-MIT": "MIT", "LICENSE-APACHE": "Apache-2.0"},
        {"a.rs": "Apache-2.0 OR MIT"},
    ),
    (
        "choice beside a third file",
        {"LICENSE-MIT": "MIT", "LICENSE-APACHE": "Apache-2.0", "COPYRIGHT": "ISC"},
        {"a.rs": "(Apache-2.0 OR MIT) AND ISC"},
    ),
    ("unlicense", {"UNLICENSE": "Unlicense", "LICENSE-MIT": "MIT"}, {"a.go": "MIT OR Unlicense"}),
    (
        "no choice where a file states more than one licence",
        {"LICENSE-MIT": "MIT", "LICENSE-GPL": "GPL-2.0-only; BSD-3-Clause"},
        {"a.rs": "BSD-3-Clause AND GPL-2.0-only AND MIT"},
    ),
    (
        "no choice between other names",
        {"LICENSE": "MIT", "COPYING": "GPL-2.0-only"},
        {"a": "GPL-2.0-only AND MIT"},
    ),
    (
        "lesser",
        {"COPYING": "GPL-3.0-only", "COPYING.LESSER": "LGPL-3.0-only"},
        {"a": "GPL-3.0-only AND LGPL-3.0-only"},
    ),
    (
        "a declared choice between single licence files",
        {"LICENSE.txt": "MIT", "COPYING": "GPL-2.0-only", "pyproject.toml": "MIT OR GPL-2.0-or-later"},
        {"a.py": "(GPL-2.0-only OR MIT) AND (GPL-2.0-or-later OR MIT)"},
    ),
    (
        "declared and detected are both recorded",
        {"LICENSE": "GPL-3.0-only", "setup.cfg": "MIT"},
        {"a.py": "GPL-3.0-only AND MIT"},
    ),
    ("declared only", {"package.json": "MIT"}, {"a.js": "MIT"}),
    (
        "a manifest does not end the search",
        {"LICENSE": "GPL-3.0-only", "web/package.json": "ISC", "web/lib/LICENSE": "MIT"},
        {"web/a.js": "GPL-3.0-only AND ISC", "web/lib/a.js": "MIT", "web/src/a.js": "GPL-3.0-only AND ISC"},
    ),
    (
        "sdist in its folder",
        {
            "x-1.0/PKG-INFO": "BSD-3-Clause",
            "x-1.0/LICENSE.txt": "BSD-3-Clause",
            "x-1.0/src/x.egg-info/PKG-INFO": "BSD-3-Clause",
        },
        {"x-1.0/setup.py": "BSD-3-Clause", "x-1.0/src/x/a.py": "BSD-3-Clause"},
    ),
    ("LICENSES", {"LICENSES/MIT.txt": "MIT", "LICENSES/CC0-1.0.txt": "CC0-1.0"}, {"a": "CC0-1.0 AND MIT"}),
    (
        "licenses/<path>/",
        {"LICENSE": "MIT", "licenses/src/fast/LICENSE": "GPL-2.0-only", "licenses/gone/LICENSE": "ISC"},
        {"a.py": "ISC AND MIT", "src/a.py": "ISC AND MIT", "src/fast/a.c": "GPL-2.0-only"},
    ),
    (
        "sidecar",
        {"LICENSE": "MIT", "img/logo.svg.license": "CC-BY-4.0"},
        {"img/logo.svg": "CC-BY-4.0", "img/a.svg": "MIT"},
    ),
]

WHEELS: list[tuple[str, dict[str, str], dict[str, str | None]]] = [
    (
        "dist-info rules the root",
        {"x-1.dist-info/METADATA": "MIT", "x-1.dist-info/LICENSE": "MIT"},
        {"x/a.py": "MIT", "x-1.dist-info/RECORD": "MIT", "x-1.data/scripts/x": "MIT"},
    ),
    (
        "licenses folder",
        {
            "x-1.dist-info/METADATA": "Apache-2.0 OR MIT",
            "x-1.dist-info/licenses/LICENSE-MIT": "MIT",
            "x-1.dist-info/licenses/LICENSE-APACHE": "Apache-2.0",
        },
        {"x/a.py": "Apache-2.0 OR MIT"},
    ),
    (
        "licenses/<path>/ rules the path where it exists",
        {
            "x-1.dist-info/licenses/LICENSE": "MIT",
            "x-1.dist-info/licenses/x/_vendor/y/LICENSE": "LGPL-3.0-only",
            "x-1.dist-info/licenses/src/x/z/LICENSE": "BSD-3-Clause",
        },
        {"x/a.py": "MIT", "x/_vendor/y/b.py": "LGPL-3.0-only", "x/z/c.py": "BSD-3-Clause"},
    ),
    (
        "and the root where it does not",
        {"x-1.dist-info/licenses/LICENSE": "MIT", "x-1.dist-info/licenses/third/LICENSE": "GPL-2.0-only"},
        {"x/a.py": "GPL-2.0-only AND MIT"},
    ),
    (
        "a licence file in the package rules its folder",
        {"x-1.dist-info/LICENSE": "MIT", "x/vendored/LICENSE": "MPL-2.0"},
        {"x/a.py": "MIT", "x/vendored/b.py": "MPL-2.0"},
    ),
    (
        "vendored distributions",
        {
            "x-1.dist-info/LICENSE": "MIT",
            "x/_vendor/y-2.0.dist-info/LICENSE": "LGPL-3.0-only",
            "x/_vendor/six-1.dist-info/METADATA": "ISC",
        },
        {
            "x/_vendor/y/b.py": "LGPL-3.0-only",
            "x/_vendor/other.py": "MIT",
            "x/_vendor/six.py": "ISC AND MIT",
            "x/_vendor/y-2.0.dist-info/RECORD": "LGPL-3.0-only",
        },
    ),
    (
        "an environment is no wheel",
        {"a-1.dist-info/LICENSE": "MIT", "b-1.dist-info/LICENSE": "GPL-2.0-only"},
        {"a/x.py": "MIT", "b/x.py": "GPL-2.0-only", "c.py": None},
    ),
]


@pytest.mark.parametrize(
    ("name", "files", "expected"),
    REPOSITORIES + WHEELS,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_trees(name: str, files: dict[str, str], expected: dict[str, str | None]) -> None:
    assert resolved(files, *expected) == expected


def test_rows_carry_their_source_place_and_distance() -> None:
    facts = {
        b"LICENSE": fact("MIT"),
        b"web/package.json": fact("ISC"),
        b"x/y.dist-info/licenses/A": fact("BSD-3-Clause"),
    }
    paths = [b"web/js/a.js", b"x/y/b.py", *facts]
    found = resolve(paths, facts)
    by_path = {
        path: [r for r in found.evidence if r.evidence_id == id_]
        for path, id_ in zip(paths, found.evidence_ids, strict=True)
    }
    assert [(r.source, r.path, r.distance) for r in by_path[b"web/js/a.js"]] == [
        ("license_file", b"LICENSE", 1),
        ("manifest", b"web/package.json", 0),
    ]
    assert [(r.source, r.path, r.distance) for r in by_path[b"x/y/b.py"]] == [
        ("dist_info", b"x/y.dist-info/licenses/A", 3)
    ]
    row = by_path[b"x/y/b.py"][0]
    assert (row.blob, row.expression, row.rule, row.matcher, row.score) == (
        fact("BSD-3-Clause").blob,
        "BSD-3-Clause",
        "BSD-3-Clause.RULE",
        "2-aho",
        100.0,
    )
    assert (row.start_line, row.end_line, row.group, len(row.evidence_id)) == (1, 9, "all", 32)


FOLDERS = [
    "",
    "a/",
    "a/b/",
    "licenses/",
    "licenses/a/",
    "z-1.dist-info/",
    "z-1.dist-info/licenses/",
    "a/b-2.dist-info/",
]
NAMES = [
    "LICENSE",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "COPYING",
    "package.json",
    "METADATA",
    "x.py",
    "x.py.license",
]
TREES = st.dictionaries(
    st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)).map(lambda pair: "".join(pair).encode()),
    st.lists(st.sampled_from(["MIT", "Apache-2.0", "GPL-2.0-only", "MIT OR Apache-2.0"]), max_size=2, unique=True),
)


def run(tree: dict[bytes, list[str]], order: list[bytes]) -> tuple[dict[bytes, str | None], Resolution]:
    found = resolve(order, {path: fact(*tree[path]) for path in order})
    return dict(zip(order, found.evidence_ids, strict=True)), found


@given(TREES, st.data())
def test_independent_of_order(tree: dict[bytes, list[str]], data: st.DataObject) -> None:
    ids, found = run(tree, sorted(tree))
    shuffled_ids, shuffled = run(tree, data.draw(st.permutations(sorted(tree))))
    assert shuffled_ids == ids
    assert shuffled.evidence == found.evidence
    assert shuffled.expressions == found.expressions


@given(TREES)
def test_expressions_are_recomputed_from_the_rows(tree: dict[bytes, list[str]]) -> None:
    _ids, found = run(tree, sorted(tree))
    sets: dict[str, list[Evidence]] = {}
    for row in found.evidence:
        sets.setdefault(row.evidence_id, []).append(row)
    assert set(sets) == set(found.expressions) == {id_ for id_ in found.evidence_ids if id_}
    for id_, rows in sets.items():
        assert combine(list(reversed(rows))) == found.expressions[id_]
        assert as_set(reversed(rows)) == rows
        assert rows[0].evidence_id == id_


def test_the_id_of_a_set_is_about_its_rows() -> None:
    rows = rows_of(fact("MIT"), "license_file", b"LICENSE", 0)
    other = rows_of(fact("MIT"), "license_file", b"LICENSE", 1)
    assert as_set(rows)[0].evidence_id != as_set(other)[0].evidence_id
    assert as_set([*rows, *rows]) == as_set(rows)
    assert as_set([]) == []
    assert combine([]) is None


def pointing(path: str) -> Fact:
    return fact_of_manifest(b"p" * 20, Declared(None, path, "license", "points to a file", path))


@pytest.mark.parametrize(
    ("path", "files", "expected"),
    [
        ("../../ee/LICENSE", {"LICENSE": "MIT", "ee/LICENSE": "BUSL-1.1"}, "BUSL-1.1 AND MIT"),
        ("LICENSE", {"packages/a/LICENSE": "MIT"}, "MIT"),
        ("./LICENSE", {"LICENSE": "ISC", "packages/a/LICENSE": "MIT"}, "MIT"),
        ("../../LICENSE", {"LICENSE": "MIT"}, "MIT"),
        ("../../LICENSE-MIT", {"LICENSE-MIT": "MIT", "LICENSE-GPL": "GPL-2.0-only"}, "MIT"),
        ("terms.md", {"LICENSE": "MIT"}, f"{UNREAD} AND MIT"),
        ("https://example.org/terms", {"LICENSE": "MIT"}, f"{UNREAD} AND MIT"),
        ("../../../../LICENSE", {"LICENSE": "MIT"}, f"{UNREAD} AND MIT"),
        ("../../LICENSE", {"LICENSE": ""}, UNREAD),
    ],
)
def test_a_manifest_that_points_to_a_file(path: str, files: dict[str, str], expected: str) -> None:
    facts = {name.encode(): fact(*filter(None, [text])) for name, text in files.items()}
    facts[b"packages/a/package.json"] = pointing(path)
    paths = [*facts, b"packages/a/x.js"]
    found = resolve(paths, facts)
    key = found.evidence_ids[-1] or ""
    assert str(found.expressions[key]) == expected
    # The rows alone say it all: an audit has no more.
    again = {
        row.path: Fact(row.blob, tuple(
            Finding(parse(r.expression), r.rule, r.matcher, r.score, r.start_line, r.end_line)
            for r in found.evidence if r.path == row.path and r.evidence_id == row.evidence_id
        ))
        for row in found.evidence if row.path is not None
    }  # fmt: skip
    assert resolve(paths, again) == found
