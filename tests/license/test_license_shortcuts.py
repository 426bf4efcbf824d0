"""The shortcuts change no answer of ScanCode's."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.stages.license import scancode, shortcuts

TEXTS = (
    "# Copyright 2020 Example\n# Licensed under the Apache License, Version 2.0\n",
    "x = 'gpl'\n",
    "gpl\n",
    "freeware\n",
    "# public domain\n\n\nimport gpl\n",
    "copyright gpl\n",
    "# see the LICENSE file for the licence terms\n",
    "license = 'BSD'\n" * 3,
    "This program is free software; lgpl gpl2 (c) nobody.\n" + "pass\n" * 50 + "mit\n",
    "",
)


@pytest.fixture
def detection() -> Iterator[Any]:
    """ScanCode's detection with its own functions, put back as they were afterwards."""
    scancode.load()
    from licensedcode import detection

    names = (detection, "is_false_positive"), (detection.LicenseDetection, "identifier_with_expression")
    installed = [owner.__dict__[name] for owner, name in names]
    yield detection
    for (owner, name), value in zip(names, installed, strict=True):
        setattr(owner, name, value)


def differing(detection: Any, texts: list[str]) -> list[str]:
    quick = [scancode.scan(text, approximate=False) for text in texts]
    detection.is_false_positive = detection.is_false_positive.args[0]
    detection.LicenseDetection.identifier_with_expression = property(lambda self: self._identifier)
    slow = [scancode.scan(text, approximate=False) for text in texts]
    assert any(slow)
    return [text for text, one, two in zip(texts, quick, slow, strict=True) if one != two]


def test_answers_are_scancodes_own(detection: Any) -> None:
    assert differing(detection, list(TEXTS)) == []


@pytest.mark.oracle
def test_answers_are_scancodes_own_on_a_library(detection: Any) -> None:
    library = sorted(Path(inspect.getfile(random)).parent.glob("*.py"))
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in random.Random(7).sample(library, 60)]
    assert differing(detection, texts) == []


class _Match:
    def __init__(self, text: str) -> None:
        self.text, self.asked, self.relevance = text, 0, 50

    def matched_text(self) -> str:
        self.asked += 1
        return self.text


@pytest.mark.parametrize(
    ("text", "suspect", "verdict", "asked"),
    [("gpl", True, True, 1), ("(c) gpl", True, False, 1), ("gpl", False, False, 0), ("(c) gpl", False, False, 0)],
)
def test_a_text_is_made_only_where_it_could_change_a_yes(text: str, suspect: bool, verdict: bool, asked: int) -> None:
    def stock(matches: list[Any], package_license: bool) -> bool:
        speaks = all("(c)" in match.matched_text() for match in matches)
        return not speaks and suspect and all(match.relevance < 60 for match in matches)

    match = _Match(text)
    assert shortcuts._is_false_positive(stock, [match]) is verdict
    assert match.asked == asked
