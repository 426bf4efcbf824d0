"""Linguist's list: what it holds, and a fixture for each language."""

from __future__ import annotations

import hashlib
import json

import pytest

from pipeline.stages.language.config import LanguageConfig
from pipeline.stages.language.core import tag
from pipeline.stages.language.guesslang import data_folder
from pipeline.stages.language.languages import about, by_extension, described, languages, languages_by_filename
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


def fixtures() -> list[tuple[str, str, bytes]]:
    """A file of each language: by a name that only it uses, else by a modeline."""
    found = []
    for language in languages().values():
        names = [*language.filenames, *(f"a{extension}" for extension in language.extensions)]
        own = [n for n in names if (languages_by_filename().get(n) or by_extension(n)) == (language.name,)]
        text = b"zzqqxv\n" if own else f"-*- mode: {language.name.replace(' ', '-')} -*-\n".encode()
        found.append((language.name, own[0] if own else "file", text))
    return found


def test_every_language_can_be_a_tag() -> None:
    config = LanguageConfig(use_classifier=False)
    tagged = {tag(path.encode(), text, config).language for _, path, text in fixtures()}
    assert len(tagged & languages().keys()) >= 760, sorted(languages().keys() - tagged)


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
