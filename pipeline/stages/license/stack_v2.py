"""How The Stack v2 decides, as published: so that every difference from it can be shown.

Source: bigcode-project/the-stack-v2, `get_file_contents.py` and `get_license_types.py` (read), in which licence files
are chosen by name, the licences found in them are flattened to a set of ids, and each file gets the union over all its
ancestors, unless the repository has a licence of its own: then that alone decides. Headers are never read. The
whitelist is not in the repository; here it is whatever the policy at hand calls permissive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

_NAME = re.compile(
    rb"^(|.*[-_. ])(li[cs]en[cs]e(s?)|legal|copy(left|right|ing)|unlicense|[al]?gpl([-_ v]?)(\d\.?\d?)?|bsd(l?)|mit(x?)"
    rb"|apache|artistic|copying(v?)(\d?)|disclaimer|eupl|gfdl|[cm]pl|cc0|al([-_ v]?)(\d\.?\d)?|about|notice|readme"
    rb"|guidelines)(|[-_. ].*)$",
    re.IGNORECASE,
)
_NEUTRAL = frozenset(
    f"LicenseRef-scancode-{key}"
    for key in (
        "dco-1.1", "generic-cla", "google-cla", "jetty-ccla-1.1", "newton-king-cla", "generic-exception",
        "generic-export-compliance", "generic-tos", "generic-trademark", "warranty-disclaimer",
    )
)  # fmt: skip
_POINTER = "LicenseRef-scancode-unknown-license-reference"


def is_license_name(path: bytes) -> bool:
    """Whether The Stack v2 reads this file for a licence.

    >>> is_license_name(b"docs/readme_parser.go"), is_license_name(b"Apache2.0")
    (True, False)
    """
    return _NAME.match(path.rpartition(b"/")[2]) is not None


def inherited(path: bytes, detected: Mapping[bytes, Iterable[str]]) -> frozenset[str]:
    """The ids that hold at a path: of every licence file in its folder or one above. `detected`: ids by path of the
    licence file.
    """
    found: set[str] = set()
    folder = path
    while folder:
        folder = folder.rpartition(b"/")[0]
        found.update(*(ids for file, ids in detected.items() if file.rpartition(b"/")[0] == folder))
    return frozenset(found)


def license_type(declared: str | None, detected: Iterable[str], permitted: Callable[[str], bool]) -> str:
    """`permissive`, `no_license` or `non_permissive`, from the repository's declared id and the ids that hold.

    >>> license_type(None, ["MIT", "GPL-2.0-only"], {"MIT"}.__contains__)
    'non_permissive'
    >>> license_type("MIT", ["GPL-3.0-only"], {"MIT"}.__contains__)
    'permissive'
    """
    if declared is not None and permitted(declared):
        return "permissive"
    if declared not in (None, "NOASSERTION"):
        return "non_permissive"
    ids = set(detected)
    if not ids:
        return "no_license" if declared is None else "non_permissive"
    ids -= _NEUTRAL
    permissive = {spdx for spdx in ids if permitted(spdx)}
    if permissive:
        ids.discard(_POINTER)
    if permissive and permissive == ids:
        return "permissive"
    return "non_permissive" if ids else "no_license"
