"""NOTICE files: what must be passed on with a file, beside its licence.

Apache-2.0, section 4 (d), asks for it by this name. The nearest folder upward that has one decides, as for licence
files, and those of a wheel hold where its licences do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.stages.license import names
from pipeline.stages.license.resolve import Tree, owners

_NAME = re.compile(rb"(?:third[-_ ]?party[-_ ]?)?notices?(?:\.(?:txt|md|rst))?", re.IGNORECASE)


def is_notice(path: bytes) -> bool:
    """Whether a path is such a file, by its name.

    >>> is_notice(b"a/NOTICE.txt"), is_notice(b"ThirdPartyNotices"), is_notice(b"notice.py")
    (True, True, False)
    """
    return _NAME.fullmatch(path.rpartition(b"/")[2]) is not None


def nearest_notices(paths: Sequence[bytes]) -> list[bytes | None]:
    """The path of the NOTICE that holds for each path of an origin; the first by name where a folder has several."""
    found = sorted(filter(is_notice, paths), reverse=True)
    if not found:
        return [None] * len(paths)
    tree = Tree(paths)
    at = {owner: notice for notice in found for owner in owners(notice, names.LICENSE, tree)}

    def of(place: bytes) -> bytes | None:
        while place not in at and place:
            place = place.rpartition(b"/")[0]
        return at.get(place)

    folders = {path.rpartition(b"/")[0] for path in paths}
    by_folder = {folder: of(folder) for folder in folders}
    return [at.get(path) or by_folder[path.rpartition(b"/")[0]] for path in paths]
