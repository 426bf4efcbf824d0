"""Texts that parse, with secrets put into their strings and comments, still parse when these have given way."""

from __future__ import annotations

import ast
import json
import random
import sysconfig
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.stages.redact import Scanner, redact
from tests.redact.planted import Plant, pem, plants


def in_a_string(plant: Plant) -> str:
    """The line of a plant, fit for a string literal of any of the languages."""
    return plant.line.replace("\\", "").replace('"', "'").replace("\n", "\\n")


def seeded(seed: int) -> list[Plant]:
    rng = random.Random(seed)
    block, body = pem(rng, "EC ")
    made = [*plants(seed), Plant("PRIVATE_KEY", block, body[0])]
    rng.shuffle(made)
    return made


def python(text: str, made: list[Plant]) -> str:
    told = "".join(f'\n_x{n} = "{in_a_string(p)}"  # {p.line.splitlines()[0]}' for n, p in enumerate(made))
    return f"{text}\n{told}\n"


def as_json(text: str, made: list[Plant]) -> str:
    return json.dumps(
        {"text": text, "password": "q7Zx91kdwP", **{f"k{n}": p.line for n, p in enumerate(made)}}, indent=1
    )


def as_xml(text: str, made: list[Plant]) -> str:
    root = ElementTree.Element("root", {"password": "q7Zx91kdwP"})
    root.text = text
    for plant in made:
        ElementTree.SubElement(root, "a", {"value": plant.line.replace("\n", " ")}).text = plant.line
    return ElementTree.tostring(root, encoding="unicode")


def as_toml(_text: str, made: list[Plant]) -> str:
    return "".join(f'k{n} = "{in_a_string(p)}"  # {p.line.splitlines()[0]}\n' for n, p in enumerate(made))


FORMS: dict[str, tuple[Callable[[str, list[Plant]], str], Callable[[str], object]]] = {
    "a.py": (python, ast.parse),
    "a.json": (as_json, json.loads),
    "a.xml": (as_xml, ElementTree.fromstring),
    "a.toml": (as_toml, tomllib.loads),
}


def sources(limit: int) -> list[str]:
    root = Path(sysconfig.get_paths()["stdlib"])
    found: list[str] = []
    for path in sorted(root.glob("*.py")) + sorted(root.glob("*/*.py")):
        if "site-packages" in path.parts or "test" in path.parts or "lib2to3" in path.parts or len(found) == limit:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        found.append("".join(c for c in text if c >= " " or c in "\n\t"))
    return found


def check(scanner: Scanner, name: str, texts: list[str]) -> int:
    write, parse = FORMS[name]
    spans = 0
    for number, text in enumerate(texts):
        made = seeded(number % 40)[: 3 + number % 5]
        data = write(text, made).encode()
        parse(data.decode())
        found = scanner.scan(data, name.encode())
        out = redact(data, found)
        parse(out.decode())
        assert scanner.scan(out, name.encode()) == []
        assert not [p.cls for p in made if p.value.encode() in out]
        spans += len(found)
    return spans


@pytest.mark.parametrize("name", FORMS)
def test_files_still_parse(scanner: Scanner, name: str) -> None:
    assert check(scanner, name, sources(12)) > 12


@pytest.mark.oracle
@pytest.mark.parametrize("name", FORMS)
def test_many_files_still_parse(scanner: Scanner, name: str) -> None:
    texts = sources(400)
    assert check(scanner, name, texts) > len(texts)
