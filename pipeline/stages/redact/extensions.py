"""Detectors of others, found through entry points, and the slot for a model that finds names of people.

A distribution that declares an entry point in the group `permastack.detectors` adds the detector, or the tuple of
detectors, that it points to. One in the group `permastack.name_models` points to a function that gets a line and its
file's name and yields `(start, end, confidence)` for each name of a person. None is there by default. The name and
version of the distribution are part of the detector's, and so of the step's key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pipeline.errors import ConfigError

from .detector import BlockDetector, Detector, LineDetector, Match, Necessary
from .surrogates import is_reserved

DETECTORS, NAME_MODELS = "permastack.detectors", "permastack.name_models"
_CLASS = re.compile(r"[A-Z][A-Z0-9_]{1,39}")

NameModel = Callable[[str, str], Iterable[tuple[int, int, float]]]


@cache
def installed() -> tuple[Detector, ...]:
    """What the environment adds, in the order of distributions and names.

    An entry point that cannot be loaded or points to something else is a `ConfigError`: a release must not depend on
    whether an import happened to work.
    """
    made: list[Detector] = []
    for entry in _in_order(DETECTORS):
        found = _loaded(entry)
        for one in found if isinstance(found, tuple) else (found,):
            if not isinstance(one, LineDetector | BlockDetector):
                raise ConfigError(
                    f"The entry point {entry.name!r} of {_distribution(entry)} in the group {DETECTORS} points to a "
                    f"{type(one).__name__}; a LineDetector, a BlockDetector or a tuple of them is expected. "
                    "Mend that distribution or uninstall it."
                )
            made.append(_named(one, entry))
    for entry in _in_order(NAME_MODELS):
        model = _loaded(entry)
        if not callable(model):
            raise ConfigError(
                f"The entry point {entry.name!r} of {_distribution(entry)} in the group {NAME_MODELS} points to a "
                f"{type(model).__name__}; a function of a line and a file's name is expected. "
                "Mend that distribution or uninstall it."
            )
        line = LineDetector("names", "1", (Necessary(r"\w"),), partial(_names, model), is_unicode=True)
        made.append(_named(line, entry))
    return tuple(made)


def _in_order(group: str) -> list[EntryPoint]:
    return sorted(entry_points(group=group), key=lambda entry: (_distribution(entry), entry.name))


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown distribution"


def _loaded(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"The entry point {entry.name!r} of {_distribution(entry)} does not load: {type(error).__name__}. "
            "Mend that distribution or uninstall it."
        ) from error


def _named(detector: Detector, entry: EntryPoint) -> Detector:
    name, version = (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "0")
    named: dict[str, Any] = {
        "name": f"{name}/{detector.name}",
        "version": f"{version}+{detector.version}",
        "find": partial(_checked, detector),
    }
    return replace(detector, **named)


def _checked(detector: Detector, text: Any, *place: Any) -> Iterator[Match]:
    """A detector's matches, held to what the stage promises: known form of class, no surrogate found again."""
    for match in detector.find(text, *place):
        if not _CLASS.fullmatch(match.cls) or not 0 <= match.confidence <= 1 or not match.start < match.end:
            raise ConfigError(
                f"The detector {detector.name} {detector.version} reports a {match.cls!r} of confidence "
                f"{match.confidence} and {match.end - match.start} characters; a class in capitals, a confidence from "
                "0 to 1 and at least one character are expected. Mend the distribution that brings it."
            )
        value = text[match.start : match.end]
        if not is_reserved(value if isinstance(value, str) else value.decode("latin-1")):
            yield match


def _names(model: NameModel, text: str, path: str) -> Iterator[Match]:
    for start, end, confidence in model(text, path):
        yield Match(start, end, "NAME", confidence, start, end)
