"""Linguist's list of languages: id, type, group, colour, and the names of files that tell them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from pipeline.stages.language.guesslang import data_folder


class Language(NamedTuple):
    """A language as linguist knows it. `group` is the language that it is counted with, where that is another."""

    name: str
    id: int
    type: str  # programming, markup, data, prose
    group: str | None
    color: str | None  # such as #3572A5
    extensions: tuple[str, ...]
    filenames: tuple[str, ...]
    interpreters: tuple[str, ...]


@functools.cache
def about() -> dict[str, Any]:
    """Of which release of linguist the data are, their source, licence and digests."""
    found: dict[str, Any] = json.loads((data_folder() / "linguist.json").read_text("utf-8"))
    return found


@functools.cache
def languages() -> dict[str, Language]:
    """Every language by its name, in order of names."""
    rows = json.loads((data_folder() / "languages.json").read_text("utf-8"))
    return {
        row["name"]: Language(**row | {key: tuple(row[key]) for key in ("extensions", "filenames", "interpreters")})
        for row in rows
    }


@functools.cache
def languages_by_filename() -> dict[str, tuple[str, ...]]:
    """Of each whole file name the languages that use it."""
    return _inverted({language.name: language.filenames for language in languages().values()})


@functools.cache
def _languages_by_extension() -> dict[str, tuple[str, ...]]:
    lower = {language.name: tuple(e.lower() for e in language.extensions) for language in languages().values()}
    generic = set(about()["generic_extensions"])
    return {extension: names for extension, names in _inverted(lower).items() if extension not in generic}


def _inverted(lists: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, values in lists.items():
        for value in dict.fromkeys(values):
            found.setdefault(value, []).append(name)
    return {value: tuple(names) for value, names in found.items()}


def by_extension(base: str) -> tuple[str, ...]:
    """The languages that use a file name's extension: of several, as in a.html.erb, the longest that is known.

    >>> by_extension("a.html.erb"), by_extension("A.PY")
    (('HTML+ERB',), ('Python',))
    """
    known = _languages_by_extension()
    parts = base.lower().split(".")
    for number in range(1, len(parts)):
        names = known.get("." + ".".join(parts[number:]))
        if names:
            return names
    return ()


def described(names: Iterable[str | None]) -> dict[str, list[int | str | None]]:
    """The columns `language_id`, `language_type` and `language_group` for each name; null where it is not known."""
    known = languages()
    found = [known.get(name or "") for name in names]
    return {
        "language_id": [language and language.id for language in found],
        "language_type": [language and language.type for language in found],
        "language_group": [language and (language.group or language.name) for language in found],
    }


def table_versions() -> dict[str, str]:
    """What decides these columns beside the code."""
    return {"linguist languages": about()["languages_sha256"]}
