"""The tag of a file: linguist's rules by its full path and content, else guesslang's model, else null."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib import metadata
from typing import NamedTuple

from pipeline.stages.language import linguist
from pipeline.stages.language.config import LanguageConfig
from pipeline.stages.language.guesslang import data_folder, linguist_names, model

# enry-python 0.2.0 does not say which release of linguist it holds: inferred from the languages that it
# knows, of which tests/language/test_linguist.py pins some.
LINGUIST_DATA = "9.4 (inferred)"


class LanguageTag(NamedTuple):
    """What the stage says of one file.

    `language` is linguist's name or None; `method` the rule that decided (`enry:...` or `guesslang`), None
    with the language. `confidence` is the model's probability to four decimals; None for enry, whose rules
    give none.
    """

    language: str | None
    method: str | None
    confidence: float | None
    is_generated: bool
    is_vendor: bool
    is_documentation: bool
    is_configuration: bool
    is_test: bool


def _language(path: bytes, data: bytes, config: LanguageConfig) -> tuple[str | None, str | None, float | None]:
    # A blank file is written in no language, whatever it is called; a NUL is binary to enry, and to us.
    if not data.strip() or b"\0" in data:
        return None, None, None
    language, method = linguist.detect(path, data)
    if language is not None or not config.use_guesslang:
        return language, method, None
    guess = model().guess(data)
    if guess is None or guess.probability < config.guesslang_threshold:
        return None, None, None
    name = linguist_names()[guess.name]
    return (None, None, None) if name is None else (name, "guesslang", guess.probability)


def tag(path: bytes, data: bytes, config: LanguageConfig) -> LanguageTag:
    """Tag one file: `path` is its full path inside its origin, `data` its text as UTF-8.

    Pure: the same path, data and config give the same tag in every process and on every machine. The
    language itself is decided by at most 54 KiB, `is_generated` by one linear pass over the whole text.

    With `enabled` false every language is None and every flag false. Raises `ForkedError` in a child forked
    after its parent tagged, `IntegrityError` if the model's weights are damaged.
    """
    if not config.enabled:
        return LanguageTag(None, None, None, False, False, False, False, False)
    return LanguageTag(*_language(path, data, config), *linguist.flags(path, data))


def tag_many(rows: Sequence[tuple[bytes, bytes]], config: LanguageConfig) -> list[LanguageTag]:
    """`tag` of each (path, data), in order; no tag depends on the other rows."""
    return [tag(path, data, config) for path, data in rows]


def versions() -> dict[str, str]:
    """What decides a tag beside code and configuration; for keys and receipts. Does not load enry."""
    data = data_folder()
    names = (data / "guesslang_names.json").read_bytes()
    return {
        "enry-python": metadata.version("enry-python"),
        "linguist": LINGUIST_DATA,
        "guesslang": json.loads((data / "guesslang.json").read_text("utf-8"))["sha256"],
        "guesslang-names": hashlib.sha256(names).hexdigest(),
    }
