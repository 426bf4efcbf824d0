"""Licence expressions as trees: read, normalised, joined and written.

Reads SPDX expressions (SPDX 2.3, annex D) and ScanCode's, which have the same grammar with other keys. The
written form is canonical: SPDX ids, nested operators flattened, operands sorted and unique, absorbed ones
left out (`A AND (A OR B)` is `A`), so equal meaning by these laws is equal text and does not depend on the
order of what was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pipeline.errors import PermastackError
from pipeline.stages.license import table

Operator = Literal["AND", "OR"]

_TOKEN = re.compile(r"\s*([()]|[A-Za-z0-9][A-Za-z0-9.+:_-]*)\s*")
_REFERENCE = re.compile(r"(DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")
_MAX_DEPTH = 50


class ExpressionError(PermastackError):
    """A text is not a licence expression: its grammar is broken, or it names a licence that nobody knows."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One licence by its SPDX id, with its exception where it has one."""

    spdx: str
    exception: str | None = None

    def __str__(self) -> str:
        return f"{self.spdx} WITH {self.exception}" if self.exception else self.spdx


@dataclass(frozen=True, slots=True)
class Join:
    """Two or more operands under one operator, flat and sorted. Made by `all_of` and `any_of` only."""

    operator: Operator
    operands: tuple[Leaf | Join, ...]

    def __str__(self) -> str:
        return f" {self.operator} ".join(f"({o})" if isinstance(o, Join) else str(o) for o in self.operands)


SpdxExpression = Leaf | Join


def parse(text: str) -> SpdxExpression:
    """The tree of an expression in SPDX ids or ScanCode keys. Raises ExpressionError.

    >>> str(parse("mit or (gpl-2.0-plus with classpath-exception-2.0 and bsd-new)"))
    '(BSD-3-Clause AND GPL-2.0-or-later WITH Classpath-exception-2.0) OR MIT'
    """
    return _parse(text)


def all_of(expressions: Iterable[SpdxExpression]) -> SpdxExpression | None:
    """All of them hold; None for none."""
    return _join("AND", expressions)


def any_of(expressions: Iterable[SpdxExpression]) -> SpdxExpression | None:
    """One of them may be chosen; None for none."""
    return _join("OR", expressions)


def leaves(expression: SpdxExpression) -> Iterator[Leaf]:
    """Its licences, in the order of the written form, each as often as it stands there."""
    if isinstance(expression, Leaf):
        yield expression
    else:
        for operand in expression.operands:
            yield from leaves(operand)


def spdx_ids(expression: SpdxExpression) -> list[str]:
    """The ids of its licences, sorted, each once; exceptions are left out."""
    return sorted({leaf.spdx for leaf in leaves(expression)})


def states_license(expression: SpdxExpression) -> bool:
    """Whether it names a licence, not only pointers ("see LICENSE"), disclaimers, CLAs or patent grants."""
    return any(not (entry := table.by_id(leaf.spdx)) or not entry.is_silent for leaf in leaves(expression))


def _join(operator: Operator, expressions: Iterable[SpdxExpression]) -> SpdxExpression | None:
    flat: set[SpdxExpression] = set()
    for expression in expressions:
        if isinstance(expression, Join) and expression.operator == operator:
            flat.update(expression.operands)
        else:
            flat.add(expression)
    # A AND (A OR B) is A, and A OR (A AND B) too. Not where A is silent: then B is all that is said.
    absorbing = {e for e in flat if states_license(e)}
    kept = [e for e in flat if not (isinstance(e, Join) and absorbing.intersection(e.operands))]
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else Join(operator, tuple(sorted(kept, key=str)))


@cache
def _parse(text: str) -> SpdxExpression:
    reader = _Reader(text)
    tree = reader.join("OR", 0)
    if reader.next is not None:
        raise reader.error(f"{reader.next!r} stands where AND, OR or the end was expected")
    return tree


class _Reader:
    """Recursive descent; OR binds weakest, then AND, then WITH."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                raise self.error(f"the character {text[at]!r} at {at} belongs to no expression")
            self.tokens.append(found[1])
            at = found.end()
        self.tokens.reverse()

    @property
    def next(self) -> str | None:
        return self.tokens[-1] if self.tokens else None

    def error(self, what: str) -> ExpressionError:
        return ExpressionError(f"not a licence expression: {self.text[:200]!r}: {what}")

    def take(self, word: str) -> bool:
        """Whether the next token is this word; then it is consumed."""
        if self.next is None or self.next.upper() != word:
            return False
        self.tokens.pop()
        return True

    def join(self, operator: Operator, depth: int) -> SpdxExpression:
        if depth > _MAX_DEPTH:
            raise self.error(f"nested deeper than {_MAX_DEPTH} parentheses")
        operands = [self.operand(operator, depth)]
        while self.take(operator):
            operands.append(self.operand(operator, depth))
        tree = _join(operator, operands)
        assert tree is not None
        return tree

    def operand(self, operator: Operator, depth: int) -> SpdxExpression:
        if operator == "OR":
            return self.join("AND", depth)
        if self.take("("):
            inner = self.join("OR", depth + 1)
            if not self.take(")"):
                raise self.error("a parenthesis is not closed")
            return inner
        return self.leaf()

    def leaf(self) -> SpdxExpression:
        word = self.next
        if word is None or word in "()" or word.upper() in {"AND", "OR", "WITH"}:
            raise self.error(f"a licence was expected, {word or 'the end'!r} found")
        self.tokens.pop()
        tree = self.known(word, exception=False)
        if not self.take("WITH"):
            return tree
        if not isinstance(tree, Leaf) or tree.exception:
            raise self.error(f"{word!r} cannot take an exception")
        if self.next is None:
            raise self.error("an exception was expected after WITH")
        exception = self.known(self.tokens.pop(), exception=True)
        return Leaf(tree.spdx, str(exception))

    def known(self, word: str, *, exception: bool) -> SpdxExpression:
        """The tree of one id. `ID+` of a licence without an own "or later" id is that licence: it may be
        chosen.
        """
        entry = table.by_id(word) or table.by_id(word.rstrip("+"))
        if entry is None:
            if _REFERENCE.fullmatch(word):
                return Leaf(word)
            raise self.error(f"{word!r} is no licence that SPDX or ScanCode lists")
        return _parse(entry.replaced_by) if entry.replaced_by and not exception else Leaf(entry.spdx)
