"""The tag of a file: linguist's rules by its full path and content, else a classifier of the content, else null."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib import metadata
from typing import NamedTuple

from pipeline.stages.language import linguist
from pipeline.stages.language.classifier import classifier
from pipeline.stages.language.config import LanguageConfig
from pipeline.stages.language.flags import is_data_dump, is_minified, is_notebook
from pipeline.stages.language.generated import is_generated
from pipeline.stages.language.guesslang import data_folder
from pipeline.stages.language.languages import about
from pipeline.stages.language.notebooks import named_language, read_notebook

# enry-python 0.2.0 does not say which release of linguist it holds: inferred from the languages that it
# knows, of which tests/language/test_linguist.py pins some.
LINGUIST_DATA = "9.4 (inferred)"

# A notebook's name tells that a Jupyter kernel runs it: languages of Jupyter's list of kernels, as linguist calls them.
KERNEL_LANGUAGES = (
    "C", "C#", "C++", "Clojure", "CoffeeScript", "Common Lisp", "Crystal", "Dart", "Elixir", "Erlang", "F#",
    "Fortran", "Go", "Groovy", "Haskell", "Idris", "Java", "JavaScript", "Julia", "Kotlin", "Lua", "MATLAB", "OCaml",
    "PHP", "Perl", "PowerShell", "Prolog", "Python", "R", "Racket", "Raku", "Ruby", "Rust", "SAS", "SQL", "Sage",
    "Scala", "Scheme", "Shell", "Standard ML", "Stata", "Swift", "Tcl", "TypeScript", "Wolfram Language",
)  # fmt: skip


class LanguageTag(NamedTuple):
    """What the stage says of one file.

    `language` is linguist's name or None; `method` what decided (`linguist:...`, `enry:...` or `classifier`), None
    with the language. `confidence` is the classifier's, to four decimals; rules give none. `notebook_language` is that
    of a notebook's code cells, by its `metadata` or by the `classifier`.
    """

    language: str | None
    method: str | None
    confidence: float | None
    is_generated: bool
    is_vendor: bool
    is_documentation: bool
    is_configuration: bool
    is_test: bool
    is_minified: bool
    is_notebook: bool
    is_data_dump: bool
    notebook_language: str | None = None
    notebook_language_method: str | None = None


def _language(path: bytes, data: bytes, config: LanguageConfig) -> tuple[str | None, str | None, float | None]:
    # A blank file is written in no language, whatever it is called; a NUL is binary to enry, and to us.
    if not data.strip() or b"\0" in data:
        return None, None, None
    language, method, candidates = linguist.detect(path, data)
    if language is not None or not config.use_classifier:
        return language, method, None
    answer = classifier().classify(data, candidates or None)
    # Where the name leaves a few, linguist takes the best of them; without a name a guess must be a good one.
    if answer is None or (not candidates and answer.confidence < config.confidence_threshold):
        return None, None, None
    return answer.language, "classifier", answer.confidence


def _notebook_language(data: bytes, config: LanguageConfig) -> tuple[str | None, str | None]:
    """The language of a notebook's code cells: as its metadata names it, else the best of Jupyter's kernels' languages
    by the classifier."""
    notebook = read_notebook(data)
    if notebook is None:
        return None, None
    named = named_language(notebook.stated)
    if named is not None:
        return named, "metadata"
    code = "\n".join(notebook.code).encode("utf-8", "replace")
    if not config.use_classifier or not code.strip() or b"\0" in code:
        return None, None
    answer = classifier().classify(code, KERNEL_LANGUAGES)
    if answer is None or answer.confidence < config.confidence_threshold:
        return None, None
    return answer.language, "classifier"


def tag(path: bytes, data: bytes, config: LanguageConfig) -> LanguageTag:
    """Tag one file: `path` is its full path inside its origin, `data` its text as UTF-8.

    Pure: the same path, data and config give the same tag in every process and on every machine. The
    language itself is decided by at most 54 KiB, `is_generated` by one linear pass over the whole text.

    With `enabled` false every language is None and every flag false. Raises `ForkedError` in a child forked
    after its parent tagged, `IntegrityError` if weights are damaged.
    """
    if not config.enabled:
        return LanguageTag(None, None, None, False, False, False, False, False, False, False, False)
    language, method, confidence = _language(path, data, config)
    flags = linguist.flags(path, data)
    return LanguageTag(
        language,
        method,
        confidence,
        flags.is_generated or is_generated(path, data),
        *flags[1:],
        is_minified(path, data),
        notebook := is_notebook(path, language),
        is_data_dump(language, data),
        *(_notebook_language(data, config) if notebook else (None, None)),
    )


def tag_many(rows: Sequence[tuple[bytes, bytes]], config: LanguageConfig) -> list[LanguageTag]:
    """`tag` of each (path, data), in order; no tag depends on the other rows."""
    return [tag(path, data, config) for path, data in rows]


def versions() -> dict[str, str]:
    """What decides a tag beside code and configuration; for keys and receipts. Does not load enry."""
    data = data_folder()
    names = (data / "guesslang_names.json").read_bytes()
    return {
        "enry-python": metadata.version("enry-python"),
        "enry's linguist": LINGUIST_DATA,
        "linguist": about()["commit"],
        "linguist languages": about()["languages_sha256"],
        "classifier": about()["classifier_sha256"],
        "confidence": json.dumps(about()["confidence"]),
        "guesslang": json.loads((data / "guesslang.json").read_text("utf-8"))["sha256"],
        "guesslang-names": hashlib.sha256(names).hexdigest(),
    }
