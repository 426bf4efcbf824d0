"""Laws that hold for all expressions: canonical form, joining, and what a policy makes of joined ones."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.license import policy
from pipeline.stages.license.expression import SpdxExpression, all_of, any_of, parse

SHIPPED = policy.load("permissive-2")
ORDER = ["permissive", "permissive_weak", "contested", "non_permissive"]
IDS = [
    "MIT",
    "Apache-2.0",
    "GPL-2.0-only",
    "LicenseRef-scancode-unknown-license-reference",
    "Artistic-2.0",
    "LicenseRef-x",
]


def expressions() -> st.SearchStrategy[SpdxExpression]:
    """Trees over a few licences of every verdict."""

    def joined(inner: st.SearchStrategy[SpdxExpression]) -> st.SearchStrategy[SpdxExpression]:
        return st.tuples(st.sampled_from([all_of, any_of]), st.lists(inner, min_size=1, max_size=3)).map(
            lambda pair: pair[0](pair[1]) or parse("MIT")
        )

    return st.recursive(st.sampled_from(IDS).map(parse), joined, max_leaves=8)


@given(expressions())
def test_written_form_round_trips(expression: SpdxExpression) -> None:
    assert parse(str(expression)) == expression


@given(st.lists(expressions(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_joining_ignores_order_and_repetition(trees: list[SpdxExpression], random: Random) -> None:
    shuffled = trees + trees[:1]
    random.shuffle(shuffled)
    assert all_of(shuffled) == all_of(trees)
    assert any_of(shuffled) == any_of(trees)


@given(expressions(), expressions())
def test_or_is_never_worse_and_and_never_better(one: SpdxExpression, other: SpdxExpression) -> None:
    types = [SHIPPED.classify(one), SHIPPED.classify(other)]
    stated = sorted((t for t in types if t != "no_license"), key=ORDER.index)
    best, worst = (stated[0], stated[-1]) if stated else ("no_license", "no_license")
    either, both = any_of([one, other]), all_of([one, other])
    assert SHIPPED.classify(either) == best
    assert SHIPPED.classify(both) == worst
