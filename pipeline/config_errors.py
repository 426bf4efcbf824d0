"""What is wrong with a configuration, in words: the file, the key, what was expected and what was found."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

_EXPECTED = {
    "model_type": "expected a table of keys",
    "model_attributes_type": "expected a table of keys",
    "string_too_short": "is empty",
    "missing": "is missing",
    "string_type": "expected text in quotes",
    "tuple_type": "expected a list",
    "too_short": "expected at least {min_length} of them",
    "string_pattern_mismatch": "expected text that matches {pattern}",
    "union_tag_not_found": "has no kind: expected kind = {tags}",
    "union_tag_invalid": "expected kind = {tags}",
}


def described(error: ValidationError, data: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> str:
    """One line per wrong place. `data` is what was validated, `schema` the model's JSON Schema."""
    by_place: dict[str, list[Any]] = {}
    for problem in error.errors():
        if problem["type"] == "too_short" and problem["input"]:
            continue  # its members are wrong, and reported themselves
        by_place.setdefault(_place(problem, data), []).append(problem)
    return "\n".join(f"{where}: {_line(place, problems, schema)}" for place, problems in by_place.items())


def _line(place: str, problems: list[Any], schema: Mapping[str, Any]) -> str:
    first = problems[0]
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        known = _keys_at(schema, first["loc"][:-1])
        near = difflib.get_close_matches(key, known, 1, 0.5)
        parent = place.removesuffix(key)
        hint = f"did you mean {parent}{near[0]}?" if near else f"known keys here are: {', '.join(known)}"
        return f"unknown key {place}; {hint}"
    # Where one of several forms fits, the others need not be named.
    fitting = [problem for problem in problems if not problem["type"].endswith("_type")] or problems
    words = " or ".join(dict.fromkeys(_words(problem, schema) for problem in fitting)).replace(" or expected", " or")
    found = first.get("input")
    shown = f" (found {_short(found)})" if first["type"] != "missing" and not isinstance(found, Mapping) else ""
    return f"{place}: {words}{shown}" if place else f"{words}{shown}"


def _words(problem: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if problem["type"] in _EXPECTED:
        context = dict(problem.get("ctx", {}))
        kinds = (node.get("properties", {}).get("kind", {}).get("const") for node in _nodes_at(schema, problem["loc"]))
        context["tags"] = " or ".join(f'"{kind}"' for kind in kinds if kind)
        return _EXPECTED[problem["type"]].format_map(context)
    text: str = problem["msg"]
    return text.removeprefix("Value error, ").replace("Input should be", "expected").replace("Input should", "should")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _place(problem: Mapping[str, Any], data: Any) -> str:
    """The place as a user writes it, without the names that unions give their members."""
    place = ""
    here = data
    for part in problem["loc"]:
        if isinstance(part, int) and isinstance(here, list | tuple):
            place, here = f"{place}[{part}]", here[part]
        elif isinstance(here, Mapping) and (
            part in here or (problem["type"] == "missing" and part is problem["loc"][-1])
        ):
            place, here = (f"{place}.{part}" if place else str(part)), here.get(part)
    return place


def _keys_at(schema: Mapping[str, Any], place: Iterable[str | int]) -> list[str]:
    """The keys that the schema knows at a place."""
    return sorted({key for node in _nodes_at(schema, place) for key in node.get("properties", {})})


def _nodes_at(schema: Mapping[str, Any], place: Iterable[str | int]) -> list[Mapping[str, Any]]:
    nodes = _members(schema, schema)
    for part in place:
        below: list[Mapping[str, Any]] = []
        for node in nodes:
            if isinstance(part, int):
                below.append(node.get("items") or {})
            elif part in node.get("properties", {}):
                below.append(node["properties"][part])
            elif isinstance(node.get("additionalProperties"), dict):
                below.append(node["additionalProperties"])
            elif node.get("properties", {}).get("kind", {}).get("const") in (None, part):
                below.append(node)  # the name of a union's member
        nodes = [member for node in below for member in _members(schema, node)]
    return nodes


def _members(schema: Mapping[str, Any], node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "$ref" in node:
        return _members(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    alternatives = node.get("anyOf") or node.get("oneOf") or node.get("allOf")
    if alternatives:
        return [member for alternative in alternatives for member in _members(schema, alternative)]
    return [node]
