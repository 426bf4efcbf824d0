"""The prefiltered findings are those of brute force: every plugin of detect-secrets on every line."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Literal

import pytest

from pipeline.stages.redact import Scanner, prefilter
from pipeline.stages.redact.detect_secrets_adapter import load_plugins, necessary, values
from pipeline.stages.redact.findings import Finding
from pipeline.stages.redact.policy import rules_for
from pipeline.stages.redact.windows import STEP, WINDOW, Window, all_windows
from tests.redact.conftest import TRAPS, standard_library
from tests.redact.planted import plants

PLUGINS = load_plugins()
Found = tuple[Window, str, str]


def reported(plugin: Any, path: str, text: str) -> set[str]:
    return {s.secret_value for s in plugin.analyze_line(filename=path, line=text, line_number=1)}


def analyzed(data: bytes, path: str, pairs: Iterable[tuple[Window, int]]) -> set[Found]:
    found = set()
    for window, number in pairs:
        text = data[window.start : window.end].decode("utf-8", "surrogateescape")
        plugin = PLUGINS[number]
        found |= {(window, type(plugin).__name__, value) for value in reported(plugin, path, text)}
    return found


def brute_force(data: bytes, path: str) -> set[Found]:
    return analyzed(data, path, ((w, n) for w in all_windows(data) for n in range(len(PLUGINS))))


def prefiltered(filtering: prefilter.Prefilter, data: bytes, path: str) -> set[Found]:
    selection = filtering.select(prefilter.as_valid_utf8(data))
    return analyzed(data, path, ((w, n) for w, numbers in selection.items() for n in numbers))


def build(engine: Literal["hyperscan", "re2"]) -> prefilter.Prefilter:
    return prefilter.build(engine, tuple(necessary(plugin) for plugin in PLUGINS), (True,) * len(PLUGINS))


@pytest.fixture(scope="module", params=["hyperscan", "re2"])
def filtering(request: pytest.FixtureRequest) -> prefilter.Prefilter:
    return build(request.param)


def planted_text() -> bytes:
    lines = [plant.line for seed in range(3) for plant in plants(seed)]
    return "\n".join([*lines, *TRAPS, *(line + " \u20ac" for line in lines)]).encode()


def test_all_plugins_are_there() -> None:
    assert len(PLUGINS) == 27


@pytest.mark.parametrize("path", ["a.py", "a.yaml", "a.go", "a.c", "a.cpp", "a.unknown", "a.ini"])
def test_equals_brute_force_on_planted_lines(filtering: prefilter.Prefilter, path: str) -> None:
    data = planted_text()
    expected = brute_force(data, path)
    assert len({name for _, name, _ in expected}) >= 24
    assert prefiltered(filtering, data, path) == expected


@pytest.mark.parametrize("trap", TRAPS)
def test_equals_brute_force_on_unicode_traps(filtering: prefilter.Prefilter, trap: str) -> None:
    data = trap.encode()
    expected = brute_force(data, "a.yaml")
    assert expected, "a trap that brute force does not find tests nothing"
    assert prefiltered(filtering, data, "a.yaml") == expected


def test_equals_brute_force_beside_bytes_that_are_not_utf8(filtering: prefilter.Prefilter) -> None:
    data = b'\xff\xfe \xe2\x82 password\xff = "abcd1234" \xf1\nu = "x://b\xff\xfec:hunter22@h"\n' + planted_text()
    expected = brute_force(data, "a.py")
    assert any(name == "BasicAuthDetector" for _, name, _ in expected)
    assert prefiltered(filtering, data, "a.py") == expected


def test_equals_brute_force_on_long_lines(filtering: prefilter.Prefilter) -> None:
    filler = "x = [1, 2, 3]; "
    data = filler.join(p.line.replace("\n", " ") + filler * 150 for p in plants(5)).encode()
    assert len(data) > 3 * WINDOW
    expected = brute_force(data, "a.js")
    assert len(expected) > 20
    assert prefiltered(filtering, data, "a.js") == expected


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r", b""])
def test_line_ends(filtering: prefilter.Prefilter, ending: bytes) -> None:
    data = ending.join(line.encode() for line in planted_text().decode().split("\n")[:40])
    assert prefiltered(filtering, data, "a.py") == brute_force(data, "a.py") != set()


def test_equals_brute_force_on_real_sources() -> None:
    filtering = build("hyperscan")
    for path, data in standard_library(120_000):
        assert prefiltered(filtering, data, path) == brute_force(data, path), path


@pytest.mark.oracle
@pytest.mark.parametrize("engine", ["hyperscan", "re2"])
def test_equals_brute_force_on_more_real_sources(engine: Literal["hyperscan", "re2"]) -> None:
    filtering = build(engine)
    found = 0
    for path, data in standard_library(17_000_000 if engine == "hyperscan" else 4_000_000):
        expected = brute_force(data, path)
        assert prefiltered(filtering, data, path) == expected, path
        found += len(expected)
    assert found > (100 if engine == "hyperscan" else 10)


def test_positions_are_those_of_the_values_that_detect_secrets_reports() -> None:
    """Our own runs of the plugins' expressions miss nothing and add nothing."""
    sources = [("a.py", planted_text()), ("a.yml", planted_text()), *standard_library(100_000)]
    seen = set()
    for path, data in sources:
        for line in data.decode("utf-8", "surrogateescape").split("\n"):
            for plugin in PLUGINS:
                if type(plugin).__name__ == "KeywordDetector":
                    continue
                expected = reported(plugin, path, line)
                ours = [(line[v.start : v.end] if v.start >= 0 else "", v) for v in values(plugin, line)]
                seen |= {type(plugin).__name__} if expected else set()
                assert {value for value, _ in ours} == expected, (type(plugin).__name__, path)
    assert len(seen) >= 23


def everywhere(scanner: Scanner, data: bytes, path: bytes) -> set[Finding]:
    """What the detectors find if every one of them looks at every window."""
    name = path.decode("utf-8", "surrogateescape")
    numbers = set(range(len(scanner.detectors)))
    rules = rules_for(scanner.config, path)
    return {
        found
        for window in all_windows(data)
        for found in scanner.in_window(data, name, window, numbers)
        if rules.replaces(found.cls, found.confidence)
    }


@pytest.mark.parametrize("path", [b"a.py", b"a.yaml", b".npmrc", b".htpasswd", b"a.sql"])
@pytest.mark.parametrize("engine", ["hyperscan", "re2"])
def test_own_detectors_look_wherever_they_would_find(
    engine: str, scanner: Scanner, re2_scanner: Scanner, path: bytes
) -> None:
    """The patterns that wake a detector are necessary ones: nothing is found elsewhere."""
    chosen = scanner if engine == "hyperscan" else re2_scanner
    lines = [plant.line for seed in range(80, 83) for plant in plants(seed)]
    data = (
        "\n".join([*lines, *TRAPS, *(f"\u00e9 {line} \u20ac" for line in lines)]).encode()
        + b"\n\xff"
        + lines[0].encode()
    )
    expected = everywhere(chosen, data, path)
    assert len({found.detector for found in expected}) > 40
    assert chosen.findings(data, path) == expected


@pytest.mark.oracle
def test_own_detectors_look_wherever_they_would_find_in_real_sources(scanner: Scanner) -> None:
    found = 0
    for path, data in standard_library(4_000_000):
        expected = everywhere(scanner, data, path.encode())
        assert scanner.findings(data, path.encode()) == expected, path
        found += len(expected)
    assert found > 30


def test_windows_cover_long_lines_with_overlap() -> None:
    data = b"ab\n" + b"x" * (3 * WINDOW + 5) + b"\n"
    windows = [w for w in all_windows(data) if w.line_start == 3]
    assert windows[0].start == 3
    assert windows[-1].end == windows[-1].line_end == len(data) - 1
    for first, second in pairwise(windows):
        assert second.start == first.start + STEP
        assert first.end - second.start == WINDOW - STEP
