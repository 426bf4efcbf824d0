"""Nine languages: whether a text parses, and how secrets are put into its strings, comments, attributes and numbers."""

from __future__ import annotations

import ast
import json
import tomllib
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Literal

from tests.redact.planted import Plant

NUMBERS = (("phone", "4930" + "901820"), ("password", "8305" + "17264"))


def in_a_string(plant: Plant) -> str:
    """The line of a plant, fit for a string literal of any of the languages."""
    return plant.line.replace("\\", "").replace('"', "'").replace("\n", "\\n")


def in_a_comment(plant: Plant) -> str:
    return plant.line.splitlines()[0].replace("*/", "")


def _python(text: str, made: list[Plant]) -> str:
    told = "".join(f'\n_x{n} = "{in_a_string(p)}"  # {in_a_comment(p)}' for n, p in enumerate(made))
    return f"{text}\n{told}\n" + "".join(f"{name} = {number}\n" for name, number in NUMBERS)


def _json(text: str, made: list[Plant]) -> str:
    added = {"password": "q7Zx91kdwP", **{f"k{n}": p.line for n, p in enumerate(made)}}
    whole = {"was": json.loads(text), **added, **{name: int(number) for name, number in NUMBERS}}
    return json.dumps(whole, indent=1)


def _yaml(text: str, made: list[Plant]) -> str:
    lines = [f'k{n}_: "{in_a_string(p)}"  # {in_a_comment(p)}\n' for n, p in enumerate(made)]
    lines += [f"{name}_: {number}\n" for name, number in NUMBERS]
    return "".join(lines) + "db_password: q7Zx91kdwP\n" + text


def _xml(text: str, made: list[Plant]) -> str:
    from xml.sax.saxutils import escape, quoteattr

    told = ""
    for plant in made:
        value, comment = quoteattr(plant.line.replace("\n", " ")), in_a_comment(plant).replace("--", "~")
        told += f"<a value={value}>{escape(plant.line)}</a><!-- {comment} -->\n"
    at = text.rindex("</")
    return f'{text[:at]}<b password="q7Zx91kdwP"/>{told}{text[at:]}'


def _toml(text: str, made: list[Plant]) -> str:
    told = "".join(f'k{n}_ = "{in_a_string(p)}"  # {in_a_comment(p)}\n' for n, p in enumerate(made))
    return told + "".join(f"{name}_ = {number}\n" for name, number in NUMBERS) + text


def _javascript(text: str, made: list[Plant]) -> str:
    told = "".join(f'var _x{n} = "{in_a_string(p)}"; // {in_a_comment(p)}\n' for n, p in enumerate(made))
    numbers = "".join(f"var _{name} = {{{name}: {number}}};\n" for name, number in NUMBERS)
    return f"{text}\n;{told}var _t = `{in_a_string(made[0])}`;\n{numbers}"


def _go(text: str, made: list[Plant]) -> str:
    told = "".join(f'var _x{n} = "{in_a_string(p)}" // {in_a_comment(p)}\n' for n, p in enumerate(made))
    return f"{text}\n{told}" + "".join(f"var {name} = {number}\n" for name, number in NUMBERS)


def _java(text: str, made: list[Plant]) -> str:
    told = "".join(f'  String x{n} = "{in_a_string(p)}"; // {in_a_comment(p)}\n' for n, p in enumerate(made))
    return f"{text}\nclass X_ {{\n{told}" + "".join(f"  long {n} = {number};\n" for n, number in NUMBERS) + "}\n"


def _c(text: str, made: list[Plant]) -> str:
    told = "".join(f'const char *x{n}_ = "{in_a_string(p)}"; /* {in_a_comment(p)} */\n' for n, p in enumerate(made))
    return f"{text}\n{told}" + "".join(f"long {name}_ = {number};\n" for name, number in NUMBERS)


def _by_tree(language: Literal["javascript", "go", "java", "c"]) -> Callable[[str], bool]:
    def parses(text: str) -> bool:
        from tree_sitter_language_pack import get_parser

        return not get_parser(language).parse(text.encode()).root_node.has_error

    return parses


def _without_error(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def parses(text: str) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                parse(text)
        except (SyntaxError, ValueError, RecursionError, ElementTree.ParseError):
            return False
        return True

    return parses


def _read_yaml(text: str) -> object:
    import yaml

    try:
        return list(yaml.compose_all(text, yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise ValueError("no YAML") from error


FORMS: dict[str, tuple[Callable[[str, list[Plant]], str], Callable[[str], bool]]] = {
    ".py": (_python, _without_error(ast.parse)),
    ".json": (_json, _without_error(json.loads)),
    ".yml": (_yaml, _without_error(_read_yaml)),
    ".xml": (_xml, _without_error(ElementTree.fromstring)),
    ".toml": (_toml, _without_error(tomllib.loads)),
    ".js": (_javascript, _by_tree("javascript")),
    ".go": (_go, _by_tree("go")),
    ".java": (_java, _by_tree("java")),
    ".c": (_c, _by_tree("c")),
}
"""By a file's suffix: how plants are put into a text that parses, and whether a text parses."""
