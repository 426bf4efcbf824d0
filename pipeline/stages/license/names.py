"""Which paths speak about licences: licence files by their strict names, and package manifests.

The Stack v2 takes any name that begins with one of 20 words (`readme`, `about`, `mit`, ...), so that
`license.py` and `mit.c` count as licence files there. Here a name must be about a licence as a whole, and
source files never are.
"""

from __future__ import annotations

import re
from functools import lru_cache

LICENSE = "license"
PKG_INFO = "metadata:pkg-info"
WHEEL = "metadata:wheel"
PYPROJECT = "metadata:pyproject"
SETUP_CFG = "metadata:setup.cfg"
PACKAGE_JSON = "metadata:package.json"
CARGO = "metadata:cargo"
SETUP_PY = "metadata:setup.py"
POM = "metadata:pom"
GEMSPEC = "metadata:gemspec"
COMPOSER = "metadata:composer"
CABAL = "metadata:cabal"
HPACK = "metadata:hpack"
R_DESCRIPTION = "metadata:r"
BOWER = "metadata:bower"
NUSPEC = "metadata:nuspec"
CPAN_JSON = "metadata:cpan"
OPAM = "metadata:opam"
PODSPEC = "metadata:podspec"
REUSE_TOML = "paths:reuse"
REUSE_DEP5 = "paths:dep5"
DEBIAN_COPYRIGHT = "paths:debian"

MANIFESTS = frozenset(
    {
        *(
            PKG_INFO,
            WHEEL,
            PYPROJECT,
            SETUP_CFG,
            SETUP_PY,
            PACKAGE_JSON,
            BOWER,
            CARGO,
            POM,
            GEMSPEC,
            COMPOSER,
            CABAL,
            HPACK,
        ),
        *(R_DESCRIPTION, NUSPEC, CPAN_JSON, OPAM, PODSPEC),
    }
)
COVERINGS = frozenset({REUSE_TOML, REUSE_DEP5, DEBIAN_COPYRIGHT})

_MANIFEST_NAMES = {
    b"PKG-INFO": PKG_INFO,
    b"pyproject.toml": PYPROJECT,
    b"setup.cfg": SETUP_CFG,
    b"setup.py": SETUP_PY,
    b"package.json": PACKAGE_JSON,
    b"bower.json": BOWER,
    b"Cargo.toml": CARGO,
    b"pom.xml": POM,
    b"composer.json": COMPOSER,
    b"package.yaml": HPACK,
    b"DESCRIPTION": R_DESCRIPTION,
    b"META.json": CPAN_JSON,
    b"REUSE.toml": REUSE_TOML,
    b"opam": OPAM,
}
_MANIFEST_SUFFIXES = {
    b".gemspec": GEMSPEC,
    b".cabal": CABAL,
    b".nuspec": NUSPEC,
    b".opam": OPAM,
    b".podspec": PODSPEC,
}
_LICENSE_NAME = re.compile(
    rb"(.*[-_.])?(li[cs]en[cs]es?|copying(\.lesser|\.lib|v?\d)?|copyright|unlicense|legal|apache-license"
    rb"|mit-license|li[cs]en[cs]a|eula|third-?party-?licen[cs]es)([-_. ].*)?"
    # A licence as the whole name: GPL, LGPLv3, Apache2.0, ISC.txt.
    rb"|(0?bsd|isc|zlib|wtfpl|mit|cc0|mpl|[al]?gpl|apache|artistic|boost)[-_ ]?(licen[cs]e)?[-_ ]?(v?\d(\.\d)?)?"
    rb"(\.txt|\.md)?",
    re.IGNORECASE | re.DOTALL,
)
_SOURCE_NAME = re.compile(
    rb".*\.("
    rb"py|pyi|pyx|pxd|js|jsx|mjs|cjs|ts|tsx|vue|map|c|h|cc|hh|cpp|hpp|cxx|hxx|m|mm|cu|go|rs"
    rb"|java|kt|scala|swift|rb|php|pl|pm|sh|bash|ps1|bat|cs|vb|fs|lua|r|jl|sql|css|scss|less"
    rb"|html?|xhtml|xml|xsd|tmpl|tpl|j2|jinja|erb|png|gif|jpe?g|ico|svg|pdf|json|jsonl|csv|tsv"
    rb"|toml|ya?ml|ini|cfg|lock|in|ac|am|m4|cmake|gradle|ipynb|pot?|snap|patch|diff|spdx|sig|asc"
    rb"|sha256|gz|zip|bz2|xz"
    rb")",
    re.IGNORECASE | re.DOTALL,
)
_STACK_V2_NAME = re.compile(
    rb"^(|.*[-_. ])(li[cs]en[cs]e(s?)|legal|copy(left|right|ing)|unlicense|[al]?gpl([-_ v]?)(\d\.?\d?)?|bsd(l?)|mit(x?)"
    rb"|apache|artistic|copying(v?)(\d?)|disclaimer|eupl|gfdl|[cm]pl|cc0|al([-_ v]?)(\d\.?\d)?|about|notice|readme"
    rb"|guidelines)(|[-_. ].*)$",
    re.IGNORECASE,
)
# The same set that LICENSES/ (REUSE) and *.dist-info/licenses/ (PEP 639) hold: texts named by their licence.
_LICENSES_FOLDER = re.compile(rb"[Ll]icen[cs]es|LICEN[CS]ES?")
_TEXT_NAME = re.compile(rb"[^.]*|.*\.(txt|text|md|markdown|rst|license|\d[^.]*)", re.IGNORECASE)


def kind_of(path: bytes) -> str | None:
    """What a path says by its name: `"license"`, `"metadata:..."` (a manifest), `"paths:..."` (a file that states
    licences path by path) or None.

    >>> kind_of(b"src/COPYING.LESSER"), kind_of(b"license.py"), kind_of(b"x-1.dist-info/METADATA")
    ('license', None, 'metadata:wheel')
    """
    folder, _, name = path.rpartition(b"/")
    if name in _MANIFEST_NAMES:
        return _MANIFEST_NAMES[name]
    if name == b"METADATA":
        return WHEEL if folder.endswith(b".dist-info") else None
    if name == b"dep5" and folder.rpartition(b"/")[2] == b".reuse":
        return REUSE_DEP5
    if name == b"copyright" and folder.rpartition(b"/")[2] == b"debian":
        return DEBIAN_COPYRIGHT
    dot = name.rfind(b".")
    if dot > 0 and name[dot:] in _MANIFEST_SUFFIXES:
        return _MANIFEST_SUFFIXES[name[dot:]]
    if _is_source(name):
        return None
    if _LICENSE_NAME.fullmatch(name):
        return LICENSE
    if holds_licenses(folder) and not name.startswith(b".") and _TEXT_NAME.fullmatch(name):
        return LICENSE
    return None


def stack_v2_kind_of(path: bytes) -> str | None:
    """As `kind_of`, by the names that The Stack v2 reads: licence files only, source files among them.

    >>> stack_v2_kind_of(b"docs/readme_parser.go"), stack_v2_kind_of(b"Apache2.0"), stack_v2_kind_of(b"package.json")
    ('license', None, None)
    """
    return LICENSE if _STACK_V2_NAME.match(path.rpartition(b"/")[2]) else None


@lru_cache(maxsize=65536)
def holds_licenses(folder: bytes) -> bool:
    """Whether a folder, or one above it, is named for the licence texts that it holds: `LICENSES/`,
    `licenses/sub/`.
    """
    return any(_LICENSES_FOLDER.fullmatch(part) for part in folder.split(b"/"))


def is_licenses_folder(name: bytes) -> bool:
    """Whether one component is such a name."""
    return _LICENSES_FOLDER.fullmatch(name) is not None


def _is_source(name: bytes) -> bool:
    # X.license beside X is X's own licence (REUSE), whatever X is.
    return not name.lower().endswith(b".license") and _SOURCE_NAME.fullmatch(name) is not None
