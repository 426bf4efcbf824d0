"""Which origins of an export are taken."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import InputError
from pipeline.stages.ingest.config import SwhSource

_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?(?P<host>[^/:]+)"


def read_origin_list(path: Path) -> frozenset[str]:
    """The URLs of a text file, one a line; blank lines and lines that begin with # are left out. Raises InputError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a UTF-8 text file with one origin URL a line: {error}") from error
    found = frozenset(_plain(line.strip()) for line in lines if line.strip() and not line.lstrip().startswith("#"))
    if not found:
        raise InputError(f"{path}: names no origin; expected one URL a line")
    return found


def taken(urls: pa.Array, source: SwhSource, listed: frozenset[str] | None) -> pa.Array:
    """A mask over `urls`: in the list (with or without a final slash or .git), at a forge, and like a pattern."""
    mask = pc.is_valid(urls)
    if listed is not None:
        plain = pc.replace_substring_regex(urls, r"(\.git)?/*$", "")
        mask = pc.and_(mask, pc.is_in(plain, value_set=pa.array(sorted(listed), pa.string())))
    if source.forges:
        hosts = pc.utf8_lower(pc.struct_field(pc.extract_regex(urls, _HOST), "host"))
        known = pa.array(sorted({forge.lower() for forge in source.forges}), pa.string())
        mask = pc.and_(mask, pc.fill_null(pc.is_in(hosts, value_set=known), False))
    if source.origins:
        mask = pc.and_(mask, pc.match_substring_regex(urls, _any_of(source.origins)))
    return mask


def _any_of(patterns: Iterable[str]) -> str:
    return "^(?s:" + "|".join("".join(_piece(c) for c in pattern) for pattern in patterns) + ")$"


def _piece(character: str) -> str:
    return {"*": ".*", "?": "."}.get(character) or re.escape(character)


def _plain(url: str) -> str:
    return re.sub(r"(\.git)?/*$", "", url)
