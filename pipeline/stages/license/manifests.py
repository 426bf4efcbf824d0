"""What package manifests declare: a licence expression or nothing, and the words as they stand.

Python: METADATA and PKG-INFO (core metadata 2.4 and before), pyproject.toml (PEP 621, PEP 639, Poetry, Flit),
setup.cfg, setup.py. Others: package.json, bower.json, composer.json, Cargo.toml, pom.xml, *.gemspec, *.podspec,
*.cabal, package.yaml, DESCRIPTION (R), *.nuspec, META.json (Perl), opam. Programs among them are read and not run. A
broken or unclear manifest declares nothing, with a reason; it is never an error, because a manifest is somebody else's
record.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import tomllib
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.stages.license import names, table
from pipeline.stages.license.expression import Leaf, SpdxExpression, all_of, any_of, leaves, parse
from pipeline.stages.license.spellings import normalise


@dataclass(frozen=True, slots=True)
class Declared:
    """What one manifest declares. Without an expression, `reason` says why, where there was something to
    read. `points_to`: the file that has the licence, as a path from the manifest's folder.
    """

    expression: SpdxExpression | None = None
    raw: str | None = None
    field: str | None = None
    reason: str | None = None
    points_to: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is stored among the facts of a blob."""
        expression = None if self.expression is None else str(self.expression)
        return {"expression": expression, "raw": self.raw, "field": self.field, "reason": self.reason,
                "points_to": self.points_to}  # fmt: skip

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Declared:
        """The inverse of `to_json`."""
        expression = None if stored["expression"] is None else parse(stored["expression"])
        return cls(expression, stored["raw"], stored["field"], stored["reason"], stored["points_to"])


_POINTER = re.compile(r"see |in license|license file|file:|license\.(txt|md|rst)$|https?://", re.IGNORECASE)
_SEE = re.compile(r"see\s+licen[cs]e\s+in\s+(?P<path>\S.*)", re.IGNORECASE)
# Of what is not understood: words that no permissive licence has in its name.
_FORBIDS = re.compile(
    r"\b(?:[al]?gpl|general public|affero|copyleft|proprietar|confidential|internal use|non-?commercial|commons clause"
    r"|commercial\s+(?:licen|terms|agreement)|cc[- ]by[- ](?:nc|nd|sa)|sspl|busl|business source|server side public"
    r"|elastic licen|mozilla|mpl|eclipse|epl|cddl|eupl|polyform|fair source|source[- ]available)",
    re.IGNORECASE,
)
_COMPATIBLE = re.compile(r"compatib|non-?gpl|not\s+gpl", re.IGNORECASE)
NOT_UNDERSTOOD = "LicenseRef-permastack-declared-not-understood"
_CLASSIFIER = "License :: "
_RAW_LIMIT = 200  # characters of a field that are kept where it was not understood
_NOTICE_ONLY = frozenset({"Permissive", "Public Domain"})


def declared(kind: str, data: bytes) -> Declared:
    """What a manifest of a kind (`names.kind_of`) declares. Never raises for what stands in it."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    try:
        return _READERS[kind](text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, configparser.Error, SyntaxError, ValueError) as error:
        return Declared(reason=f"broken manifest: {type(error).__name__}")
    except (RecursionError, MemoryError):
        return Declared(reason="broken manifest: nested too deep")


def _core_metadata(text: str) -> Declared:
    """METADATA and PKG-INFO: the header only; the description after the first empty line holds anything."""
    fields: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if not line.strip():
            break
        if line[0] in " \t":  # a folded field, such as a whole licence text under License
            if name:
                fields[name][-1] += "\n" + line.strip()
            continue
        name, _, value = line.partition(":")
        name = name.strip().lower()
        fields.setdefault(name, []).append(value.strip())
    if "license-expression" in fields:
        return _field("License-Expression", fields["license-expression"][-1])
    return _legacy("License", fields.get("license", [""])[-1], fields.get("classifier", []))


def _pyproject(text: str) -> Declared:
    document = tomllib.loads(text)
    project = _table(document, "project")
    tool = _table(document, "tool")
    classifiers = _strings(project.get("classifiers"))
    license_ = project.get("license")
    if isinstance(license_, str):
        return _field("project.license", license_)
    if isinstance(license_, dict) and isinstance(license_.get("text"), str):
        return _legacy("project.license.text", license_["text"], classifiers)
    if not project:
        poetry, flit = _table(tool, "poetry"), _table(_table(tool, "flit"), "metadata")
        for field, section in (("tool.poetry.license", poetry), ("tool.flit.metadata.license", flit)):
            if isinstance(section.get("license"), str):
                return _legacy(field, section["license"], _strings(section.get("classifiers")))
        classifiers = _strings(poetry.get("classifiers")) + _strings(flit.get("classifiers"))
    return _legacy("project.license", "", classifiers)


def _setup_cfg(text: str) -> Declared:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    classifiers = parser.get("metadata", "classifiers", fallback="") or parser.get(
        "metadata", "classifier", fallback=""
    )
    license_ = parser.get("metadata", "license", fallback="") or ""
    return _legacy("metadata.license", license_, (classifiers or "").splitlines())


def _package_json(text: str) -> Declared:
    document = json.loads(text)
    if not isinstance(document, dict):
        return Declared(reason="broken manifest: not an object")
    license_ = document.get("license", document.get("licence"))
    if isinstance(license_, dict):
        license_ = license_.get("type")
    if isinstance(license_, str):
        return _field("license", license_)
    listed = document.get("licenses", license_)
    if not isinstance(listed, list):
        return Declared()
    # npm's old form: a list of licences to choose from.
    words = [str(item.get("type", "")) if isinstance(item, dict) else str(item) for item in listed]
    options = [normalise(word) for word in words]
    raw = " OR ".join(words)
    if not options:
        return Declared()
    if any(option is None for option in options):
        return _not_understood("licenses", raw, words)
    return Declared(any_of(option for option in options if option is not None), raw, "licenses")


def _cargo(text: str) -> Declared:
    package = _table(tomllib.loads(text), "package")
    license_, file = package.get("license"), package.get("license-file")
    if isinstance(license_, str):
        return _field("package.license", license_)
    return _pointer("package.license-file", file) if isinstance(file, str) else Declared()


def _composer(text: str) -> Declared:
    document = json.loads(text)
    if not isinstance(document, dict):
        return Declared(reason="broken manifest: not an object")
    listed = document.get("license")
    # Several are a choice, by Composer's documentation.
    return _options("license", [listed] if isinstance(listed, str) else _strings(listed))


def _cpan(text: str) -> Declared:
    document = json.loads(text)
    listed = _strings(document.get("license")) if isinstance(document, dict) else []
    named = {
        "perl_5": "Artistic-1.0-Perl OR GPL-1.0-or-later",
        "mit": "MIT",
        "bsd": "BSD-3-Clause",
        "apache_2_0": "Apache-2.0",
    }
    return _options("license", [named.get(word, word.replace("_", "-")) for word in listed if word != "unknown"])


def _options(field: str, words: list[str]) -> Declared:
    """A list of licences to choose from."""
    found = [normalise(word) for word in words]
    raw = " OR ".join(words)
    if not found:
        return Declared()
    if any(option is None for option in found):
        return _not_understood(field, raw, words)
    return Declared(any_of(option for option in found if option is not None), raw[:_RAW_LIMIT], field)


def _setup_py(text: str) -> Declared:
    """The constants given to `setup(...)`: the program is parsed, and not run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what stands in somebody else's program
        tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "setup":
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            license_ = given.get("license")
            raw = license_.value if isinstance(license_, ast.Constant) and isinstance(license_.value, str) else ""
            listed = given.get("classifiers")
            elements = listed.elts if isinstance(listed, ast.List | ast.Tuple) else []
            return _legacy(
                "license", raw, [e.value for e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)]
            )
    return Declared()


_POM_LICENSES = re.compile(r"<licenses>(.*?)</licenses>", re.DOTALL)
_POM_NAME = re.compile(r"<license>.*?<name>\s*([^<]*?)\s*</name>.*?</license>", re.DOTALL)


def _pom(text: str) -> Declared:
    """All of its licences together: what Maven calls a choice is often a list of parts."""
    section = _POM_LICENSES.search(text)
    words = _POM_NAME.findall(section[1]) if section else []
    found = [normalise(word) for word in words]
    raw = "; ".join(words)[:_RAW_LIMIT]
    if not found:
        return Declared()
    if any(option is None for option in found):
        return _not_understood("licenses", raw, words)
    return Declared(all_of(option for option in found if option is not None), raw, "licenses")


def _nuspec(text: str) -> Declared:
    found = re.search(r"""<license\s+type=["'](expression|file)["']\s*>([^<]*)</license>""", text)
    if found is None:
        return Declared()
    return _field("license", found[2]) if found[1] == "expression" else _pointer("license", found[2])


_RUBY_LICENSE = re.compile(r"""^\s*\w+\.licenses?\s*=\s*(?P<value>[^#\n]*(?:\[[^\]]*\])?)""", re.MULTILINE)
_QUOTED = re.compile(r"""["']([^"'\n]{1,200})["']""")
_POD_TYPE = re.compile(r""":?type["']?\s*(?:=>|:)\s*["']([^"'\n]*)["']""")


def _ruby(text: str) -> Declared:
    """The literals given to `spec.license = ` or `spec.licenses = `; the program is not run."""
    found = _RUBY_LICENSE.search(text)
    if found is None:
        return Declared()
    typed = _POD_TYPE.search(found["value"])
    words = [typed[1]] if typed else re.findall(r"[\w.+-]+", found["value"].partition("%w[")[2].partition("]")[0])
    return _options("license", words or _QUOTED.findall(found["value"]))


def _fields(text: str) -> dict[str, str]:
    """`Name: value` lines at the margin, by lower-case name; the first of a name counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name and not name[0].isspace():
            found.setdefault(name.strip().lower(), value.strip().strip("\"'"))
    return found


def _cabal(text: str) -> Declared:
    raw = _fields(text).get("license", "")
    # Before version 2.2, Cabal had names of its own.
    named = {"bsd2": "BSD-2-Clause", "bsd3": "BSD-3-Clause", "bsd4": "BSD-4-Clause", "publicdomain": "public domain"}
    return _field("license", named.get(raw.lower(), raw))


def _description(text: str) -> Declared:
    """R's DESCRIPTION; other files have that name, too."""
    fields = _fields(text)
    if "package" not in fields:
        return Declared()
    words = []
    for option in fields.get("license", "").split("|"):
        word = re.sub(r"\s*\+\s*file\s+\S+", "", option).strip()
        later = re.fullmatch(r"([AL]?GPL)\s*\(\s*>=?\s*([\d.]+)\s*\)", word)
        word = f"{later[1]}-{later[2] if '.' in later[2] else later[2] + '.0'}-or-later" if later else word
        exact = re.fullmatch(r"([AL]?GPL)-(\d)", word)
        words.append(f"{exact[1]}-{exact[2]}.0-only" if exact else word)
    return _options("License", [word for word in words if word and not word.startswith("file ")])


def _opam(text: str) -> Declared:
    found = re.search(r"""^license:\s*(\[[^\]]*\]|"[^"\n]*")""", text, re.MULTILINE)
    words = _QUOTED.findall(found[1]) if found else []
    # A list holds together, by opam's documentation.
    expressions = [normalise(word) for word in words]
    if not words or any(e is None for e in expressions):
        return Declared(None, "; ".join(words)[:_RAW_LIMIT] or None, "license", "not understood" if words else None)
    return Declared(all_of(e for e in expressions if e is not None), "; ".join(words), "license")


def _field(field: str, raw: str) -> Declared:
    """A field that holds an expression."""
    raw = raw.strip()
    expression = normalise(raw)
    if expression is not None:
        return Declared(expression, raw, field)
    if not raw:
        return Declared()
    if see := _SEE.fullmatch(raw):
        return _pointer(field, see["path"])
    if _forbids(raw):
        return Declared(parse(NOT_UNDERSTOOD), raw[:_RAW_LIMIT], field)
    reason = "points to a file" if _POINTER.search(raw) else "not understood"
    return Declared(None, raw[:_RAW_LIMIT], field, reason)


def _pointer(field: str, path: str) -> Declared:
    path = path.strip().strip("'\"<>")
    return Declared(None, path[:_RAW_LIMIT], field, "points to a file", path[:_RAW_LIMIT])


def _not_understood(field: str, raw: str, words: list[str]) -> Declared:
    """A list with a word that was not understood: it forbids where that does."""
    unclear = [word for word in words if normalise(word) is None]
    expression = parse(NOT_UNDERSTOOD) if any(map(_forbids, unclear)) else None
    return Declared(expression, raw[:_RAW_LIMIT], field, "a licence in the list was not understood")


def _forbids(raw: str) -> bool:
    """Whether words that were not understood name a licence that asks for more than notice, or none."""
    return _FORBIDS.search(raw[:_RAW_LIMIT]) is not None and not _COMPATIBLE.search(raw[:_RAW_LIMIT])


def _legacy(field: str, raw: str, classifiers: Iterable[str]) -> Declared:
    """A free text field and trove classifiers.

    The text goes first, because classifiers are coarse ("BSD License"); but a classifier that says more than
    notice and attribution is asked for is added, unless the text names that licence too.
    """
    found = _field(field, raw)
    options = [normalise(c.rpartition(" :: ")[2]) for c in map(str.strip, classifiers) if c.startswith(_CLASSIFIER)]
    coarse = [option for option in options if option is not None]
    if found.expression is None:
        joined = all_of(coarse)
        if joined is None:
            return found
        return Declared(joined, "; ".join(sorted(map(str, coarse))), "classifiers")
    named = set(leaves(found.expression))
    stricter = [c for c in coarse if isinstance(c, Leaf) and c not in named and not _is_permissive(c)]
    # A version that the text gives more exactly ("LGPL-2.1-or-later" against "LGPL") is no contradiction.
    stricter = [c for c in stricter if all(_is_permissive(leaf) for leaf in named)]
    if not stricter:
        return found
    return Declared(all_of([found.expression, *stricter]), found.raw, f"{field}, classifiers")


def _is_permissive(leaf: Leaf) -> bool:
    entry = table.by_id(leaf.spdx)
    return entry is not None and entry.category in _NOTICE_ONLY


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


_READERS: dict[str, Callable[[str], Declared]] = {
    names.PKG_INFO: _core_metadata,
    names.WHEEL: _core_metadata,
    names.PYPROJECT: _pyproject,
    names.SETUP_CFG: _setup_cfg,
    names.PACKAGE_JSON: _package_json,
    names.CARGO: _cargo,
    names.SETUP_PY: _setup_py,
    names.BOWER: _package_json,
    names.COMPOSER: _composer,
    names.CPAN_JSON: _cpan,
    names.POM: _pom,
    names.NUSPEC: _nuspec,
    names.GEMSPEC: _ruby,
    names.PODSPEC: _ruby,
    names.CABAL: _cabal,
    names.HPACK: _cabal,
    names.R_DESCRIPTION: _description,
    names.OPAM: _opam,
}
