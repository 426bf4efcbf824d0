"""Texts that match a regular expression, drawn at random; look-around is left out."""

from __future__ import annotations

import random
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
import string
from typing import Any

_DIGIT, _WORD = string.digits, string.ascii_letters + string.digits + "_"
_CATEGORIES = {"CATEGORY_DIGIT": _DIGIT, "CATEGORY_SPACE": " ", "CATEGORY_WORD": _WORD, "CATEGORY_NOT_SPACE": _WORD}


def sample(pattern: str, rng: random.Random) -> str:
    """A text that `pattern` matches, with repetitions near their lower bounds."""
    return _of(parser.parse(pattern), rng)


def _of(nodes: Any, rng: random.Random) -> str:
    return "".join(_one(str(operation), argument, rng) for operation, argument in nodes)


def _one(operation: str, argument: Any, rng: random.Random) -> str:
    if operation == "LITERAL":
        return chr(argument)
    if operation in ("ANY", "NOT_LITERAL"):
        return rng.choice(_WORD)
    if operation == "IN":
        return rng.choice(_class(argument))
    if operation in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, nodes = argument
        return "".join(_of(nodes, rng) for _ in range(rng.randint(int(least), min(int(most), int(least) + 3))))
    if operation == "SUBPATTERN":
        return _of(argument[3], rng)
    if operation == "BRANCH":
        return _of(rng.choice(argument[1]), rng)
    assert operation in ("ASSERT", "ASSERT_NOT", "AT"), operation
    return ""


def _class(items: Any) -> str:
    members, negated = "", False
    for operation, argument in items:
        if str(operation) == "NEGATE":
            negated = True
        elif str(operation) == "LITERAL":
            members += chr(argument)
        elif str(operation) == "RANGE":
            members += "".join(map(chr, range(argument[0], argument[1] + 1)))
        else:
            members += _CATEGORIES[str(argument)]
    return "".join(c for c in _WORD if c not in members) if negated else members
