"""One licence expression per path of an origin, from the licence files and manifests around it.

A licence file holds for its folder and what lies below, down to the next folder that has one of its own. A
manifest adds to what holds (both must be permissive), but does not end the search upward: `npm init` writes a
licence that nobody chose. Some files hold elsewhere than where they lie:

- `LICENSES/x`, `licenses/x` hold for the folder around them, `licenses/a/b/x` for `a/b` where that exists;
- in a wheel, `*.dist-info/` holds for the root, `*.dist-info/licenses/a/b/x` for `a/b` where that exists;
- a `*.dist-info/` elsewhere (vendored, or a site-packages that was checked in) holds for the folder or module
  of its name;
- `x.license` holds for `x` beside it (REUSE);
- `LICENSE-docs` holds for `docs/` beside it, where that exists; so for data, fonts, images and the like.

Statements with a scope (`scopes`) hold for the paths that it covers: paragraphs of REUSE.toml, .reuse/dep5 and
debian/copyright, of which the last one that covers a path speaks for it, and prose of licence files ("everything in
src/ is under ..."), if one of its paths exists. Where such a statement is made at a folder, what else is said at that
folder and above is left out, unless it only adds ("also contains"). A licence file nearer to the path holds together
with it.

What a repository is said to be under by metadata speaks only where nothing else does.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.stages.license import names, scopes, table
from pipeline.stages.license.evidence import (
    ALL,
    DEFERS,
    POINTED,
    POINTS_TO,
    UNREAD,
    Evidence,
    Fact,
    Finding,
    Source,
    as_set,
    choice,
    combine,
    rows_of,
)
from pipeline.stages.license.expression import Join, Leaf, SpdxExpression, parse
from pipeline.stages.license.spellings import normalise
from pipeline.swhid import content_id

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


# Files beside a folder of that name which say what holds in it.
_ABOUT_A_FOLDER = re.compile(
    rb"(?:licen[cs]e|copying)[-_.](docs?|documentation|data|fonts?|images?|icons?|assets?|artwork|media|examples?|tests?)"
    rb"(?:\.(?:txt|md|rst))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Resolution:
    """The outcome for one origin: the evidence sets, their expressions, and the set of each path in the order
    asked.
    """

    evidence: list[Evidence]  # by set, sets in order of their ids
    expressions: dict[str, SpdxExpression]  # by evidence id
    evidence_ids: list[str | None]  # by path; None where nothing speaks for it


_Stated = tuple[bytes, Source, Fact]


@dataclass(slots=True)
class _Statements:
    """What holds from one folder (or for one file) on: paths with their facts."""

    license_files: list[_Stated] = field(default_factory=list)
    manifests: list[_Stated] = field(default_factory=list)
    pointed: list[_Stated] = field(default_factory=list)  # licence files elsewhere that manifests here point to


@dataclass(frozen=True, slots=True)
class _Scoped:
    """A statement that holds for some of the paths below `base`. With a `rank` only the last of its file counts."""

    base: bytes
    path: bytes
    source: Source
    fact: Fact
    rank: int | None

    @property
    def finding(self) -> Finding:
        return self.fact.findings[0]


def repository_fact(declared: str | None) -> Fact | None:
    """What metadata says of a whole repository, as a fact of the text that says it; None where that is no licence."""
    expression = normalise(declared) if declared else None
    if expression is None or declared is None:
        return None
    return Fact(content_id(declared.encode()), (Finding(expression, "declared", "declared", 0.0),))


def resolve(paths: Sequence[bytes], facts: Mapping[bytes, Fact], repository: Fact | None = None) -> Resolution:
    """Resolve all paths of an origin; `facts` holds what its licence files and manifests state, by path; `repository`
    what metadata says of it (`repository_fact`).

    Independent of the order of either. Time: one look-up per path and the walk upward once per folder, and for
    each path as many patterns as scoped statements above it; memory: the set of paths and folders.
    """
    tree = Tree(paths)
    stated: dict[bytes, _Statements] = {}
    scoped: list[_Scoped] = []
    for path in sorted(facts):
        kind = names.kind_of(path)
        fact = facts[path]
        if kind is None or not fact.findings:
            continue
        if kind in names.COVERINGS:
            source: Source = "debian_copyright" if kind == names.DEBIAN_COPYRIGHT else "reuse"
            base = _covered_base(path, kind)
            general, own = _split(fact, base, path, source, tree)
            scoped += own
            if general is not None:
                stated.setdefault(base, _Statements()).manifests.append((path, source, general))
            continue
        in_dist_info = any(part.endswith(_DIST_INFO) for part in path.split(b"/")[:-1])
        source = "dist_info" if in_dist_info else "license_file" if kind == names.LICENSE else "manifest"
        for owner in owners(path, kind, tree):
            own_general: Fact | None = fact
            if kind == names.LICENSE and owner in tree.folders:
                own_general, own = _split(fact, owner, path, source, tree)
                scoped += own
            if own_general is not None and kind != names.LICENSE:
                own_general, pointed = _followed(own_general, path, facts)
                if pointed is not None:
                    stated.setdefault(owner, _Statements()).pointed.append(pointed)
            if own_general is not None:
                at = stated.setdefault(owner, _Statements())
                (at.license_files if kind == names.LICENSE else at.manifests).append((path, source, own_general))
    return _look_up(paths, stated, _Scopes(scoped), repository)


def _followed(fact: Fact, path: bytes, facts: Mapping[bytes, Fact]) -> tuple[Fact, _Stated | None]:
    """A manifest's fact, and the licence file elsewhere that it points to. Where that states nothing or is not there,
    what holds is not known, and the fact says so.
    """
    if [finding.matcher for finding in fact.findings] != [POINTS_TO]:
        return fact, None
    (finding,) = fact.findings
    target = posixpath.normpath(
        posixpath.join(_above(path).decode("utf-8", "surrogateescape"), finding.rule.replace("\\", "/"))
    )
    where = target.encode("utf-8", "surrogateescape")
    there = facts.get(where)
    # What lies beside the manifest holds there anyway.
    beside = _above(where) == _above(path)
    if there is None or not there.findings or names.kind_of(where) != names.LICENSE:
        return Fact(fact.blob, (replace(finding, expression=parse(UNREAD)),)), None
    source: Source = "license_file"
    return Fact(fact.blob, (replace(finding, expression=parse(POINTED)),)), None if beside else (where, source, there)


def _split(fact: Fact, base: bytes, path: bytes, source: Source, tree: Tree) -> tuple[Fact | None, list[_Scoped]]:
    """What a file states for all below a folder, and for some of it. A scope in prose that names nothing is none."""
    general: list[Finding] = []
    own: list[_Scoped] = []
    ranked = source in ("reuse", "debian_copyright")
    for number, finding in enumerate(fact.findings):
        one = Fact(fact.blob, (finding,))
        if finding.scope is None or (ranked and scopes.is_everything(finding.scope)):
            general.append(finding)
            if ranked:  # it wins over the paragraphs before it
                own = []
        elif ranked:
            own.append(_Scoped(base, path, source, one, number))
        elif tree.holds(base, finding.scope):
            own.append(_Scoped(base, path, source, one, None))
        else:
            general.append(finding)
    if ranked:
        general = general[-1:]
    return (Fact(fact.blob, tuple(general)) if general else None), own


class _Scopes:
    """The scoped statements of an origin, by the folder that they are made at."""

    def __init__(self, scoped: Iterable[_Scoped]) -> None:
        self._by_base: dict[bytes, list[_Scoped]] = {}
        for statement in scoped:
            self._by_base.setdefault(statement.base, []).append(statement)

    def of(self, path: bytes) -> tuple[_Scoped, ...]:
        """The statements that hold for a path."""
        if not self._by_base:
            return ()
        found: list[_Scoped] = []
        folder = path
        while folder:
            folder = _above(folder)
            last: dict[bytes, _Scoped] = {}
            relative = path[len(folder) + 1 :] if folder else path
            for statement in self._by_base.get(folder, ()):
                if scopes.covers(statement.finding.scope or "", relative):
                    if statement.rank is None:
                        found.append(statement)
                    else:
                        last[statement.path] = statement
            found += last.values()
        return tuple(found)


def _look_up(
    paths: Sequence[bytes], stated: Mapping[bytes, _Statements], scoped: _Scopes, repository: Fact | None
) -> Resolution:
    sets: dict[str, list[Evidence]] = {}
    by_place: dict[tuple[bytes, tuple[_Scoped, ...]], str | None] = {}

    def of_place(place: bytes, own: tuple[_Scoped, ...]) -> str | None:
        """The set of a folder or a file: its own where it has statements, else that of the folder above."""
        bases = {statement.base for statement in own}
        missed = []
        while (place, own) not in by_place:
            if place in stated or place in bases or not place:
                rows = as_set(_rows(place, stated, own, repository))
                if rows:
                    sets[rows[0].evidence_id] = rows
                by_place[place, own] = rows[0].evidence_id if rows else None
            else:
                missed.append(place)
                place = _above(place)
        for below in missed:
            by_place[below, own] = by_place[place, own]
        return by_place[place, own]

    ids = [of_place(path if path in stated else _above(path), scoped.of(path)) for path in paths]
    used = sorted(set(filter(None, ids)))
    expressions = {id_: expression for id_ in used if (expression := combine(sets[id_])) is not None}
    return Resolution([row for id_ in used for row in sets[id_]], expressions, ids)


def _rows(
    place: bytes, stated: Mapping[bytes, _Statements], scoped: tuple[_Scoped, ...], repository: Fact | None
) -> list[Evidence]:
    """The rows of the set that holds at a place: its own statements and, up to the next licence files, those above; and
    what is said of a path in particular, wherever it is said.
    """
    rows = [row for s in scoped for row in rows_of(s.fact, s.source, s.path, distance(place, s.path))]
    final = {s.base for s in scoped if not scopes.adds(s.finding.scope or "")}
    manifests: list[Fact] = []
    at = place
    while at not in final:
        here = stated.get(at, _Statements())
        for path, source, fact in here.manifests:
            manifests.append(fact)
            rows += rows_of(fact, source, path, distance(place, path))
        for path, source, fact in here.pointed:
            rows += rows_of(fact, source, path, distance(place, path))
        if here.license_files:
            groups = _groups(here.license_files, manifests)
            # Where one file of a folder defers to the files below, the texts beside it do.
            deferring = any(f.defers for _path, _source, fact in here.license_files for f in fact.findings)
            for path, source, fact in here.license_files:
                defers = DEFERS if deferring or _is_reuse_text(path) else ""
                rows += rows_of(fact, source, path, distance(place, path), defers + groups.get(path, ALL))
        if here.license_files or not at:
            break
        at = _above(at)
    if not rows and repository is not None:
        return rows_of(repository, "repository", b"", distance(place, b""))
    return rows


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


def _is_reuse_text(path: bytes) -> bool:
    """Whether a file is one of those in which REUSE keeps the texts of licences: `LICENSES/<SPDX id>.txt`."""
    folder, _, name = path.rpartition(b"/")
    stem = name.rpartition(b".")[0] or name
    known = stem.startswith(b"LicenseRef-") or table.by_id(stem.decode("ascii", "replace")) is not None
    return folder.rpartition(b"/")[2] == b"LICENSES" and known


class Tree:
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
        self._found: dict[tuple[bytes, str], bool] = {}
        # Several of them at the root are an installed environment, not a wheel.
        self.wheel = root_dist_infos[0] if len(root_dist_infos) == 1 else None

    def holds(self, base: bytes, scope: str) -> bool:
        """Whether a scope covers a path below a folder. Asked once per scope: linear in the paths."""
        if (base, scope) not in self._found:
            start = base + b"/" if base else b""
            own = (path[len(start) :] for path in self.files if path.startswith(start))
            self._found[base, scope] = any(scopes.covers(scope, path) for path in own)
        return self._found[base, scope]

    def installed_as(self, dist_info: bytes) -> list[bytes]:
        """The folder and module beside a `name-version.dist-info` that carry its name."""
        base, _, own = dist_info.rpartition(b"/")
        wanted = own.removesuffix(_DIST_INFO).split(b"-")[0]
        places = {_join(base, name) for name in (wanted, wanted.lower(), wanted.replace(b".", b"/"))}
        return sorted(
            [place for place in places if place in self.folders]
            + [place + b".py" for place in places if place + b".py" in self.files]
        )


def owners(path: bytes, kind: str, tree: Tree) -> list[bytes]:
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
    folder, _, name = path.rpartition(b"/")
    if found := _ABOUT_A_FOLDER.fullmatch(name):
        word = found[1].lower()
        stem = word.removesuffix(b"umentation").removesuffix(b"s")
        places = sorted(_join(folder, stem + end) for end in (b"", b"s", b"umentation"))
        there = [place for place in places if place in tree.folders]
        if there:
            return there
    return [folder]


def _covered_base(path: bytes, kind: str) -> bytes:
    """The folder that the patterns of a covering file are relative to."""
    folder = _above(path)
    return folder if kind == names.REUSE_TOML else _above(folder)


def _owners_of_dist_info(dist_info: bytes, below: list[bytes], tree: Tree) -> list[bytes]:
    base = _above(dist_info)
    inside = _inside(base, below[1:], tree) if below and names.is_licenses_folder(below[0]) else None
    if inside is not None:
        return [inside]
    if dist_info == tree.wheel:
        return [b""]
    return [*tree.installed_as(dist_info), dist_info]


def _inside(base: bytes, below: list[bytes], tree: Tree) -> bytes | None:
    """The folder that `licenses/<below>/` is about; a wheel drops the `src/` that the licence's path may
    still have.
    """
    for parts in (below, below[1:] if below[:1] == [b"src"] else []):
        place = _join(base, b"/".join(parts))
        if parts and place in tree.folders:
            return place
    return None


def distance(place: bytes, path: bytes) -> int:
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
