"""Named subsets: The Stack v2's thresholds at their borders, the funnel, and wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.config import load_config
from pipeline.errors import ConfigError
from pipeline.schema import RELEASED, SIGNALS
from pipeline.stages.language.signals import signals
from pipeline.stages.release.config import ReleaseConfig
from pipeline.stages.release.subsets import (
    READY_MADE,
    SubsetConfig,
    added,
    ready_made,
    released_schema,
    subsets_of,
    with_subsets,
)

_ZEROS: dict[str, Any] = {"string": "", "large_string": "", "int64": 0, "int32": 0, "double": 0.0, "bool": False}


def row(content: str = "", language: str | None = "Python", path: str = "a.py", **columns: Any) -> dict[str, Any]:
    """A row of RELEASED whose signals are those of its text, unless they are given."""
    plain = {f.name: None if f.nullable else _ZEROS.get(str(f.type), []) for f in RELEASED}
    counted = signals(pa.array([content], pa.large_string()), pa.array([language], pa.string())).to_pylist()[0]
    made: dict[str, Any] = plain | counted | {"content": content, "language": language, "path": path} | columns
    return made


def failing(made: dict[str, Any], name: str = "train") -> set[str]:
    """The filters that a row fails."""
    table = pa.Table.from_pylist([made], schema=RELEASED)
    _, funnels = with_subsets(table, {name: ready_made()[name]})
    return {rule for rule, number in funnels[name]["fail"].items() if number}


LINE = "abcdefgh\n"


@pytest.mark.parametrize(
    ("made", "fails"),
    [
        (row(LINE * 3), set()),
        (row("a\n" * 100_000), set()),
        (row("a\n" * 100_001), {"too_many_lines"}),
        (row("a" * 100 + "\n"), {"encoded_data"}),  # a hundred letters without a blank are base64 by any pattern
        (row("a b " * 25 + "\n"), set()),
        (row(("a b " * 25 + "\n") * 99 + "a b " * 25 + "c\n"), {"long_lines"}),
        (row("a b " * 250 + "\n" + "a\n" * 20), set()),
        (row("a b " * 250 + "c\n" + "a\n" * 20), {"long_lines"}),
        (row("a b " * 250 + "c\n" + "a\n" * 20, "Markdown"), set()),
        (row(max_line_length=100_000, mean_line_length=5000.0, language="XML", alpha_share=1.0), set()),
        (row(max_line_length=100_001, mean_line_length=5000.0, language="XML", alpha_share=1.0), {"long_lines"}),
        (row(max_line_length=100_000, mean_line_length=5000.0, language=None, alpha_share=1.0), {"long_lines"}),
        (row("a123"), set()),
        (row("a1234"), {"few_letters"}),
        (row("a1234", "WebAssembly"), set()),
        (row("a+++", "WebAssembly"), set()),
        (row("a++++", "Motorola 68K Assembly"), {"few_letters"}),
        (row(LINE * 300 + "z" * 1000), set()),
        (row(LINE * 300 + " " + "\n".join(["z" * 64] * 16)), set()),
        (row(LINE * 300 + "\n".join(["z" * 64] * 16) + "\nz"), {"encoded_data"}),
        (row(longest_encoded=64, encoded_share=0.5, alpha_share=1.0), set()),
        (row(longest_encoded=64, encoded_share=0.51, alpha_share=1.0), {"encoded_data"}),
        (row("\n".join(f"word{i:03}" for i in range(120)) + "\n"), set()),  # The Stack v2 takes this for base64
        (row("banana\n" * 300), set()),
        (row("a\n" * 512, "JSON"), set()),
        (row("a\n" * 513, "JSON"), {"long_data"}),
        (row("a\n" * 513, None), set()),
        (row("<p>" + "a" * 63 + " " + "b" * 36 + "</p>", "HTML"), set()),
        (row("<p>" + "a" * 62 + " " + "b" * 36 + "</p>", "HTML"), {"html_without_text"}),
        (row("<p>" + "a" * 50 + " " + "b" * 49 + "<br>" * 99, "HTML"), set()),
        (row("<p>" + "a" * 50 + " " + "b" * 49 + "<br>" * 100, "HTML"), {"html_without_text"}),
        (row("hello there\n", "Text", "a/Python_REQUIREMENTS.in.txt"), set()),
        (row("hello there\n", "Text", "a/ReadMe.txt"), set()),
        (row("hello there\n", "Text", "readme/other.txt"), {"other_text"}),
        (row("# auto-generated\n" + LINE), {"generated"}),
        (row(LINE * 5 + "# auto-generated\n"), set()),
        (row(LINE, is_generated=True), {"generated"}),
    ],
)
def test_the_stack_v2s_thresholds(made: dict[str, Any], fails: set[str]) -> None:
    assert failing(made) == fails


def test_strict_is_within_train_and_full_is_everything() -> None:
    assert READY_MADE["full"][1] == {}
    assert READY_MADE["train"][1].items() <= READY_MADE["strict"][1].items()
    good = row(LINE.replace("h", " h") * 3 + "x = y(z) + 12\n", license_type="permissive")
    assert failing(good, "strict") == set()
    for change, rule in (
        ({"encoding_method": "guess"}, "guessed_text"),
        ({"language": None}, "no_language"),
        ({"license_type": "no_license"}, "not_permissive"),
        ({"is_vendor": True}, "vendored"),
        ({"n_tokens": 9}, "short"),
        ({"encoded_share": 0.11}, "encoded_share"),
        ({"duplicate_line_share": 0.61}, "repetitive"),
    ):
        assert failing(good | change, "strict") == {rule}


def test_columns_and_funnel() -> None:
    subsets = {
        "mine": SubsetConfig(filters={"short": "n_lines <= 2", "letters": "alpha_share >= 0.5"}),
        "all_of_it": SubsetConfig(),
    }
    made = [row("a\n"), row("1\n"), row("1\n2\n3\n"), row("a\nbb\nccc\n")]
    table, funnels = with_subsets(pa.Table.from_pylist(made, schema=RELEASED), subsets)
    assert table.schema.equals(released_schema(list(subsets)))
    assert table.column("in_mine").to_pylist() == [True, False, False, False]
    assert table.column("in_all_of_it").to_pylist() == [True] * 4
    assert funnels["mine"] == {
        "rows": 1, "fail": {"letters": 2, "short": 2}, "fail_alone": {"letters": 1, "short": 1},
    }  # fmt: skip
    assert funnels["all_of_it"] == {"rows": 4, "fail": {}, "fail_alone": {}}
    twice = added([funnels, funnels])
    assert twice["mine"] == {"rows": 2, "fail": {"letters": 4, "short": 4}, "fail_alone": {"letters": 2, "short": 2}}
    assert [f.name for f in released_schema(["b", "a"])][-3:] == ["in_a", "in_b", "content"]


def test_the_ready_made_are_there_and_may_be_given_anew() -> None:
    assert set(ReleaseConfig().subsets) == {"full", "train", "strict"}
    given = ReleaseConfig.model_validate(
        {"subsets": {"train": {"filters": {"a": "n_lines > 1"}}, "x": {"like": "train"}}}
    )
    assert given.subsets["train"].filters == {"a": "n_lines > 1"}
    assert given.subsets["x"].filters == dict(sorted(READY_MADE["train"][1].items()))
    mixed = SubsetConfig.model_validate({"like": "train", "filters": {"long_lines": "max_line_length < 80"}})
    assert mixed.filters["long_lines"] == "max_line_length < 80"
    stated = {"release": {"subsets": {name: s.model_dump() for name, s in given.subsets.items()}}}
    assert subsets_of(stated) == given.subsets


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[release.subsets.a]\nfilters.b = 'n_line > 1'", "did you mean 'n_lines'"),
        ("[release.subsets.a]\nfilters.B = 'n_lines > 1'", "filter 'B': expected a name of small letters"),
        ("[release.subsets.A]", "subset 'A': expected a name of small letters"),
        ("[release.subsets.a]\nlike = 'best'", "expected 'full', 'train' or 'strict'"),
        ("[release.subsets.a]\nfilter = {}", "did you mean release.subsets.a.filters"),
        ("[release.subsets.a]\nfilters = ['n_lines > 1']", "release.subsets.a.filters"),
    ],
)
def test_a_wrong_subset_is_refused_at_the_start(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(tmp_path / "a.toml")


def test_every_signal_can_be_asked_for() -> None:
    SubsetConfig(filters={f"f_{name}": f"{name} is not None" for name in SIGNALS.names})
