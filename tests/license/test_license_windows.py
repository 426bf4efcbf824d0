"""Windows hold every word of the gate with what stands around it; budgets are decided, and never "no licence"."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.license import names
from pipeline.stages.license.config import LicenseConfig
from pipeline.stages.license.decide import OVER_BUDGET, AtPath, verdict
from pipeline.stages.license.evidence import UNRECOGNISED, fact_of_scan
from pipeline.stages.license.expression import parse
from pipeline.stages.license.gate import places
from pipeline.stages.license.modes import read_fact
from pipeline.stages.license.policy import load
from pipeline.stages.license.steps import is_unrecognised, scan_header, stated_by
from pipeline.stages.license.windows import MARGIN, windows

FILLER = b"int answer = 42; /* nothing here */\n" * 200


def silent(request: dict[str, Any]) -> dict[str, Any]:
    return {"matches": []}


def matching(request: dict[str, Any]) -> dict[str, Any]:
    line = request["text"].split("licence")[0].count("\n") + 1
    return {
        "matches": [
            {
                "spdx": "MIT",
                "kind": "tag",
                "rule": "r",
                "matcher": "m",
                "score": 1,
                "start_line": line,
                "end_line": line,
            }
        ]
    }


def test_a_short_text_is_one_window() -> None:
    (window,) = windows(b"a\n// licence\nb\n")
    assert (window.data, window.lines_before) == (b"a\n// licence\nb\n", 0)
    assert windows(FILLER) == []


def test_far_words_have_windows_of_their_own_cut_at_lines() -> None:
    data = FILLER + b"// licence one\n" + FILLER * 3 + b"// licence two\n" + FILLER
    first, second = windows(data)
    for window, word in ((first, b"// licence one\n"), (second, b"// licence two\n")):
        assert word in window.data
        assert window.data.endswith(b"\n")
        assert data.split(b"\n")[window.lines_before : window.lines_before + 1] == window.data.split(b"\n")[:1]
    assert len(first.data) < 2 * MARGIN + 1000


TEXTS = st.lists(
    st.sampled_from([b"licence", b"x" * 700, b" ", b"\n", b"y" * 3000, b"gpl", "é".encode()]), max_size=12
).map(b"".join)


@given(TEXTS)
def test_windows_are_parts_of_the_text_that_hold_every_word(data: bytes) -> None:
    found = windows(data)
    at = 0
    spans = []
    for window in found:
        start = data.index(window.data, at)
        assert data.count(b"\n", 0, start) == window.lines_before
        spans.append((start, start + len(window.data)))
        at = start + len(window.data)
    assert all(any(a <= place < b for a, b in spans) for place in places(data))
    assert bool(found) == bool(places(data))


def test_lines_are_those_of_the_whole_file() -> None:
    data = FILLER + b"// licence\n" + FILLER
    (match,) = scan_header(data, LicenseConfig(), matching, {})
    assert match["start_line"] == 201


def test_equal_windows_are_scanned_once() -> None:
    asked: list[str] = []

    def count(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request["text"])
        return {"matches": []}

    seen: dict[bytes, Any] = {}
    for _ in range(3):
        scan_header(b"// licence\n", LicenseConfig(), count, seen)
    assert len(asked) == 1


def rule_of(fact_json: dict[str, Any], as_header: bool) -> tuple[str, str]:
    expression = read_fact("strict", names.LICENSE, b"b" * 20, json.dumps(fact_json)).expression
    at = AtPath(parse("MIT"), parse("MIT")) if as_header else AtPath(expression, expression)
    found = verdict(at, [expression] if as_header and expression else [], load("permissive-2"), "strict")
    return str(found.license_type), found.rule


@pytest.mark.parametrize(
    "data",
    [
        b"Copyright (c) 2020 Somebody\n" * 100_000,
        b"licence " * 2_500_000,
        b"licence" + b"(" * 2_000_000,
        "Copyright \u00a9 Somebody\n".encode() * 50_000,
    ],
    ids=["100,000 copyright lines", "20 MB", "parentheses", "signs"],
)
def test_what_is_too_much_is_over_budget_and_never_no_licence(data: bytes) -> None:
    config = LicenseConfig()
    as_file = stated_by(names.LICENSE, data, config, silent)
    assert rule_of(as_file, as_header=False) == ("non_permissive", "over_budget")
    header = {"matches": scan_header(data, config, silent, {})}
    small = sum(len(window.data) for window in windows(data)) <= config.max_header_bytes
    assert header["matches"] == [] if small else rule_of(header, as_header=True) == ("non_permissive", "over_budget")


def test_the_place_where_reading_stopped_is_told() -> None:
    config = LicenseConfig(max_header_bytes=20)
    (match,) = stated_by(names.LICENSE, b"a line\nanother one\nlicence\n", config, silent)["matches"]
    assert (match["spdx"], match["start_line"]) == (OVER_BUDGET, 3)
    assert str(fact_of_scan(b"b" * 20, [match]).expression) == OVER_BUDGET


def test_a_choice_with_what_was_not_read_is_none() -> None:
    both = parse(f"MIT AND {OVER_BUDGET}")
    assert verdict(AtPath(both, both), [], load("permissive-2"), "standard").rule == "over_budget"


def test_an_introduction_reaches_into_the_next_window() -> None:
    """ScanCode lets bare words count that follow an introduction, however far away; alone they are taken for chance."""

    def scan(request: dict[str, Any]) -> dict[str, Any]:
        rows = [
            ("licence", "intro", "LicenseRef-scancode-unknown-license-reference"),
            ("GPL", "clue", "GPL-1.0-or-later"),
        ]
        lines = request["text"].split("\n")
        return {
            "matches": [
                {"spdx": spdx, "kind": kind, "rule": word, "matcher": "m", "score": 50, "start_line": n, "end_line": n}
                for n, line in enumerate(lines, 1)
                for word, kind, spdx in rows
                if word in line
            ]
        }

    introduced = FILLER + b"// under one licence of:\n" + FILLER * 3
    listed = b"// GPL\n// GPL\n" + b"\n" * 9 + b"// GPL\n" + FILLER
    kinds = [row["kind"] for row in scan_header(introduced + listed, LicenseConfig(), scan, {})]
    assert kinds == ["intro", "reference", "reference", "clue"]
    assert [row["kind"] for row in scan_header(FILLER + listed, LicenseConfig(), scan, {})] == ["clue"] * 3


OWN_TERMS = (
    "The following terms govern what you may do with this work. You may look at it and build it on machines that you "
    "own, for as long as you study it. You must not hand it or anything made from it to anybody else, neither for gold "
    "nor without, and you must delete every copy of it once we ask you to. We keep everything that is not given here, "
    "and we may change these terms whenever we like. If a part of these terms is void the rest of them goes on. "
)


@pytest.mark.parametrize(
    ("about", "text", "expected"),
    [
        ("terms that nobody knows", OWN_TERMS, True),
        ("a few words", "See the folder above for the terms.", False),
        ("no terms", "This folder has texts about the works of many people, in alphabetical order. " * 9, False),
    ],
)
def test_own_terms_are_no_silence(about: str, text: str, expected: bool) -> None:
    stated = stated_by(names.LICENSE, text.encode(), LicenseConfig(), lambda _: {"matches": [], "version": "x"})
    expression = read_fact("strict", names.LICENSE, b"b" * 20, json.dumps(stated)).expression
    assert (str(expression) == UNRECOGNISED) is expected, about
    assert read_fact("stack-v2", names.LICENSE, b"b" * 20, json.dumps(stated)).findings == ()


@pytest.mark.parametrize(("kind", "spdx"), [("text", "LLVM-exception"), ("notice", "MIT")])
def test_what_was_found_in_a_text_is_what_it_is(kind: str, spdx: str) -> None:
    assert not is_unrecognised(OWN_TERMS.encode(), [{"kind": kind, "spdx": spdx}])
    assert is_unrecognised(OWN_TERMS.encode(), [{"kind": "reference", "spdx": "LicenseRef-scancode-see-license"}])
