"""Encodings that are guessed: right on texts of many languages, proved to go back, refused where nothing fits."""

from __future__ import annotations

import codecs
import hashlib
import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schema import BYTES
from pipeline.stages.ingest import decoding, guessing
from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.decoding import CERTAIN, ENCODINGS, GUESSED, Decoded, Undecodable, decode, encode, method_of
from pipeline.stages.ingest.steps import decode_contents, fetch_versions
from pipeline.swhid import content_id

CODE = "int main(void) {{\n    /* {} */\n    return 0; // {}\n}}\n"
SENTENCES = {
    "ru": "Программа читает файл и проверяет каждую строку, прежде чем записать её в таблицу",
    "uk": "Програма читає файл і перевіряє кожен рядок, перш ніж записати його до таблиці",
    "ja": "このプログラムはファイルを読み込み、各行を確認してから表に書き込みます",
    "zh": "这个程序读取文件并在写入表格之前检查每一行的内容是否正确",
    "zh_hant": "這個程式讀取檔案並在寫入表格之前檢查每一行的內容是否正確",
    "ko": "이 프로그램은 파일을 읽고 표에 쓰기 전에 각 줄을 확인합니다",
    "fr": "Le programme vérifie chaque ligne du fichier avant de l'écrire là où il a été créé, même à la fin",
    "de": "Das Programm prüft jede Zeile der Datei, bevor es sie für die nächste Größe übernimmt",
    "pl": "Program sprawdza każdą linię pliku, zanim zapisze ją w tabeli, żeby nic się nie zgubiło",
    "el": "Το πρόγραμμα διαβάζει το αρχείο και ελέγχει κάθε γραμμή πριν τη γράψει στον πίνακα",
    "he": "התוכנית קוראת את הקובץ ובודקת כל שורה לפני שהיא כותבת אותה לטבלה",
    "ar": "يقرأ البرنامج الملف ويتحقق من كل سطر قبل أن يكتبه في الجدول",
    "th": "โปรแกรมอ่านไฟล์และตรวจสอบทุกบรรทัดก่อนที่จะเขียนลงในตาราง",
}


def text_in(language: str) -> str:
    return CODE.format(SENTENCES[language], SENTENCES[language])


@pytest.mark.parametrize(
    ("language", "codec"),
    [
        ("ru", "koi8-r"), ("ru", "cp1251"), ("ru", "cp866"), ("uk", "cp1251"), ("uk", "koi8-u"),
        ("ja", "shift_jis"), ("ja", "cp932"), ("ja", "euc_jp"), ("zh", "gb18030"), ("zh", "gb2312"), ("zh", "gbk"),
        ("zh_hant", "big5"), ("ko", "cp949"), ("ko", "euc_kr"), ("fr", "latin-1"), ("fr", "cp1252"), ("de", "latin-1"),
        ("de", "iso8859-15"), ("pl", "cp1250"), ("el", "cp1253"), ("el", "iso8859-7"),
        ("he", "cp1255"), ("ar", "cp1256"), ("th", "cp874"), ("fr", "utf-16-le"), ("de", "utf-16-be"),
    ],
)  # fmt: skip
def test_texts_of_many_languages_are_guessed_right(language: str, codec: str) -> None:
    data = text_in(language).encode(codec)
    found = decode(data, guessing=True)
    assert isinstance(found, Decoded)
    assert found.text_utf8.decode() == text_in(language)
    assert method_of(found.encoding) == "guess"
    assert encode(found.text_utf8, found.encoding) == data
    assert isinstance(decode(data), Undecodable)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("# -*- coding: koi8-r -*-\nname = 'мир'\n".encode("koi8-r"), "koi8-r"),
        ("<meta charset=windows-1251>\n<p>мир\n".encode("cp1251"), "cp1251"),
        ("# coding: latin-1\nname = 'é'\n".encode("latin-1"), "cp1252"),
    ],
)
def test_what_a_file_declares_helps(data: bytes, encoding: str) -> None:
    found = decode(data, guessing=True)
    assert isinstance(found, Decoded)
    assert found.encoding == encoding


def test_what_is_certain_is_never_guessed() -> None:
    for data in (b"", b"a\n", "naïve\n".encode(), codecs.BOM_UTF16_LE + "é".encode("utf-16-le")):
        assert decode(data, guessing=True) == decode(data)
    assert {method_of(name) for name in CERTAIN} == {"utf-8", "mark"}
    assert {method_of(name) for name in GUESSED} == {"guess"}
    assert len(set(ENCODINGS)) == len(ENCODINGS)


MIXED = (SENTENCES["fr"] + "\n").encode("latin-1") + (SENTENCES["de"] + "\n").encode()


@pytest.mark.parametrize(
    ("data", "rule", "reason"),
    [
        (b"ab\0\xe9z", "binary", "it holds a NUL byte"),
        (text_in("fr").encode("latin-1") + b"\0", "binary", "it holds a NUL byte"),
        (text_in("fr").encode("latin-1") + b"\x01", "binary", "it is not UTF-8 and holds control bytes"),
        (codecs.BOM_UTF8 + text_in("fr").encode("latin-1"), "undecodable", "it begins with the mark of utf-8"),
        ("a = 1;\n".encode("utf-16-le"), "undecodable", "it looks like UTF-16 without a byte order mark"),
        (MIXED, "undecodable", "nothing speaks for one other encoding"),
        ("# naïve\n".encode("latin-1"), "undecodable", "nothing speaks for one other encoding"),
        (b"# coding: latin-1\nx = '\x81\x8d\x8f'\n", "undecodable", "iso8859-1 would be a guess, and gives it control"),
        (text_in("ja").encode("shift_jis") + b"\x81\n", "undecodable", "cp932 would be a guess, and it is not valid"),
        (b"# coding: cp932\nx = '" + b"\x87\x90" * 3 + b"'\n", "round_trip", "decoded as cp932 it does not give"),
    ],
)
def test_what_cannot_be_is_refused(data: bytes, rule: str, reason: str) -> None:
    found = decode(data, guessing=True)
    assert isinstance(found, Undecodable)
    assert found.rule == rule
    assert reason in found.reason


def test_a_character_that_the_encoding_has_not_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "guess", lambda data: "cp1252")
    monkeypatch.setattr(decoding, "encode", lambda text, name: text.decode().encode("ascii"))
    assert decode(b"caf\xe9", guessing=True) == Undecodable(
        "round_trip", "decoded as cp1252 it does not give its bytes back"
    )


_CODECS = st.sampled_from(["koi8-r", "cp1251", "cp932", "gb18030", "big5", "latin-1", "cp1250", "utf-8", "utf-16-le"])


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.builds(
                lambda text, codec: text.encode(codec, "ignore"), st.sampled_from([*SENTENCES.values()]), _CODECS
            ),
        ),
        max_size=3,
    ).map(b"\n".join)
)
def test_any_bytes_are_refused_or_come_back(data: bytes) -> None:
    found = decode(data, guessing=True)
    assert decode(data, guessing=True) == found
    if isinstance(found, Decoded):
        assert found.encoding in ENCODINGS
        assert encode(found.text_utf8, found.encoding) == data
    else:
        assert found.rule in {"binary", "undecodable", "round_trip"}


def test_a_large_text_is_judged_by_part_of_it_and_proved_whole() -> None:
    plain = b"x = 1\n" * 500_000
    data = plain + text_in("ru").encode("koi8-r")
    found = decode(data, guessing=True)
    assert isinstance(found, Decoded)
    assert found.encoding == "koi8-r"
    one_line = SENTENCES["zh"].encode("gb18030") * 40_000
    found = decode(one_line, guessing=True)
    assert isinstance(found, Decoded)
    assert found.encoding == "gb18030"
    assert isinstance(decode(one_line + b"\xff", guessing=True), Undecodable)


@given(st.lists(st.sampled_from([b"a", b"\xe9", b"\n", b"\xc3\xa9"]), max_size=12).map(b"".join))
def test_the_lines_that_are_looked_at_are_those_that_are_not_ascii(data: bytes) -> None:
    assert list(guessing._foreign_lines(data)) == [x for x in data.split(b"\n") if not x.isascii()]


@pytest.mark.parametrize("filler", [b"x" * 3_000_000, b"\n" * 3_000_000, b"x = 1\xe9" * 500_000, b"\xe9\n" * 1_000_000])
def test_hostile_texts_cost_no_more_than_their_length(filler: bytes) -> None:
    data = filler + b"\n" + text_in("de").encode("latin-1") + filler
    found = decode(data, guessing=True)
    assert isinstance(found, Undecodable) or encode(found.text_utf8, found.encoding) == data


def test_contents_are_decoded_as_the_setting_says_and_their_ids_come_back() -> None:
    datas = [text_in("ru").encode("koi8-r"), b"a\n", MIXED]
    table = pa.table([[content_id(data) for data in datas], datas], schema=BYTES)
    decoded, rejected = decode_contents(table, guessing=True)
    assert decoded.column("src_encoding").to_pylist() == ["koi8-r", "utf-8"]
    assert rejected.column("rule").to_pylist() == ["undecodable"]
    for row in decoded.to_pylist():
        data = encode(row["text"].encode(), row["src_encoding"])
        assert content_id(data) == row["blob"]
        assert hashlib.sha256(data).digest() == row["sha256"]
    strict, rejected = decode_contents(table, guessing=False)
    assert strict.num_rows == 1
    assert rejected.column("rule").to_pylist() == ["undecodable"] * 2


def test_the_detector_is_in_the_key_where_it_decides() -> None:
    assert fetch_versions(IngestConfig()).keys() == {"chardet"}
    assert fetch_versions(IngestConfig(decode="strict")) == {}


def test_what_only_encodes_does_not_load_the_detector() -> None:
    code = (
        "import sys, pipeline.stages.ingest.decoding as d; d.encode(b'a', 'cp1252'); d.decode(b'a', guessing=True); "
        "sys.exit('chardet' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
