"""The licences that ScanCode knows, as a small table that is read without ScanCode.

`licenses.tsv` is package data, derived by `scripts/build_license_table`. Loading takes some milliseconds and
happens once per process, at the first look-up.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# ScanCode's categories whose members say nothing about what may be done with the code.
_SILENT_CATEGORIES = frozenset({"Unstated License", "CLA", "Patent License"})
# In a silent category, yet a statement: an id that nobody knows, and the remark that there is no licence.
_STATED_ALL_THE_SAME = frozenset({"unknown-spdx", "no-license"})


@dataclass(frozen=True, slots=True)
class License:
    """One licence or exception: ScanCode's key, its SPDX id, ScanCode's category."""

    key: str
    spdx: str
    category: str
    is_exception: bool
    replaced_by: str

    @property
    def is_silent(self) -> bool:
        """Whether it grants and forbids nothing by itself: a pointer elsewhere, a disclaimer, a CLA, a patent
        grant, or the exception of a permissive licence without that licence.
        """
        if self.is_exception and self.category == "Permissive":
            return True
        return self.category in _SILENT_CATEGORIES and self.key not in _STATED_ALL_THE_SAME


def licenses() -> Iterable[License]:
    """Every licence of the table, deprecated ones included, in order of their keys."""
    return (entry for entry, _ids, _names in _rows())


def by_id(identifier: str) -> License | None:
    """The licence with this SPDX id, former id or ScanCode key, whatever the case.

    >>> by_id("gpl-2.0+").spdx, by_id("bsd-new").spdx
    ('GPL-2.0-or-later', 'BSD-3-Clause')
    """
    return _by_id().get(identifier.lower())


def by_name(name: str) -> License | None:
    """The licence with this full name, as people write it in manifests; None where several have it.

    >>> by_name("Apache License 2.0").spdx
    'Apache-2.0'
    """
    return _by_name().get(_plain(name))


def digest() -> str:
    """sha256 of the table: part of the key of whatever reads expressions."""
    return hashlib.sha256(_data()).hexdigest()


def _data() -> bytes:
    return files(__package__).joinpath("licenses.tsv").read_bytes()


@cache
def _rows() -> list[tuple[License, list[str], list[str]]]:
    return list(_parse(_data().decode("utf-8")))


def _parse(text: str) -> Iterator[tuple[License, list[str], list[str]]]:
    for line in text.splitlines()[3:]:
        key, spdx, category, exception, replaced_by, other_ids, names = line.split("\t")
        entry = License(key, spdx or f"LicenseRef-scancode-{key}", category, bool(exception), replaced_by)
        yield entry, [i for i in other_ids.split("|") if i], [n for n in names.split("|") if n]


@cache
def _by_id() -> dict[str, License]:
    found: dict[str, License] = {}
    for entry, ids, _names in _rows():
        for identifier in ids:
            found.setdefault(identifier.lower(), entry)
    # A licence's own id goes before the same id as a former one of another; its key comes last.
    found.update((entry.spdx.lower(), entry) for entry, _ids, _names in _rows())
    for entry, _ids, _names in _rows():
        found.setdefault(entry.key, entry)
    return found


@cache
def _by_name() -> dict[str, License]:
    found: dict[str, set[License]] = {}
    for entry, _ids, names in _rows():
        for name in names:
            found.setdefault(_plain(name), set()).add(entry)
    return {name: next(iter(entries)) for name, entries in found.items() if len(entries) == 1}


def _plain(name: str) -> str:
    words = re.findall(r"[a-z0-9.+]+", name.lower())
    return " ".join(word.strip(".") for word in words if word not in {"the", "version", "v"})
