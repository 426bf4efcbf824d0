"""Named subsets: The Stack v2's thresholds at their borders, the funnel, and wrong ones."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.config import load_config
from pipeline.errors import ConfigError
from pipeline.schema import RELEASED, SIGNALS
from pipeline.stages.language.languages import languages
from pipeline.stages.language.signals import signals
from pipeline.stages.release.config import ReleaseConfig
from pipeline.stages.release.expressions import Expression
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


# What a row must have to fail nothing: then one column is moved over a threshold.
FINE: dict[str, Any] = {
    "n_lines": 10, "mean_line_length": 20.0, "max_line_length": 80, "alpha_share": 0.6, "alnum_share": 0.7,
    "encoded_share": 0.0, "longest_encoded": 0, "visible_characters": 500, "visible_share": 0.9,
}  # fmt: skip
# The lists of the paper, written down a second time.
WIDE = {"HTML", "JSON", "Markdown", "Roff", "Roff Manpage", "SMT", "TeX", "Text", "XML"}
DATA = {"Text", "JSON", "YAML", "Web Ontology Language", "Graphviz (DOT)"}
LETTERLESS = {"Motorola 68K Assembly", "WebAssembly"}


PLAIN = row("x\n", None)


def bare(language: str | None = "Python", **columns: Any) -> dict[str, Any]:
    return PLAIN | FINE | {"language": language, "path": "readme.txt" if language == "Text" else "a.py"} | columns


def each_failing(made: list[dict[str, Any]]) -> list[set[str]]:
    """Of each row the filters of `train` that it fails."""
    table = pa.Table.from_pylist(made, schema=RELEASED)
    passed = {
        rule: Expression(text, RELEASED).passes(table).to_pylist() for rule, text in READY_MADE["train"][1].items()
    }
    return [{rule for rule in passed if not passed[rule][at]} for at in range(len(made))]


def test_the_row_of_the_next_tests_fails_nothing_in_any_language() -> None:
    assert each_failing([bare(language) for language in (None, *languages())]) == [set()] * (1 + len(languages()))


@pytest.mark.parametrize(
    ("rule", "language", "column", "passes", "fails"),
    [
        ("too_many_lines", "Python", "n_lines", [99_999, 100_000], [100_001]),
        ("long_lines", "Python", "mean_line_length", [99.99, 100.0], [100.01]),
        ("long_lines", "Python", "max_line_length", [999, 1000], [1001, 100_000]),
        ("long_lines", "HTML", "max_line_length", [1001, 99_999, 100_000], [100_001]),
        ("long_lines", "HTML", "mean_line_length", [100.01, 5000.0], []),
        ("few_letters", "Python", "alpha_share", [0.26, 0.25], [0.2499]),
        ("encoded_data", "Python", "longest_encoded", [1023, 1024], [1025]),
        ("encoded_data", "Python", "encoded_share", [0.49, 0.5], [0.5001]),
        ("long_data", "YAML", "n_lines", [511, 512], [513]),
        ("html_without_text", "HTML", "visible_characters", [101, 100], [99]),
        ("html_without_text", "HTML", "visible_share", [0.21, 0.2], [0.1999]),
        ("html_without_text", "XML", "visible_share", [0.0], []),
    ],
)
def test_each_threshold_just_under_at_and_just_over(
    rule: str, language: str, column: str, passes: list[Any], fails: list[Any]
) -> None:
    found = each_failing([bare(language, **{column: value}) for value in (*passes, *fails)])
    assert found == [set()] * len(passes) + [{rule}] * len(fails)


@pytest.mark.parametrize(
    ("rule", "columns", "fails"),
    [
        ("long_lines", {"mean_line_length": 101.0, "max_line_length": 1001}, lambda language: language not in WIDE),
        ("long_lines", {"max_line_length": 100_001}, lambda language: True),
        ("long_data", {"n_lines": 513}, lambda language: language in DATA),
        ("few_letters", {"alpha_share": 0.0, "alnum_share": 0.25}, lambda language: language not in LETTERLESS),
        ("few_letters", {"alpha_share": 0.0, "alnum_share": 0.2499}, lambda language: True),
        ("html_without_text", {"visible_share": 0.0}, lambda language: language == "HTML"),
        ("other_text", {"path": "a.txt"}, lambda language: language == "Text"),
    ],
)
def test_which_languages_a_filter_is_for(
    rule: str, columns: dict[str, Any], fails: Callable[[str | None], bool]
) -> None:
    known = (None, *languages())
    found = each_failing([bare(language, **columns) for language in known])
    assert dict(zip(known, found, strict=True)) == {name: {rule} if fails(name) else set() for name in known}


def test_which_plain_texts_stay() -> None:
    stay = [f"docs/{stem}.txt" for stem in ("readme", "notes", "todo", "description", "cmakelists")]
    stay += [f"docs/{stem}.TXT" for stem in ("ReadMe", "NOTES", "ToDo", "Description", "CMakeLists")]
    stay += ["requirements-dev.txt", "a/my_requirement.txt", "REQUIREMENTS", "todo"]
    go = ["readme2.txt", "a.readme", "license.txt", "requirements/base.txt", "readme.old.txt", "require.txt"]
    found = each_failing([bare("Text", path=path) for path in (*stay, *go)])
    assert found == [set()] * len(stay) + [{"other_text"}] * len(go)


# Its patterns (arXiv 2402.19173, section 2.1).
STACK_V2_ENCODED = (
    r"[a-zA-Z0-9+/\n=]{64,}",
    r"(?:\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b\s*)){8,}",
    r"(?:\\u[0-9a-fA-F]{4}){8,}",
)


def stack_v2_drops(text: str) -> bool:
    found = [len(match[0]) for pattern in STACK_V2_ENCODED for match in re.finditer(pattern, text)]
    return max(found, default=0) > 1024 or sum(found) > 0.5 * len(text)


WORDS = "\n".join(f"{word}{n}" for n in range(40) for word in ("apple", "banana", "cherry")) + "\n" + "quince\n" * 60
BASE64 = base64.b64encode(bytes(range(256)) * 5).decode()


@pytest.mark.parametrize(
    ("text", "theirs", "ours"),
    [
        (WORDS, True, False),
        ("\n".join(f"word{i:03}" for i in range(120)), True, False),
        ("x = 1\n" * 200, False, False),
        (f"key = '{BASE64}'\n", True, True),
        ("x = [\n" + "".join(f"    {BASE64[i : i + 76]}\n" for i in range(0, 1600, 76)) + "]\n", True, True),
        ("static char a[] = {" + ", ".join(["0x41"] * 300) + "};\n", False, True),
        ("static char a[] = {" + ",".join(["0x41"] * 300) + "};\n", True, True),
        ("s = '" + r"\u0041" * 300 + "'\n", True, True),
    ],
)
def test_a_list_of_words_is_no_base64_and_the_stack_v2_says_it_is(text: str, theirs: bool, ours: bool) -> None:
    assert stack_v2_drops(text) is theirs
    assert ("encoded_data" in failing(row(text))) is ours


def test_the_card_shows_what_each_filter_removes(tiny_release: Path) -> None:
    release = json.loads((tiny_release / "release.json").read_text())
    card, report = ((tiny_release / name).read_text() for name in ("README.md", "report.html"))
    table = ds.dataset(tiny_release / "data", format="parquet").to_table()
    for name, (_, filters) in READY_MADE.items():
        funnel = release["subsets"][name]
        assert funnel["rows"] == table.column(f"in_{name}").to_pylist().count(True)
        assert re.search(rf"^- `in_{name}`(, a configuration, too)?: {funnel['rows']:,} files\.", card, re.MULTILINE)
        assert set(funnel["fail"]) == set(filters)
        for rule, number in funnel["fail"].items():
            assert f"| {name} | {rule} | {number:,} | {funnel['fail_alone'][rule]:,} |" in card
            assert f"<th scope=row>{rule}</th><td>{number:,}</td>" in report
    assert any(release["subsets"]["train"]["fail"].values())


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
