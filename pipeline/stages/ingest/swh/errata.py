"""What is known to be wrong with published exports (Software Heritage's documentation of its datasets)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BY_DATE = {
    "2019-01-28": "this export is deprecated: edges between snapshots and their branches are missing",
    "2020-05-20": "this export is deprecated: edges between snapshots and their branches are missing",
    "2022-12-07": "dates of commits in this export are one or two hours off",
}


def warnings_of(name: str, described: Mapping[str, Any]) -> list[str]:
    """What a user must know of the export called `name`, which begins with its date where it is a published one.

    >>> warnings_of("2022-12-07-popular", {"metadata": {}, "tables": {"revision": {}, "release": {}}})
    ['dates of commits in this export are one or two hours off']
    """
    found = [text for date, text in _BY_DATE.items() if name.startswith(date)]
    versions = {name: values for name, values in described["metadata"].items() if len(values) > 1}
    found += [
        f"its files disagree on {name}: {', '.join(values)}" for name, values in versions.items() if name != "swh_uuid"
    ]
    lacking = [table for table in ("revision", "release") if table not in described["tables"]]
    if lacking:
        found.append(f"it has no table {', '.join(lacking)}: origins that need it cannot be listed")
    return found
