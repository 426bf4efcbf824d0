"""Filter expressions over the columns of a table, in Python's syntax: parsed and type-checked, never executed.

    n_lines <= 100000 and (language not in ("HTML", "XML") or visible_share >= 0.2)

There are column names, texts, numbers, `True`, `False` and tuples of these; `and`, `or`, `not`; `==`, `!=`, `<`, `<=`,
`>`, `>=`, which may be chained; `in` and `not in` a tuple; `is None`, `is not None`; and the functions in FUNCTIONS.
Missing values follow SQL: a comparison with one is neither true nor false, and `and`, `or`, `not` go on with that;
a missing value is in no tuple. A row passes where the whole is true.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Operand = Any  # an Arrow array or scalar

_COMPARISONS: dict[type[ast.cmpop], Callable[[Operand, Operand], Operand]] = {
    ast.Eq: pc.equal, ast.NotEq: pc.not_equal, ast.Lt: pc.less, ast.LtE: pc.less_equal, ast.Gt: pc.greater,
    ast.GtE: pc.greater_equal,
}  # fmt: skip
_MAX_LENGTH = 4000
_MAX_DEPTH = 50


def _file_name(path: Operand) -> Operand:
    return pc.replace_substring_regex(path, r"(?s)^.*/", "")


def _contains(text: Operand, part: str) -> Operand:
    return pc.match_substring(text, part)


def _has(values: Operand, one: str) -> Operand:
    if not pa.types.is_list(values.type):
        raise TypeError(f"has() takes a column of lists, not {values.type}")
    lists = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    found = [None if row is None else one in row for row in lists.to_pylist()]
    return pa.array(found, pa.bool_())


# Of each function: what it does, what it takes beside a column (a text or nothing), and how.
FUNCTIONS: dict[str, tuple[str, int, Callable[..., Operand]]] = {
    "lower": ("the text in lower case", 1, pc.utf8_lower),
    "file_name": ("what follows the last / of a path", 1, _file_name),
    "stem": ("a file's name up to its last dot", 1, lambda p: pc.replace_substring_regex(
        _file_name(p), r"(?s)^(.+)\.[^.]*$", r"\1")),
    "contains": ("whether the text has a part", 2, _contains),
    "starts_with": ("whether the text begins so", 2, pc.starts_with),
    "ends_with": ("whether the text ends so", 2, pc.ends_with),
    "has": ("whether a list has a text", 2, _has),
}  # fmt: skip


class ExpressionError(ValueError):
    """An expression that cannot be used, with the reason."""


class Expression:
    """A filter over rows of `schema`; `ExpressionError` where it is none."""

    def __init__(self, text: str, schema: pa.Schema) -> None:
        self.text = text
        if len(text) > _MAX_LENGTH:
            raise ExpressionError(f"it has {len(text)} characters, at most {_MAX_LENGTH} are read")
        try:
            self._tree = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            raise ExpressionError(f"{text!r} is no expression: {getattr(error, 'msg', error)}") from None
        self._names: set[str] = set()
        self._check(self._tree, schema, 0)
        result = self.of(schema.empty_table())
        if not pa.types.is_boolean(result.type):
            raise ExpressionError(f"{text!r} gives {result.type}, not true or false")

    @property
    def columns(self) -> list[str]:
        """The columns that it reads."""
        return sorted(self._names)

    def of(self, table: pa.Table) -> Operand:
        """Of each row true, false or null. A pure function of the row."""
        try:
            found = _evaluate(self._tree, table)
        except (pa.ArrowException, TypeError) as error:
            # Only ever with an empty table: what fails is decided by types.
            raise ExpressionError(f"{self.text!r} does not fit its columns: {str(error).splitlines()[0]}") from error
        return pa.repeat(found, table.num_rows) if isinstance(found, pa.Scalar) else found

    def passes(self, table: pa.Table) -> pa.Array:
        """Of each row whether it passes: null counts as no."""
        found = pc.fill_null(self.of(table), False)
        return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found

    def _check(self, node: ast.expr, schema: pa.Schema, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise ExpressionError(f"it nests more than {_MAX_DEPTH} deep")
        match node:
            case ast.Name(id=name):
                if name not in schema.names:
                    near = get_close_matches(name, schema.names, 1)
                    raise ExpressionError(
                        f"there is no column {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
                    )
                self._names.add(name)
            case ast.Constant(value=str() | bool() | int() | float()):
                pass
            case ast.BoolOp(values=below):
                for value in below:
                    self._check(value, schema, depth + 1)
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=below):
                self._check(below, schema, depth + 1)
            case ast.Compare(left=left, ops=ops, comparators=others):
                self._check(left, schema, depth + 1)
                for op, other in zip(ops, others, strict=True):
                    self._check_comparison(op, other, schema, depth)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                about, wanted, _ = FUNCTIONS[name]
                if len(arguments) != wanted:
                    raise ExpressionError(f"{name}() ({about}) takes {wanted} values, not {len(arguments)}")
                self._check(arguments[0], schema, depth + 1)
                if not all(isinstance(a, ast.Constant) and isinstance(a.value, str) for a in arguments[1:]):
                    raise ExpressionError(f"{name}() ({about}) takes a column and a text in quotes")
            case ast.Call(func=ast.Name(id=name)):
                raise ExpressionError(f"there is no function {name}(): there are {', '.join(FUNCTIONS)}")
            case _:
                raise ExpressionError(f"{ast.unparse(node)!r} is no part of a filter")

    def _check_comparison(self, op: ast.cmpop, other: ast.expr, schema: pa.Schema, depth: int) -> None:
        match op, other:
            case ((ast.Is() | ast.IsNot()), ast.Constant(value=None)):
                pass
            case ((ast.In() | ast.NotIn()), ast.Tuple(elts=items)) if items:
                if not all(isinstance(item, ast.Constant) for item in items):
                    raise ExpressionError(f"{ast.unparse(other)} may hold only texts and numbers")
                for item in items:
                    self._check(item, schema, depth + 1)
            case ((ast.In() | ast.NotIn()), _):
                raise ExpressionError(f"`in` takes a tuple such as (1, 2), not {ast.unparse(other)}")
            case ((ast.Is() | ast.IsNot()), _):
                raise ExpressionError("`is` takes None")
            case _:
                self._check(other, schema, depth + 1)


def _evaluate(node: ast.expr, table: pa.Table) -> Operand:
    match node:
        case ast.Name(id=name):
            return table.column(name)
        case ast.Constant(value=constant):
            return pa.scalar(constant)
        case ast.BoolOp(op=op, values=values):
            combine = pc.and_kleene if isinstance(op, ast.And) else pc.or_kleene
            found = _evaluate(values[0], table)
            for value in values[1:]:
                found = combine(found, _evaluate(value, table))
            return found
        case ast.UnaryOp(op=sign, operand=below):
            return (pc.invert if isinstance(sign, ast.Not) else pc.negate)(_evaluate(below, table))
        case ast.Compare(left=left, ops=comparisons, comparators=others):
            first, found = _evaluate(left, table), None
            for comparison, other in zip(comparisons, others, strict=True):
                here, first = _compare(comparison, first, other, table)
                found = here if found is None else pc.and_kleene(found, here)
            return found
        case ast.Call(func=ast.Name(id=name), args=[subject, *rest]):
            texts = [item.value for item in rest if isinstance(item, ast.Constant)]
            return FUNCTIONS[name][2](_evaluate(subject, table), *texts)
        case _:
            raise ExpressionError(f"{ast.unparse(node)!r} is no part of a filter")


def _compare(op: ast.cmpop, left: Operand, other: ast.expr, table: pa.Table) -> tuple[Operand, Operand]:
    """The comparison, and its right side for the next of a chain."""
    match op, other:
        case ((ast.Is() | ast.IsNot()), _):
            return (pc.is_null(left) if isinstance(op, ast.Is) else pc.is_valid(left)), left
        case ((ast.In() | ast.NotIn()), ast.Tuple(elts=items)):
            kind = left.type
            values = pa.array([item.value for item in items if isinstance(item, ast.Constant)]).cast(kind)
            found = pc.is_in(left, value_set=values)
            return (found if isinstance(op, ast.In) else pc.invert(found)), left
        case _:
            right = _evaluate(other, table)
            return _COMPARISONS[type(op)](left, right), right
