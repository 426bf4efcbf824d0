"""Notebooks: their language, their outputs, and texts that only look like notebooks."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema import RELEASED
from pipeline.stages.language.config import LanguageConfig
from pipeline.stages.language.core import KERNEL_LANGUAGES, tag
from pipeline.stages.language.languages import about, languages
from pipeline.stages.language.notebooks import (
    _CALLED,
    MAX_DEPTH,
    named_language,
    output_spans,
    read_notebook,
    without_outputs,
)
from pipeline.stages.release.subsets import SubsetConfig, with_subsets
from pipeline.stages.release.transforms import texts_of
from tests.release.test_subsets import row

CODE = "import os\n\n\ndef listed(folder):\n    return sorted(os.listdir(folder))\n\nprint(listed('.'))\n"


def cell(source: Any = CODE, outputs: Any = None, **more: Any) -> dict[str, Any]:
    made = {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": source, "outputs": outputs or []}
    return made | more


def notebook(*cells: Any, **metadata: Any) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def dumped(value: Any, **how: Any) -> bytes:
    return json.dumps(value, **how).encode()


STREAM = {"output_type": "stream", "name": "stdout", "text": ['é ] } "\\ \U0001f600\n']}


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"language_info": {"name": "python"}, "kernelspec": {"language": "R"}}, "Python"),
        ({"language_info": {"name": "unheard of"}, "kernelspec": {"language": "R"}}, "R"),
        ({"language_info": {"name": " "}, "kernelspec": {"language": 3, "name": "julia-1.6"}}, "Julia"),
        ({"language_info": ["name"], "kernelspec": {"name": "ir"}}, "R"),
        ({"kernelspec": {"name": "python3"}}, "Python"),
        ({"language_info": {"name": "C++17"}}, "C++"),
        ({"language": "ruby"}, "Ruby"),
    ],
)
def test_the_metadata_name_the_language(metadata: dict[str, Any], language: str) -> None:
    found = tag(b"a.ipynb", dumped(notebook(cell("?"), **metadata)), LanguageConfig())
    assert (found.notebook_language, found.notebook_language_method) == (language, "metadata")
    assert found.is_notebook


def test_every_name_that_kernels_use_is_one_of_linguists() -> None:
    assert set(_CALLED.values()) <= set(languages())
    assert named_language(None) is named_language("") is named_language("3") is None


def test_without_metadata_the_model_is_asked_and_below_the_threshold_nothing_is_said() -> None:
    data = dumped(notebook(cell(CODE.splitlines(True)), cell({"no": "text"}), {"cell_type": "markdown", "source": "x"}))
    found = tag(b"a.ipynb", data, LanguageConfig(confidence_threshold=0.0))
    assert (found.notebook_language, found.notebook_language_method) == ("Python", "classifier")
    for config in (LanguageConfig(confidence_threshold=1.0), LanguageConfig(use_classifier=False)):
        assert tag(b"a.ipynb", data, config)[-2:] == (None, None)
    assert tag(b"a.ipynb", dumped(notebook(cell("half \ud800"))), LanguageConfig()).is_notebook
    assert tag(b"a.ipynb", dumped(notebook()), LanguageConfig())[-2:] == (None, None)
    assert tag(b"a.py", data, LanguageConfig())[-2:] == (None, None)


def test_format_3() -> None:
    old = {"cell_type": "code", "input": ["x = 1\n"], "language": "python", "outputs": [STREAM], "collapsed": False}
    data = dumped({"metadata": {"name": ""}, "nbformat": 3, "worksheets": [{"cells": [old], "metadata": {}}, {}]})
    found = read_notebook(data)
    assert found is not None
    assert (found.stated, found.code) == ("python", ("x = 1\n",))
    stripped = json.loads(without_outputs(data.decode(), output_spans(data)))
    assert stripped["worksheets"][0]["cells"] == [old | {"outputs": []}]


@pytest.mark.parametrize("how", [{}, {"indent": 1}, {"ensure_ascii": False}, {"indent": 2, "ensure_ascii": False}])
def test_outputs_go_and_all_else_stays(how: dict[str, Any]) -> None:
    text = {"cell_type": "markdown", "source": "é", "outputs": [1]}  # no cell of code: no outputs
    whole = notebook(cell("é", [STREAM, STREAM]), text, cell(), cell("b", [STREAM]), language_info={"name": "R"})
    data = dumped(whole, **how)
    spans = output_spans(data)
    assert spans is not None
    assert len(spans) == 4
    assert json.loads(without_outputs(data.decode(), spans)) == notebook(
        cell("é"), text, cell(), cell("b"), language_info={"name": "R"}
    )
    again = without_outputs(data.decode(), spans)
    assert output_spans(again.encode()) == []
    assert without_outputs(again, []) == without_outputs(again, None) == again


@pytest.mark.parametrize("spans", [[1], [3, 2], [5, 7, 6, 9], [0, 100], [-1, 3]])
def test_spans_of_another_text_are_refused(spans: list[int]) -> None:
    with pytest.raises(ValueError, match="are they this row's"):
        without_outputs("0123456789", spans)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"{}", b'{"metadata": {}}', b'{"cells": {}}', b'{"cells": [1]}', b'{"cells": [{}',
        b'{"cells": []} more', b'{"cells": [],}', b'{"cells" []}', b"{'cells': []}", b'{"cells": [{"a"}]}', b'{"cells',
        b"\xff", b'{"cells": [], "x": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}", b"[" * 1_000_000,
        b'"' + b'\\"' * 500_000, b'{"' * 200_000, b'"' + b"\\" * 500_001,
    ],
)  # fmt: skip
def test_hostile_texts_are_no_notebooks(data: bytes) -> None:
    assert read_notebook(data) is None
    assert output_spans(data) is None
    assert tag(b"a.ipynb", data, LanguageConfig())[-2:] == (None, None)


def test_odd_notebooks_are_read() -> None:
    many = b'{"cells": [], "x": ' + b"9" * 10_000 + b"}"
    deep = b'{"cells": [], "x": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"
    for data in (b'{"cells": []}', b' {\n"cells"\t:\r[ ] } ', many, deep):
        assert output_spans(data) == []
    twice = b'{"cells": [{"outputs": [1], "cell_type": "code", "outputs": [2, 3]}]}'
    assert without_outputs(twice.decode(), output_spans(twice)) == (
        '{"cells": [{"outputs": [], "cell_type": "code", "outputs": []}]}'
    )


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80)
@given(st.lists(st.tuples(st.text(max_size=8), st.lists(_json, max_size=3), _json), max_size=4), st.booleans(), _json)
def test_what_is_left_is_the_same_notebook_without_outputs(
    cells: list[tuple[str, list[Any], Any]], ascii_only: bool, metadata: Any
) -> None:
    def made(keep: bool) -> dict[str, Any]:
        return notebook(*(cell(code, out if keep else [], extra=more) for code, out, more in cells), x=metadata)

    data = dumped(made(True), ensure_ascii=ascii_only)
    assert json.loads(without_outputs(data.decode(), output_spans(data))) == made(False)


def test_a_subset_can_be_read_without_outputs() -> None:
    text = dumped(notebook(cell("x", [STREAM]))).decode()
    rows = [row(text, "Jupyter Notebook", "a.ipynb", output_spans=output_spans(text.encode())), row("b = 1\n")]
    subset = SubsetConfig(transform="without_outputs")
    table, _ = with_subsets(pa.Table.from_pylist(rows, schema=RELEASED), {"mine": subset, "all": SubsetConfig()})
    first, second = texts_of(table, "mine", subset).column("content").to_pylist()
    assert json.loads(first)["cells"] == [cell("x")]
    assert second == "b = 1\n"
    assert texts_of(table, "all", SubsetConfig()).column("content").to_pylist() == [text, "b = 1\n"]


def test_the_languages_of_kernels_are_linguists_and_the_classifier_knows_them() -> None:
    assert set(KERNEL_LANGUAGES) <= set(languages()) & set(about()["classes"])
    assert list(KERNEL_LANGUAGES) == sorted(set(KERNEL_LANGUAGES))
