"""Quality signals: tables of tiny texts, and plain Python as the oracle of the compiled loops."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema import MALWARE, SCREENS, SIGNALS
from pipeline.stages.language.languages import languages
from pipeline.stages.language.signals import DEFINITIONS, _syntaxes, signals

DOCS = Path(__file__).parents[2] / "docs" / "stages"
Row = dict[str, float | int | bool | None]


def of(text: str, language: str | None = None) -> Row:
    found: Row = signals(pa.array([text], pa.large_string()), pa.array([language], pa.string())).to_pylist()[0]
    return found


def test_every_signal_is_defined_and_every_definition_is_a_column() -> None:
    assert list(DEFINITIONS) == SIGNALS.names


def test_the_docs_define_every_signal_and_screen() -> None:
    language, screen = ((DOCS / f"{stage}.md").read_text("utf-8") for stage in ("language", "screen"))
    for name, (unit, meaning, source) in DEFINITIONS.items():
        assert f"| `{name}` | {unit} | {meaning} | {source} |" in language
    for name in (*SCREENS.names, *MALWARE.names):
        assert name == "blob" or f"`{name}`" in screen, name


@pytest.mark.parametrize(
    ("text", "lines", "mean", "longest"),
    [
        ("", 0, 0.0, 0),
        ("\n", 1, 0.0, 0),
        ("abc", 1, 3.0, 3),
        ("abc\n", 1, 3.0, 3),
        ("a\n\nbcde", 3, 5 / 3, 4),
        ("ab\r\nc\r\n", 2, 1.5, 2),
        ("äöü\n", 1, 3.0, 3),
        ("😀\n漢字\n", 2, 1.5, 2),
    ],
)
def test_lines(text: str, lines: int, mean: float, longest: int) -> None:
    found = of(text)
    assert (found["n_lines"], found["mean_line_length"], found["max_line_length"]) == (lines, mean, longest)


@pytest.mark.parametrize(
    ("text", "alpha", "alnum", "tokens"),
    [
        ("", 0.0, 0.0, 0),
        ("ab12", 0.5, 1.0, 1),
        ("é١²", 1 / 3, 1.0, 1),
        ("a_b = c(1);", 3 / 11, 4 / 11, 7),
        ("  \n\t", 0.0, 0.0, 0),
    ],
)
def test_characters(text: str, alpha: float, alnum: float, tokens: int) -> None:
    found = of(text)
    assert (found["alpha_share"], found["alnum_share"], found["n_tokens"]) == (alpha, alnum, tokens)


B64 = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODkr"  # 84 characters


@pytest.mark.parametrize(
    ("text", "longest"),
    [
        (B64[:63], 0),
        (B64[:64], 64),
        (f"x = '{B64}=='", 86),
        (f"  {B64[:76]}\n  {B64[:76]}\n  {B64[:20]}==\n", 174),
        (f"{B64[:40]}\n{B64[:40]}\n", 80),
        (f"{B64[:39]}\n" * 50, 0),
        (f"{B64[:64]}\nword\n", 64),
        ("\n".join(f"word{i:03}" for i in range(2000)), 0),
        ("banana\n" * 300, 0),
        ("0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48", 46),
        ("0x41,0x42,0x43,0x44,0x45,0x46,0x47", 0),
        (r"'\x41\x42\x43\x44\x45\x46\x47\x48'", 32),
        ("41 42 43 44 45 46 47 48 zz", 24),
        ("deadbeefdeadbeef", 0),
        (r"\u0041" * 8, 48),
        (r"\u0041" * 7, 0),
    ],
)
def test_encoded_data(text: str, longest: int) -> None:
    found = of(text)
    assert found["longest_encoded"] == longest
    assert found["encoded_share"] == (0 if not longest else pytest.approx(_marked(text) / len(text)))


_UNITS = re.compile(rb"(?:(?:\\x|(?<!\w)(?:0x)?)[0-9a-fA-F]{2}(?!\w)[,\s]*){8,}")
_UNICODE = re.compile(rb"(?:\\u[0-9a-fA-F]{4}){8,}")


def _spans(text: str) -> list[tuple[int, int, int]]:
    """Start, end and length of each encoded piece, by regular expressions and plain loops."""
    data = text.encode()
    found = [(m.start(), m.end(), m.end() - m.start()) for p in (_UNITS, _UNICODE) for m in p.finditer(data)]
    place = 0
    block: tuple[int, int, int, int] | None = None  # start, width, length, lines
    for line in data.split(b"\n"):
        runs = re.finditer(rb"[A-Za-z0-9+/]{64,}={0,2}", line)
        found += [(place + m.start(), place + m.end(), m.end() - m.start()) for m in runs]
        body = line.strip(b" \t\r\x0b\x0c")
        start = place + len(line) - len(line.lstrip(b" \t\r\x0b\x0c"))
        whole = re.fullmatch(rb"[A-Za-z0-9+/]*={0,2}", body) is not None and body != b""
        width = len(body)
        if whole and block and (width == block[1] or (width < block[1] and block[3] > 1)):
            block = (block[0], block[1], block[2] + width, block[3] + 1)
            if block[2] >= 64:
                found.append((block[0], start + width, block[2]))
            block = block if width == block[1] else None
        else:
            block = (start, width, width, 1) if whole and width >= 40 else None
        place += len(line) + 1
    return found


def _marked(text: str) -> int:
    return len({i for start, end, _ in _spans(text) for i in range(start, end)})


_PIECES = st.sampled_from(
    ["0x4f,", "4f ", r"\x4f", r"\u004f", "a", "Zz9", " ", "\n", "=", "==", ",", B64[:40], B64[:64], B64[:20], "é", "\\"]
)


@settings(max_examples=300)
@given(st.lists(st.tuples(_PIECES, st.integers(1, 12)), max_size=12))
def test_encoded_data_is_what_regular_expressions_find(pieces: list[tuple[str, int]]) -> None:
    text = "".join(piece * times for piece, times in pieces)
    found = of(text)
    assert found["longest_encoded"] == max((length for _, _, length in _spans(text)), default=0)
    assert found["encoded_share"] == (_marked(text) / len(text) if text else 0)


@settings(max_examples=200)
@given(st.text(max_size=80))
def test_counts_are_those_of_plain_python(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    lengths = [len(line.removesuffix("\r")) for line in lines]
    categories = [unicodedata.ucd_3_2_0.category(c)[0] for c in text]
    full = [s for line in lines if (s := line.strip(" \t\r\x0b\x0c"))]
    found = of(text)
    assert found["n_lines"] == len(lines)
    assert found["max_line_length"] == max(lengths, default=0)
    assert found["mean_line_length"] == (sum(lengths) / len(lines) if lines else 0)
    assert found["alpha_share"] == (categories.count("L") / len(text) if text else 0)
    assert found["alnum_share"] == ((categories.count("L") + categories.count("N")) / len(text) if text else 0)
    assert found["duplicate_line_share"] == ((len(full) - len(set(full))) / len(full) if full else 0)
    assert found["n_tokens"] == len(re.findall(r"[A-Za-z0-9_\x80-\U0010ffff]+|[^\s\x1c-\x1f]|[\x1c-\x1f]", text))


@pytest.mark.parametrize(
    ("language", "text", "comment", "everything"),
    [
        ("Python", "x = 1  # two\n", 4, 7),
        ("Python", "x = '# no'\n# yes\n", 4, 11),
        ("C", "/* a\n b */ int c; // d\n", 9, 14),
        ("C", 'char *s = "/* no */";\n', 0, 16),
        ("C", 'char *s = "\\"/*";\n', 0, 14),
        ("C", "/* never closed\nx\n", 14, 14),
        ("Lua", "--[[ a\nb ]] c -- d\n", 11, 12),
        ("HTML", "<p>a<!-- b --></p>\n", 8, 16),
        ("JavaScript", "`// no\n// no` // yes\n", 5, 15),
        ("Rust", "fn a<'b>() {} // c\n", 3, 14),
    ],
)
def test_comments(language: str, text: str, comment: int, everything: int) -> None:
    assert of(text, language)["comment_share"] == comment / everything


def test_comments_of_unknown_languages_are_null_and_every_known_one_is_a_language() -> None:
    assert of("# a\n", None)["comment_share"] is None
    assert of("# a\n", "No such")["comment_share"] is None
    old_names = {"Vim script", "Coq"}
    assert set(_syntaxes()[0]) - old_names <= set(languages())
    assert len(_syntaxes()[0]) >= 100


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("<p>Hello,  <b>world</b></p>", 12),
        ("<!-- no --><script>var a = '<p>';</script><STYLE>p {}</STYLE>yes", 3),
        ("<p", 0),
        ("a\n\n  b", 3),
        ("äö", 2),
    ],
)
def test_visible_text_of_html(text: str, visible: int) -> None:
    found = of(text, "HTML")
    assert found["visible_characters"] == visible
    assert found["visible_share"] == visible / len(text)
    assert of(text, "XML")["visible_characters"] is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("// AUTO-GENERATED by x\n", True),
        ("a\nb\nc\nd\nthis file is generated\n", True),
        ("a\nb\nc\nd\ne\nthis file is generated\n", False),
        ("# automatically\ngenerated\n", False),
    ],
)
def test_says_generated(text: str, says: bool) -> None:
    assert of(text)["says_generated"] is says


@settings(max_examples=40)
@given(st.lists(st.tuples(st.text(max_size=40), st.sampled_from(["C", "HTML", None])), max_size=6), st.integers(0, 3))
def test_no_row_depends_on_another(rows: list[tuple[str, str | None]], skip: int) -> None:
    texts = pa.array([text.encode("utf-8", "replace").decode() for text, _ in rows], pa.large_string())
    names = pa.array([name for _, name in rows], pa.string())
    alone = [of(text.as_py(), name.as_py()) for text, name in zip(texts, names, strict=True)]
    assert signals(texts, names).to_pylist() == alone
    assert signals(texts[skip:], names[skip:]).to_pylist() == alone[skip:]
