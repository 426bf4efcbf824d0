"""One licence expression per path of an origin, from the licence files and manifests around it.

A licence file holds for its folder and what lies below, down to the next folder that has one of its own. A
manifest adds to what holds (both must be permissive), but does not end the search upward: `npm init` writes a
licence that nobody chose. Some files hold elsewhere than where they lie:

- `LICENSES/x`, `licenses/x` hold for the folder around them, `licenses/a/b/x` for `a/b` where that exists;
- in a wheel, `*.dist-info/` holds for the root, `*.dist-info/licenses/a/b/x` for `a/b` where that exists;
- a `*.dist-info/` elsewhere (vendored, or a site-packages that was checked in) holds for the folder or module
  of its name;
- `x.license` holds for `x` beside it (REUSE).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.stages.license import names
from pipeline.stages.license.evidence import ALL, Evidence, Fact, Source, as_set, choice, combine, rows_of
from pipeline.stages.license.expression import Join, Leaf, SpdxExpression

_DIST_INFO = b".dist-info"
_FAMILY = re.compile(r"-(only|or-later)$")
_WORD = (
    rb"(?:0?bsd|mit|apache|asl|gpl|lgpl|agpl|mpl|isc|zlib|boost|bsl|cc0|psf|zpl|artistic|unlicense|wtfpl|epl|ecl|afl|cddl)"
    rb"(?:[-_.]?v?\d[\d.]*)?(?:[-_.]?clause)?"
)
# LICENSE-MIT, COPYING.GPL.txt, MIT-LICENSE: one stem, one licence.
_NAMED_CHOICE = re.compile(
    rb"(?:(?P<stem>licen[cs]e|copying)[-_.]"
    + _WORD
    + rb"|"
    + _WORD
    + rb"[-_.](?P<suffix>licen[cs]e))(?:\.(?:txt|md|rst))?",
    re.IGNORECASE,
)
_UNLICENSE = re.compile(rb"unlicense(?:\.(?:txt|md|rst))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resolution:
    """The outcome for one origin: the evidence sets, their expressions, and the set of each path in the order
    asked.
    """

    evidence: list[Evidence]  # by set, sets in order of their ids
    expressions: dict[str, SpdxExpression]  # by evidence id
    evidence_ids: list[str | None]  # by path; None where nothing speaks for it


@dataclass(slots=True)
class _Statements:
    """What holds from one folder (or for one file) on: paths with their facts."""

    license_files: list[tuple[bytes, Source, Fact]] = field(default_factory=list)
    manifests: list[tuple[bytes, Source, Fact]] = field(default_factory=list)


def resolve(paths: Sequence[bytes], facts: Mapping[bytes, Fact]) -> Resolution:
    """Resolve all paths of an origin; `facts` holds what its licence files and manifests state, by path.

    Independent of the order of either. Time: one look-up per path and the walk upward once per folder;
    memory: the set of paths and folders.
    """
    tree = _Tree(paths)
    stated: dict[bytes, _Statements] = {}
    for path in sorted(facts):
        kind = names.kind_of(path)
        if kind is None or not facts[path].findings:
            continue
        in_dist_info = any(part.endswith(_DIST_INFO) for part in path.split(b"/")[:-1])
        source: Source = "dist_info" if in_dist_info else "license_file" if kind == names.LICENSE else "manifest"
        for owner in _owners(path, kind, tree):
            at = stated.setdefault(owner, _Statements())
            (at.license_files if kind == names.LICENSE else at.manifests).append((path, source, facts[path]))
    return _look_up(paths, stated)


def _look_up(paths: Sequence[bytes], stated: Mapping[bytes, _Statements]) -> Resolution:
    sets: dict[str, list[Evidence]] = {}
    by_folder: dict[bytes, str | None] = {}

    def of_place(place: bytes) -> str | None:
        """The set of a folder or a file: its own where it has statements, else that of the folder above."""
        missed = []
        while place not in by_folder:
            if place in stated:
                rows = as_set(_rows(place, stated))
                sets[rows[0].evidence_id] = rows
                by_folder[place] = rows[0].evidence_id
            elif not place:
                by_folder[place] = None
            else:
                missed.append(place)
                place = _above(place)
        for below in missed:
            by_folder[below] = by_folder[place]
        return by_folder[place]

    ids = [of_place(path if path in stated else _above(path)) for path in paths]
    used = sorted(set(filter(None, ids)))
    expressions = {id_: expression for id_ in used if (expression := combine(sets[id_])) is not None}
    return Resolution([row for id_ in used for row in sets[id_]], expressions, ids)


def _rows(place: bytes, stated: Mapping[bytes, _Statements]) -> list[Evidence]:
    """The rows of the set that holds at a place: its own statements and, up to the next licence files, those
    above.
    """
    rows: list[Evidence] = []
    manifests: list[Fact] = []
    at = place
    while True:
        here = stated.get(at, _Statements())
        for path, source, fact in here.manifests:
            manifests.append(fact)
            rows += rows_of(fact, source, path, _distance(place, path))
        if here.license_files:
            groups = _groups(here.license_files, manifests)
            for path, source, fact in here.license_files:
                rows += rows_of(fact, source, path, _distance(place, path), groups.get(path, ALL))
        if here.license_files or not at:
            return rows
        at = _above(at)


def _groups(license_files: Iterable[tuple[bytes, Source, Fact]], manifests: Iterable[Fact]) -> dict[bytes, str]:
    """The choices among licence files that state one licence each, by path.

    Files of one folder are a choice where their names differ by a licence only (LICENSE-MIT and
    LICENSE-APACHE), or where a manifest declares a choice (`MIT OR Apache-2.0`) between their licences.
    """
    single = {path: fact.expression.spdx for path, _source, fact in license_files if isinstance(fact.expression, Leaf)}
    by_label: dict[str, list[bytes]] = {}
    for path in single:
        folder, _, name = path.rpartition(b"/")
        named = _NAMED_CHOICE.fullmatch(name)
        if named or _UNLICENSE.fullmatch(name):
            stem = (named["stem"] or named["suffix"]).lower() if named else b"license"
            by_label.setdefault(_text(folder + b"/" + stem), []).append(path)
    groups = {path: choice(label) for label, alike in by_label.items() if len(alike) > 1 for path in alike}
    for declared in (fact.expression for fact in manifests):
        if not isinstance(declared, Join) or declared.operator != "OR":
            continue
        options = {_FAMILY.sub("", option.spdx) for option in declared.operands if isinstance(option, Leaf)}
        offered = [path for path, spdx in single.items() if _FAMILY.sub("", spdx) in options]
        if len({_FAMILY.sub("", single[path]) for path in offered}) > 1:
            groups.update(dict.fromkeys(offered, choice("declared")))
    return groups


class _Tree:
    """The paths and folders of an origin."""

    def __init__(self, paths: Iterable[bytes]) -> None:
        self.files = frozenset(paths)
        self.folders: set[bytes] = {b""}
        for path in self.files:
            folder = _above(path)
            while folder not in self.folders:
                self.folders.add(folder)
                folder = _above(folder)
        root_dist_infos = [f for f in self.folders if f.endswith(_DIST_INFO) and b"/" not in f]
        # Several of them at the root are an installed environment, not a wheel.
        self.wheel = root_dist_infos[0] if len(root_dist_infos) == 1 else None

    def installed_as(self, dist_info: bytes) -> list[bytes]:
        """The folder and module beside a `name-version.dist-info` that carry its name."""
        base, _, own = dist_info.rpartition(b"/")
        wanted = own.removesuffix(_DIST_INFO).split(b"-")[0]
        places = {_join(base, name) for name in (wanted, wanted.lower(), wanted.replace(b".", b"/"))}
        return sorted(
            [place for place in places if place in self.folders]
            + [place + b".py" for place in places if place + b".py" in self.files]
        )


def _owners(path: bytes, kind: str, tree: _Tree) -> list[bytes]:
    """The folders or files from which on a licence file or manifest holds."""
    parts = path.split(b"/")[:-1]
    for at, part in enumerate(parts):
        if part.endswith(_DIST_INFO):
            return _owners_of_dist_info(b"/".join(parts[: at + 1]), parts[at + 1 :], tree)
    if kind != names.LICENSE:
        return [_above(path)]
    if path.lower().endswith(b".license") and path[: -len(b".license")] in tree.files:
        return [path[: -len(b".license")]]
    for at, part in enumerate(parts):
        if names.is_licenses_folder(part):
            base = b"/".join(parts[:at])
            return [_inside(base, parts[at + 1 :], tree) or base]
    return [_above(path)]


def _owners_of_dist_info(dist_info: bytes, below: list[bytes], tree: _Tree) -> list[bytes]:
    base = _above(dist_info)
    inside = _inside(base, below[1:], tree) if below and names.is_licenses_folder(below[0]) else None
    if inside is not None:
        return [inside]
    if dist_info == tree.wheel:
        return [b""]
    return [*tree.installed_as(dist_info), dist_info]


def _inside(base: bytes, below: list[bytes], tree: _Tree) -> bytes | None:
    """The folder that `licenses/<below>/` is about; a wheel drops the `src/` that the licence's path may
    still have.
    """
    for parts in (below, below[1:] if below[:1] == [b"src"] else []):
        place = _join(base, b"/".join(parts))
        if parts and place in tree.folders:
            return place
    return None


def _distance(place: bytes, path: bytes) -> int:
    """Folders between a place and the folder of a file: up to what they share, and down."""
    here, there = [part for part in place.split(b"/") if part], path.split(b"/")[:-1]
    shared = 0
    while shared < min(len(here), len(there)) and here[shared] == there[shared]:
        shared += 1
    return len(here) + len(there) - 2 * shared


def _above(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]


def _join(base: bytes, name: bytes) -> bytes:
    return base + b"/" + name if base else name


def _text(path: bytes) -> str:
    return path.decode("utf-8", errors="backslashreplace")
