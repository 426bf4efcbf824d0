"""What ScanCode computes beside its matches and nobody here asks for: the same matches for half the CPU.

To make a match's text, ScanCode tokenizes the whole file once more, in Python. It does so for two things:

- the identifier of a detection, which no answer of the service holds: left out;
- whether a match that looks like a false positive is none because its text speaks of copyright. That can only turn a
  yes into a no, so the text is made only where everything else says yes.

Replaces parts of ScanCode's internals, as `candidates` does, and for the same versions.
"""

from __future__ import annotations

from functools import partial
from typing import Any


class _WithoutText:
    """A match whose text is not known, and so does not speak of copyright."""

    def __init__(self, match: Any) -> None:
        self._match = match

    def __getattr__(self, name: str) -> Any:
        return getattr(self._match, name)

    def matched_text(self) -> str:
        return ""


def install() -> None:
    """Make ScanCode take the shortcuts in this process and in those forked from it."""
    from licensedcode import detection

    if isinstance(detection.is_false_positive, partial):
        return
    detection.is_false_positive = partial(_is_false_positive, detection.is_false_positive)
    detection.LicenseDetection.identifier_with_expression = property(lambda self: "")


def _is_false_positive(stock: Any, license_matches: list[Any], package_license: bool = False) -> bool:
    return bool(
        stock([_WithoutText(match) for match in license_matches], package_license)
        and stock(license_matches, package_license)
    )
