"""Linguist's list: what it holds, and a fixture for each language."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from pipeline.stages.language.config import LanguageConfig
from pipeline.stages.language.core import tag_many
from pipeline.stages.language.guesslang import data_folder
from pipeline.stages.language.languages import about, described, languages
from tests.cli.invoking import invoke


def test_how_many_languages_there_are_and_what_is_known_of_them() -> None:
    known = languages()
    assert len(known) >= 800
    assert len({language.id for language in known.values()}) == len(known)
    assert {language.type for language in known.values()} == {"programming", "markup", "data", "prose"}
    assert (known["Python"].id, known["Python"].color, known["TSX"].group) == (303, "#3572A5", "TypeScript")
    assert {language.group for language in known.values()} - {None} <= known.keys()


def test_the_data_are_those_whose_digests_are_recorded() -> None:
    folder = data_folder()
    for name, key in (("languages.json", "languages_sha256"), ("classifier.weights", "classifier_sha256")):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == about()[key]
    assert about()["license"] == "MIT"
    assert "Permission is hereby granted" in (folder / "linguist.LICENSE").read_text()


def fixtures() -> list[tuple[str, str, str, str]]:
    """Of every language a name, the rule that decides, and a text: fixtures.tsv, whose texts are JSON.

    A name that only one language has decides alone (its text is of no language); of those that share a name the text
    tells, by a shebang, a pattern, or a modeline where enry has no pattern.
    """
    lines = (Path(__file__).parent / "fixtures.tsv").read_text("utf-8").splitlines()[1:]
    return [(name, path, method, json.loads(text)) for name, path, method, text in (line.split("\t") for line in lines)]


def test_every_language_that_is_listed_has_a_fixture_that_is_tagged_with_it() -> None:
    rows = fixtures()
    tags = tag_many([(path.encode(), text.encode()) for _, path, _, text in rows], LanguageConfig())
    assert [(t.language, t.method) for t in tags] == [(name, method) for name, _, method, _ in rows]
    listed = [json.loads(line)["name"] for line in invoke("languages", "--json").out.splitlines()]
    assert listed == [name for name, *_ in rows]
    assert len(listed) >= 600


def test_few_fixtures_need_more_than_names_and_linguists_patterns() -> None:
    methods = Counter(method for _, _, method, _ in fixtures())
    assert methods["linguist:filename"] + methods["linguist:extension"] == 664
    assert methods["enry:modeline"] <= 35
    assert methods["classifier"] <= 2


def test_columns_of_a_language() -> None:
    assert described(["TSX", None, "No such"]) == {
        "language_id": [94901924, None, None],
        "language_type": ["programming", None, None],
        "language_group": ["TypeScript", None, None],
    }


def test_the_command_lists_them() -> None:
    lines = invoke("languages").out.splitlines()
    assert len(lines) == len(languages())
    assert any(line.startswith("Python (303, programming, #3572A5): .py ") for line in lines)
    (row,) = invoke("languages", "TSX", "--json").out.splitlines()
    assert json.loads(row)["group"] == "TypeScript"


@pytest.mark.parametrize(("name", "words"), [("Pyton", "did you mean Python?"), ("???", "no language is called so")])
def test_the_command_names_the_nearest(name: str, words: str) -> None:
    done = invoke("languages", name)
    assert done.code == 2
    assert words in done.err
