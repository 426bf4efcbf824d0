"""Bytes to text: by mark or as UTF-8, and always back. Guesses: test_guessing."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.ingest import decoding
from pipeline.stages.ingest.decoding import CERTAIN, Decoded, Undecodable, decode, encode

TEXT = "naïve – 日本 😀\r\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Decoded(b"", "utf-8")),
        (b"a\n", Decoded(b"a\n", "utf-8")),
        (TEXT.encode(), Decoded(TEXT.encode(), "utf-8")),
        (b"\x0c\x1b[0m\x01", Decoded(b"\x0c\x1b[0m\x01", "utf-8")),
        (codecs.BOM_UTF8, Decoded(b"", "utf-8-sig")),
        (codecs.BOM_UTF8 + b"a", Decoded(b"a", "utf-8-sig")),
        (codecs.BOM_UTF8 * 2 + b"a", Decoded(codecs.BOM_UTF8 + b"a", "utf-8-sig")),
        (codecs.BOM_UTF16_LE, Decoded(b"", "utf-16-le-sig")),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), Decoded(TEXT.encode(), "utf-16-le-sig")),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), Decoded(TEXT.encode(), "utf-16-be-sig")),
        (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), Decoded(TEXT.encode(), "utf-32-le-sig")),
        (codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"), Decoded(TEXT.encode(), "utf-32-be-sig")),
    ],
)
def test_what_is_certain_is_decoded(data: bytes, expected: Decoded) -> None:
    assert decode(data) == expected
    assert encode(expected.text_utf8, expected.encoding) == data


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"a\0b", "binary"),
        (b"\0", "binary"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        (b"\x80\x01\x02", "binary"),
        (codecs.BOM_UTF8 + b"a\0", "binary"),
        (codecs.BOM_UTF16_LE + "a\0b".encode("utf-16-le"), "binary"),
        (codecs.BOM_UTF16_LE + b"\0\0a\0", "binary"),
        ("naïve".encode("latin-1"), "undecodable"),
        ("日本".encode("shift-jis"), "undecodable"),
        (codecs.BOM_UTF8 + b"\xff", "undecodable"),
        (codecs.BOM_UTF16_LE + b"a", "undecodable"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8", "undecodable"),
        ("int main;\n".encode("utf-16-le"), "undecodable"),
        ("int main;\n".encode("utf-16-be"), "undecodable"),
        ("int main".encode("utf-16-le") + b"x", "binary"),
        (b"a\0\0\0b\0\0\0", "binary"),
        (b"\x01\0\x02\0", "binary"),
    ],
)
def test_what_is_not_certain_is_refused(data: bytes, rule: str) -> None:
    result = decode(data)
    assert isinstance(result, Undecodable)
    assert result.rule == rule
    assert result.reason


@given(
    st.one_of(
        st.binary(max_size=40),
        st.builds(
            lambda mark, text, codec: mark + text.encode(codec),
            st.sampled_from([b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE]),
            st.text(max_size=10),
            st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]),
        ),
    )
)
def test_any_text_gives_its_bytes_back(data: bytes) -> None:
    result = decode(data)
    if isinstance(result, Decoded):
        assert result.encoding in CERTAIN
        assert encode(result.text_utf8, result.encoding) == data
        assert "\0" not in result.text_utf8.decode()
    else:
        assert result.rule in {"binary", "undecodable"}


@given(st.text(max_size=20).filter(lambda text: "\0" not in text and not text.startswith("\ufeff")))
def test_every_text_is_decoded_from_every_encoding(text: str) -> None:
    for encoding in CERTAIN:
        assert decode(encode(text.encode(), encoding)) == Decoded(text.encode(), encoding)


def test_python_knows_the_utf_8_names() -> None:
    assert (codecs.BOM_UTF8 + b"a").decode("utf-8-sig") == "a"


def test_a_decoding_that_does_not_come_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "encode", lambda text, encoding: text + b"?")
    assert decode(b"a") == Undecodable("round_trip", "decoded as utf-8 it does not give its bytes back")


def test_an_unknown_encoding_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown encoding 'punycode'"):
        encode(b"a", "punycode")
