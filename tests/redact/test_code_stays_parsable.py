"""Texts that parse, with secrets put into them, still parse when these have given way; nothing else has changed."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path

import pytest

from pipeline.stages.redact import Scanner, redact
from tests.redact.languages import FORMS, NUMBERS
from tests.redact.planted import Plant, pem, plants

TEXTS = {
    ".json": '{"name": "x", "list": [1, 2.5, null, "y"]}',
    ".yml": "name: x\nlist:\n  - 1\n  - it's\n  - {a: b}\n",
    ".xml": '<root><item id="1">x</item></root>',
    ".toml": '[table]\nname = "x"\nlist = [1, 2]\n',
    ".js": 'export function add(a, b) { return a + b / 2; }\nconst re = /a"b/g;\n',
    ".go": "package x\n\nfunc Add(a, b int) int { return a + b }\n",
    ".java": "package x;\nclass Y { int add(int a, int b) { return a + b; } char c = '\"'; }\n",
    ".c": "#include <stdio.h>\nint add(int a, int b) { return a + b; }\nchar c = '\"';\n",
}


def seeded(seed: int) -> list[Plant]:
    rng = random.Random(seed)
    block, body = pem(rng, "EC ")
    made = [*plants(seed), Plant("PRIVATE_KEY", block, body[0])]
    rng.shuffle(made)
    return made


def sources(limit: int) -> list[str]:
    root = Path(sysconfig.get_paths()["stdlib"])
    found: list[str] = []
    for path in sorted(root.glob("*.py")) + sorted(root.glob("*/*.py")):
        if "site-packages" in path.parts or "test" in path.parts or "lib2to3" in path.parts or len(found) == limit:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        if FORMS[".py"][1](text):
            found.append(text)
    return found


def check(scanner: Scanner, suffix: str, texts: list[str]) -> int:
    write, parses = FORMS[suffix]
    name = f"a{suffix}".encode()
    count = 0
    for number, text in enumerate(texts):
        made = seeded(number % 40)[: 3 + number % 5]
        data = write(text, made).encode()
        assert parses(data.decode()), "what does not parse before tests nothing"
        spans = scanner.scan(data, name)
        out = redact(data, spans)
        assert parses(out.decode())
        assert scanner.scan(out, name) == []
        assert out.count(b"\n") == data.count(b"\n")
        assert not [p.cls for p in made if p.value.encode() in out]
        if suffix in (".json", ".yml", ".toml"):  # in source code only quoted values are passwords
            assert not [value for _, value in NUMBERS if value.encode() in out]
        count += len(spans)
    return count


@pytest.mark.parametrize("suffix", FORMS)
def test_files_still_parse(scanner: Scanner, suffix: str) -> None:
    texts = sources(4) if suffix == ".py" else [TEXTS[suffix]] * 12
    assert check(scanner, suffix, texts) > 3 * len(texts)


@pytest.mark.oracle
def test_many_files_still_parse(scanner: Scanner) -> None:
    texts = sources(200)
    assert check(scanner, ".py", texts) > 3 * len(texts)
    for suffix, text in TEXTS.items():
        assert check(scanner, suffix, [text] * 40) > 120
