"""Benchmarks: what is read of them, what is found, and that nothing of them is published."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audit.verify import audit_release
from pipeline.build import build, make_runner
from pipeline.errors import ConfigError, InputError, PermastackError
from pipeline.manifest.model import read_release
from pipeline.stages.language.notebooks import without_outputs
from pipeline.stages.screen.benchmarks import BenchmarkText, benchmark_texts, digests
from pipeline.stages.screen.config import ScreenConfig
from pipeline.stages.screen.overlap import Overlap, Screen, plain
from pipeline.stages.screen.steps import versions
from tests.conftest import Configure
from tests.corpus import MAIL, MIT, tar_of, write_archives

# Items in the form of HumanEval's, with words of our own.
PROMPT = 'def helper(a):\n    """Not this one."""\n\n\ndef glue(parts: list) -> str:\n    """ Put the parts together.\n    >>> glue(["a", "b"])\n    \'ab\'\n    """\n'  # noqa: E501
JOIN = "    return ''.join(strings)\n"
LONG = "    total = 0\n    for number in numbers:\n        total = total * 7 + number % 11\n    return total - 3\n"
HUMANEVAL = [
    {"task_id": "Own/0", "prompt": PROMPT, "canonical_solution": JOIN, "entry_point": "glue", "test": ""},
    {"task_id": "Own/1", "prompt": "no Python (", "canonical_solution": LONG, "entry_point": "mix", "test": ""},
]


def lines(path: Path, rows: list[Any]) -> Path:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def screen_config(**benchmark: Any) -> ScreenConfig:
    return ScreenConfig.model_validate(
        {"benchmarks": {"own": {k: str(v) if k == "path" else v for k, v in benchmark.items()}}}
    )


def read(**benchmark: Any) -> dict[str, str]:
    return {text.name: text.data.decode() for text in benchmark_texts(screen_config(**benchmark))}


def test_humaneval_gives_docstrings_and_solutions(tmp_path: Path) -> None:
    docstring = ' Put the parts together.\n    >>> glue(["a", "b"])\n    \'ab\'\n    '
    wanted = {
        "Own/0:docstring": docstring, "Own/0:canonical_solution": JOIN,
        "Own/1:docstring": "no Python (", "Own/1:canonical_solution": LONG,
    }  # fmt: skip
    for name in ("a.jsonl", "a.jsonl.gz"):
        assert read(path=lines(tmp_path / name, HUMANEVAL), format="humaneval") == wanted
    del wanted["Own/0:canonical_solution"]
    exempt = ["Own/0:canonical_solution"]
    assert read(path=tmp_path / "a.jsonl", format="humaneval", exempt=exempt) == wanted
    assert list(read(path=tmp_path / "a.jsonl", format="humaneval", exempt=["Own/1"])) == [
        "Own/0:docstring", "Own/0:canonical_solution",
    ]  # fmt: skip


def test_other_formats(tmp_path: Path) -> None:
    rows = [{"task_id": 11, "text": "Write it.", "code": "x = 1"}, {"task_id": 12, "prompt": "Again.", "code": "y"}]
    assert read(path=lines(tmp_path / "m.jsonl", rows), format="mbpp") == {
        "11:text": "Write it.", "11:code": "x = 1", "12:text": "Again.", "12:code": "y",
    }  # fmt: skip
    plain_rows = [{"q": "One?", "a": "1", "x": 0}, {"q": "half \ud800", "a": ""}]
    path = lines(tmp_path / "p.jsonl", plain_rows)
    assert read(path=path, format="jsonl", fields=["q"]) == {"1:q": "One?", "2:q": "half ?"}
    (tmp_path / "texts" / "b").mkdir(parents=True)
    (tmp_path / "texts" / "b" / "two.py").write_text("two")
    (tmp_path / "texts" / "one.py").write_text("one")
    assert read(path=tmp_path / "texts", format="text") == {"b/two.py": "two", "one.py": "one"}
    assert read(path=tmp_path / "texts", format="text", exempt=["one.py"]) == {"b/two.py": "two"}
    before = digests(screen_config(path=tmp_path / "texts", format="text"))
    (tmp_path / "texts" / "one.py").write_text("other")
    assert digests(screen_config(path=tmp_path / "texts", format="text")) != before


@pytest.mark.parametrize(
    ("data", "given", "error", "message"),
    [
        (None, {"format": "mbpp"}, InputError, "a.jsonl: the benchmark cannot be read: No such file"),
        (b"{", {"format": "mbpp"}, InputError, "a.jsonl: line 1: is no JSON: expected one object per line"),
        (b"\n[1]", {"format": "mbpp"}, InputError, "line 2: expected an object, found list"),
        (b'{"task_id": 1, "code": ""}', {"format": "mbpp"}, InputError, "no field text or prompt, but code, task_id"),
        (b'{"a": 1}', {"format": "jsonl", "fields": ["a"]}, InputError, "field a: expected a text, found int"),
        (b"", {"format": "mbpp"}, InputError, "benchmark own holds no text"),
        (b'{"task_id": "x/1", "text": "a", "code": "b"}', {"format": "mbpp", "exempt": ["x/1:cod"]}, ConfigError,
         "exempt: .* has no text 'x/1:cod'; did you mean 'x/1:code'"),
        (b"", {"format": "text"}, InputError, "is no folder: expected one of text files"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_benchmark_is_said(
    data: bytes | None, given: dict[str, Any], error: type[PermastackError], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(error, match=message):
        read(path=path, **given)


def test_a_torn_gzip_file_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl.gz", HUMANEVAL)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="is no whole gzip file"):
        read(path=path, format="humaneval")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("screen.benchmarks.Own={path='a', format='mbpp'}", "benchmark 'Own': expected a name of small letters"),
        ("screen.benchmarks.own={path='a', format='jsonl'}", "fields are needed with format"),
        ("screen.benchmarks.own={path='a', format='mbpp', fields=['a']}", "fields are needed with format"),
        ("screen.benchmarks.own={path='a', format='csv'}", "expected 'humaneval', 'mbpp', 'jsonl' or 'text'"),
    ],
)
def test_a_wrong_setting_is_refused(change: str, message: str, configure: Configure) -> None:
    with pytest.raises(ConfigError, match=message):
        configure(change)


def screen_of(*texts: str, characters: int = 40, ngram: int = 10) -> Screen:
    made = [BenchmarkText("own", i, str(i), text.encode()) for i, text in enumerate(texts)]
    return Screen(made, characters, ngram)


def test_the_stack_v2s_broken_exemption_is_none_here() -> None:
    """Its list of what is too common holds `return .join(strings)`, which no file holds: files with the line went."""
    common = "def glue(strings):\n" + JOIN
    assert screen_of(JOIN).look(common.encode()) is None  # too short to prove anything
    assert screen_of(JOIN, characters=8).look(common.encode()) == Overlap("own", 0, 1.0)  # as The Stack v2 found it
    longer = LONG + JOIN
    assert screen_of(JOIN, longer).look(longer.encode()) == Overlap("own", 1, 1.0)


def test_blanks_and_case_do_not_hide_a_text() -> None:
    assert plain("A\t b\r\nÄ ".encode()) == "abÄ".encode()
    screen = screen_of(LONG)
    for text in (LONG, LONG.replace("    ", "\t").upper(), "x = 1\n" + LONG.replace("\n", "\r\n\r\n") + "more"):
        assert screen.look(text.encode()) == Overlap("own", 0, 1.0)
    assert screen.look(b"") is None
    assert screen.look(b"nothing of it in here") is None
    assert screen_of().look(LONG.encode()) is None


def test_the_best_of_several_and_the_first_of_equals() -> None:
    other = LONG.replace("total", "result").replace("7", "13")
    screen = screen_of(other, LONG, LONG)
    assert screen.look(LONG.encode()) == Overlap("own", 1, 1.0)
    assert screen.look((LONG + other).encode()) == Overlap("own", 0, 1.0)


_words = st.lists(st.sampled_from(["ab", "cd ", "\n", "é", "Xy"]), max_size=60).map("".join)


@settings(max_examples=60)
@given(st.lists(_words, max_size=4), _words, st.integers(8, 21))
def test_shares_are_those_that_sets_of_n_grams_give(texts: list[str], file: str, ngram: int) -> None:
    def grams(form: bytes) -> set[bytes]:
        return {form[i : i + ngram] for i in range(len(form) - ngram + 1)}

    form, wanted = plain(file.encode()), []
    for number, text in enumerate(texts):
        own = plain(text.encode())
        if len(own) >= 8:
            share = 1.0 if own in form else len(grams(own) & grams(form)) / max(1, len(grams(own)))
            wanted.append((-share, number))
    found = screen_of(*texts, characters=8, ngram=ngram).look(file.encode())
    best = min(wanted, default=(0.0, 0))
    assert found == (Overlap("own", best[1], round(-best[0], 4)) if best[0] else None)


def test_a_release_says_what_is_in_a_benchmark_and_shows_no_text_of_it(configure: Configure, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden-place"
    hidden.mkdir()
    corpus = tmp_path / "corpus"
    write_archives(corpus)
    output = {"output_type": "stream", "name": "stdout", "text": [f"sent to {MAIL}\n"]}
    cells = [{"cell_type": "code", "metadata": {}, "execution_count": 1, "source": "print(1)", "outputs": [output]}]
    pages = {"cells": cells, "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    files = {"LICENSE": MIT.format(holder="Alpha Authors"), "pages.ipynb": json.dumps(pages)}
    (corpus / "pages-1.0.tar.gz").write_bytes(tar_of("pages-1.0", files))
    known = "export function add(first, second) { return first + second; }"
    never = "never_released_words = these_words_stand_in_no_file_of_the_corpus + 17"
    path = lines(hidden / "own.jsonl", [{"a": never}, {"a": known}])
    built = build(
        configure(
            f"screen.benchmarks.own={{path='{path}', format='jsonl', fields=['a']}}",
            "release.subsets.clean.filters.clean='not is_contaminated'",
            "screen.parse=true",
            folder=corpus,
        )
    )
    report = audit_release(built.folder)
    assert report.problems == []
    assert "parses" in [check.name for check in report.checks]
    rows = [row for file in built.folder.glob("data/*/*.parquet") for row in pq.read_table(file).to_pylist()]
    flagged = [row for row in rows if row["is_contaminated"]]
    assert [(r["path"], r["benchmark"], r["benchmark_item"], r["benchmark_share"]) for r in flagged] == [
        ("alpha/static/site.js", "own", 1, 1.0)
    ]
    assert {row["parses"] for row in rows if row["language"] == "Python"} == {True}
    assert {row["parses"] for row in rows if row["language"] == "CSS"} == {None}
    (page,) = [row for row in rows if row["is_notebook"]]
    assert (page["notebook_language"], page["notebook_language_method"]) == ("Python", "metadata")
    assert page["n_redactions"] == 1
    assert json.loads(without_outputs(page["content"], page["output_spans"])) == pages | {
        "cells": [cells[0] | {"outputs": []}]
    }
    assert {row["is_contaminated"] for row in rows} == {True, False}
    assert all(row["in_clean"] is not row["is_contaminated"] for row in rows)
    release = read_release(built.folder / "release.json")
    assert (
        release.policies["benchmark own"]
        == digests(configure(f"screen.benchmarks.own={{path='{path}', format='jsonl', fields=['a']}}").screen)["own"]
    )
    said = b"".join(p.read_bytes() for p in built.folder.rglob("*") if p.is_file() and p.suffix != ".parquet")
    assert b"hidden-place" not in said
    assert never.encode() not in said


def test_another_text_is_another_key(tmp_path: Path) -> None:
    config = screen_config(path=lines(tmp_path / "a.jsonl", HUMANEVAL), format="humaneval")
    before = versions(config)
    assert versions(config) == before
    lines(tmp_path / "a.jsonl", HUMANEVAL[:1])
    assert versions(config) != before


def test_a_wrong_benchmark_is_told_before_anything_runs(configure: Configure, tmp_path: Path) -> None:
    config = configure(f"screen.benchmarks.own={{path='{tmp_path}/none', format='mbpp'}}")
    with pytest.raises(InputError, match="the benchmark cannot be read"):
        make_runner(config)


def test_without_benchmarks_nothing_is_claimed(tiny_release: Path) -> None:
    for file in tiny_release.glob("data/*/*.parquet"):
        table = pq.read_table(file, columns=["is_contaminated", "benchmark", "benchmark_share"])
        assert all(column.null_count == table.num_rows for column in table.columns)
