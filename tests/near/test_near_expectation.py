from __future__ import annotations

import pytest

from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.expectation import expectation, explanation


def test_our_bands_are_datasketchs_optimum_where_missing_costs_more() -> None:
    found = expectation(NearConfig())
    assert [found["bands"], found["rows"]] == found["optimum_for_recall"]
    assert found["optimum"] == [25, 10]  # The Stack's
    stack = expectation(NearConfig(profile="stack-v2"))
    assert [stack["bands"], stack["rows"]] == stack["optimum"]


def test_recall_rises_with_similarity_and_bands() -> None:
    found = expectation(NearConfig())
    assert list(found["recall"]) == ["0.7", "0.75", "0.8", "0.85", "0.9", "0.95"]
    assert sorted(found["recall"].values()) == list(found["recall"].values())
    more = expectation(NearConfig(bands=64, rows=4))
    assert more["recall"]["0.7"] > found["recall"]["0.7"]
    assert more["compared_though_unlike"]["0.5"] > found["compared_though_unlike"]["0.5"]
    assert list(expectation(NearConfig(threshold=0.9))["recall"]) == ["0.9", "0.95"]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (NearConfig(), ["32 bands of 8 rows", "85.0% at 0.7", "exact Jaccard", "960 bytes", "64 kept files"]),
        (NearConfig(profile="stack-v2"), ["25 bands of 10 rows", "51.1% at 0.7", "candidates are not checked"]),
        (NearConfig(enabled=False), ["near: off"]),
    ],
)
def test_words(config: NearConfig, words: list[str]) -> None:
    text = "\n".join(explanation(expectation(config)))
    assert all(word in text for word in words)
    assert max(map(len, text.split("\n"))) <= 160
