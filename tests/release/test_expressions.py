"""Filter expressions: what they accept, what they mean with missing values, and Python as their oracle."""

from __future__ import annotations

import contextlib

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema import RELEASED
from pipeline.stages.release.expressions import FUNCTIONS, Expression, ExpressionError

ROWS = pa.table(
    {
        "n": pa.array([1, 2, None], pa.int64()),
        "share": pa.array([0.5, None, 0.25], pa.float64()),
        "name": pa.array(["HTML", None, "C"], pa.string()),
        "path": pa.array(["a/README.md", "b", "x/.bashrc"], pa.string()),
        "flag": pa.array([True, False, None], pa.bool_()),
        "licenses": pa.array([["MIT", "ISC"], [], None], pa.list_(pa.string())),
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n <= 1", [True, False, None]),
        ("0 < n < 2", [True, False, None]),
        ("n != 1", [False, True, None]),
        ("n <= 1 or flag", [True, False, None]),
        ("n <= 1 and flag", [True, False, None]),
        ("not flag", [False, True, None]),
        ("name in ('HTML', 'XML')", [True, False, False]),
        ("name not in ('HTML', 'XML')", [False, True, True]),
        ("n in (2,)", [False, True, False]),
        ("name is None", [False, True, False]),
        ("name is not None and share >= 0.25", [True, False, True]),
        ("share == -(-0.5)", [True, None, False]),
        ("True", [True, True, True]),
        ("lower(name) == 'html'", [True, None, False]),
        ("file_name(path) == 'README.md'", [True, False, False]),
        ("stem(path) in ('README', '.bashrc')", [True, False, True]),
        ("contains(path, 'EAD')", [True, False, False]),
        ("starts_with(path, 'x/')", [False, False, True]),
        ("ends_with(path, '.md')", [True, False, False]),
        ("has(licenses, 'ISC')", [True, False, None]),
        ("n + 1 == 2", None),
    ],
)
def test_what_an_expression_means(text: str, expected: list[bool | None] | None) -> None:
    if expected is None:
        with pytest.raises(ExpressionError, match="is no part of a filter"):
            Expression(text, ROWS.schema)
        return
    found = Expression(text, ROWS.schema)
    assert found.of(ROWS).to_pylist() == expected
    assert found.passes(ROWS).to_pylist() == [value is True for value in expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nn <= 1", "there is no column 'nn'; did you mean 'n'"),
        ("n <=", "is no expression"),
        ("n", "gives int64, not true or false"),
        ("n <= 'a'", "does not fit its columns"),
        ("name >= 1", "does not fit its columns"),
        ("n in (1, 'a')", "does not fit its columns"),
        ("n in ('a',)", "does not fit its columns"),
        ("n in [1]", "`in` takes a tuple"),
        ("n in ()", "`in` takes a tuple"),
        ("n in (n,)", "may hold only texts and numbers"),
        ("n is 1", "`is` takes None"),
        ("n == None", "is no part of a filter"),
        ("print(n)", "there is no function print"),
        ("lower()", "takes 1 values, not 0"),
        ("contains(path, name)", "takes a column and a text in quotes"),
        ("has(name, 'a')", "does not fit its columns"),
        ("lower(n) == 'a'", "does not fit its columns"),
        ("__import__('os').system('true')", "is no part of a filter"),
        ("[x for x in n]", "is no part of a filter"),
        ("(lambda: 1)()", "is no part of a filter"),
        ("n.real == 1", "is no part of a filter"),
        ("flag and n", "does not fit its columns"),
        ("not " * 60 + "flag", "nests more than"),
        ("n == " + "1" * 5000, "at most 4000"),
        ("(" * 3000, "is no expression"),
        ("n <= 1; n", "is no expression"),
    ],
)
def test_what_is_refused_and_why(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message.replace("(", r"\(")):
        Expression(text, ROWS.schema)


def test_columns_are_those_that_are_read() -> None:
    assert Expression("n <= 1 or contains(path, 'name')", ROWS.schema).columns == ["n", "path"]
    assert all(about for about, _, _ in FUNCTIONS.values())


_COMPARE = st.builds(
    "{} {} {}".format,
    st.sampled_from(["n", "share", "1", "0.3"]),
    st.sampled_from(["<", "<=", "==", "!=", ">", ">="]),
    st.sampled_from(["n", "share", "2", "0.25"]),
)
_EXPRESSIONS = st.recursive(
    st.one_of(_COMPARE, st.sampled_from(["flag", "n in (1, 3)", "name not in ('C',)", "share is None"])),
    lambda below: st.one_of(
        below.map("not ({})".format),
        st.tuples(below, st.sampled_from(["and", "or"]), below).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
    ),
    max_leaves=6,
)


@settings(max_examples=200)
@given(_EXPRESSIONS, st.integers(0, 3), st.floats(0, 1), st.sampled_from(["C", "HTML"]), st.booleans())
def test_without_missing_values_an_expression_is_what_python_says(
    text: str, n: int, share: float, name: str, flag: bool
) -> None:
    row = {"n": n, "share": share, "name": name, "flag": flag}
    table = pa.Table.from_pylist([row | {"path": "a", "licenses": []}], schema=ROWS.schema)
    assert Expression(text, ROWS.schema).of(table).to_pylist() == [eval(text, {}, row)]


@settings(max_examples=100)
@given(st.text("n in()<=1'\"flag.,and[]{}:*", max_size=30))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        Expression(text, RELEASED)
