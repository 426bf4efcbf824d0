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

MANIFESTS = frozenset({PKG_INFO, WHEEL, PYPROJECT, SETUP_CFG, PACKAGE_JSON, CARGO})

_MANIFEST_NAMES = {
    b"PKG-INFO": PKG_INFO,
    b"pyproject.toml": PYPROJECT,
    b"setup.cfg": SETUP_CFG,
    b"package.json": PACKAGE_JSON,
    b"Cargo.toml": CARGO,
}
_LICENSE_NAME = re.compile(
    rb"(.*[-_.])?(li[cs]en[cs]es?|copying(\.lesser|\.lib|v?\d)?|copyright|unlicense|legal|apache-license"
    rb"|mit-license)([-_. ].*)?",
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
# The same set that LICENSES/ (REUSE) and *.dist-info/licenses/ (PEP 639) hold: texts named by their licence.
_LICENSES_FOLDER = re.compile(rb"[Ll]icen[cs]es|LICEN[CS]ES?")
_TEXT_NAME = re.compile(rb"[^.]*|.*\.(txt|text|md|markdown|rst|license|\d[^.]*)", re.IGNORECASE)


def kind_of(path: bytes) -> str | None:
    """What a path says by its name: `"license"`, `"metadata:..."` or None.

    >>> kind_of(b"src/COPYING.LESSER"), kind_of(b"license.py"), kind_of(b"x-1.dist-info/METADATA")
    ('license', None, 'metadata:wheel')
    """
    folder, _, name = path.rpartition(b"/")
    if name in _MANIFEST_NAMES:
        return _MANIFEST_NAMES[name]
    if name == b"METADATA":
        return WHEEL if folder.endswith(b".dist-info") else None
    if _is_source(name):
        return None
    if _LICENSE_NAME.fullmatch(name):
        return LICENSE
    if holds_licenses(folder) and not name.startswith(b".") and _TEXT_NAME.fullmatch(name):
        return LICENSE
    return None


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
