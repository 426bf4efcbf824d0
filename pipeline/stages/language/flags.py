"""Flags of our own: minified, notebook, dump of data."""

from __future__ import annotations

import re

_MINIFIED_NAME = re.compile(rb"[.-]min\.(?:js|mjs|cjs|css|html?|json)$", re.IGNORECASE)
_MAY_BE_MINIFIED = (b".js", b".mjs", b".cjs", b".css")
_MINIFIED_LINE = 110  # bytes of a mean line: linguist's bound
_NOTEBOOKS = (b".ipynb",)
_DATA_LANGUAGES = frozenset(
    {"CSV", "TSV", "JSON", "JSON with Comments", "JSONLD", "GeoJSON", "TopoJSON", "XML", "YAML", "SQL", "Text", "INI",
     "Gettext Catalog", "Public Key", "SubRip Text", "Wavefront Object", "STL", "G-code", "Graphviz (DOT)", "Turtle",
     "N-Triples", "Web Ontology Language", "Jupyter Notebook"}
)  # fmt: skip
_DUMP_BYTES = 64 << 10
_DUMP_DIGITS = 0.4
_INSERTS = re.compile(rb"^\s*INSERT INTO\b", re.IGNORECASE | re.MULTILINE)
_SQL_INSERTS = 50
_DIGITS = b"0123456789.,-+eE"


def is_minified(path: bytes, data: bytes) -> bool:
    """Whether JavaScript or CSS (or a file called `.min.`) was made small: a mean line of more than 110 bytes."""
    base = path.rpartition(b"/")[2]
    if _MINIFIED_NAME.search(base):
        return True
    return (
        bool(data)
        and base.lower().endswith(_MAY_BE_MINIFIED)
        and ((len(data) - data.count(b"\n")) / (data.count(b"\n") + 1) > _MINIFIED_LINE)
    )


def is_notebook(path: bytes, language: str | None) -> bool:
    """Whether a file is a Jupyter notebook."""
    return language == "Jupyter Notebook" or path.lower().endswith(_NOTEBOOKS)


def is_data_dump(language: str | None, data: bytes) -> bool:
    """Whether a file is data and not code: in CSV or TSV whatever its size; else in a language for data, at least
    64 KiB long, and of figures for two fifths or, in SQL, with 50 INSERT statements. One pass over the text."""
    if language in ("CSV", "TSV"):
        return True
    if language not in _DATA_LANGUAGES or len(data) < _DUMP_BYTES:
        return False
    if language == "SQL":
        return len(_INSERTS.findall(data)) >= _SQL_INSERTS
    return len(data) - len(data.translate(None, _DIGITS)) >= _DUMP_DIGITS * len(data)
