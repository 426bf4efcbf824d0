from __future__ import annotations

import re

import datasketch
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.stages.near.characters import CODE_POINTS, lower_table
from pipeline.stages.near.kernel import sign
from pipeline.stages.near.signatures import datasketch_signatures, lean_minhashes, shingle_hashes, signatures

from .samples import EDGES, documents, large, mostly_symbols, shingle_hashes_of, shingle_set, tokens_of


def _oracle(text: str, ngram: int = 5) -> NDArray[np.uint32]:
    sketch = datasketch.MinHash(num_perm=256, hashfunc=xxhash.xxh32_intdigest)
    shingles = sorted(shingle_set(text, ngram))
    if shingles:
        sketch.update_batch([shingle.encode() for shingle in shingles])
    return np.asarray(sketch.hashvalues)


def test_lower_table_is_lower_case_and_word_characters_of_every_code_point() -> None:
    table = lower_table()
    word = re.compile(r"\w")
    for point in range(CODE_POINTS):
        low = chr(point).lower() if len(chr(point).lower()) == 1 else chr(point)
        assert table[point] == (ord(low) if word.match(low) else ord(" ")), hex(point)


def test_lower_case_grows_utf8_by_half_at_most() -> None:
    table = lower_table()
    points = [p for p in range(CODE_POINTS) if not 0xD800 <= p < 0xE000]
    grown = [p for p in points if len(chr(table[p]).encode()) * 2 > len(chr(p).encode()) * 3]
    assert grown == []


@pytest.mark.parametrize("ngram", [5, 1, 3])
def test_signatures_are_datasketchs_bits(ngram: int) -> None:
    texts = documents(2000 if ngram == 5 else 100)
    got, comparable = signatures(large(texts), ngram)
    assert got.shape == (len(texts), 256)
    for text, signature, usable in zip(texts, got, comparable, strict=True):
        assert np.array_equal(signature, _oracle(text, ngram)), text[:80]
        assert usable == (len(tokens_of(text)) >= ngram and not mostly_symbols(text))


# Blocks begin and end among these in every way: ASCII and not, words and symbols, runs and single ones.
_texts = st.lists(
    st.text(max_size=80) | st.text("aZ_09 .;é一𐐀\n", max_size=300) | st.text("ab", min_size=60, max_size=200),
    max_size=4,
)


@settings(max_examples=150)
@given(_texts, st.text("aé-", max_size=130), st.integers(1, 6))
def test_any_text_hashes_as_xxhash_does(texts: list[str], beside: str, ngram: int) -> None:
    column = large([*texts, beside])  # what follows in the buffer belongs to no other document
    values, offsets = shingle_hashes(column, ngram)
    signed, comparable = signatures(column, ngram)
    expected, also = datasketch_signatures(column, ngram)
    assert np.array_equal(signed, expected)
    assert np.array_equal(comparable, also)
    for i, text in enumerate([*texts, beside]):
        assert values[offsets[i] : offsets[i + 1]].tolist() == shingle_hashes_of(text, ngram)


@pytest.mark.parametrize("length", range(80))
def test_every_tail_length_hashes_as_xxhash_does(length: int) -> None:
    word = ("abcdefghij" * 8)[:length]
    text = f"{word} b"
    ngram = 2 if word else 1
    assert np.array_equal(signatures(large([text]), ngram).values[0], _oracle(text, ngram))
    assert shingle_hashes(large([text]), ngram).values.tolist() == [xxhash.xxh64_intdigest(text.strip().encode())]


@pytest.mark.parametrize("place", range(0, 70))
def test_tokens_do_not_depend_on_where_blocks_begin(place: int) -> None:
    text = "x" * place + " One__two-THREE\tfour;;five é\u00cb six " + "Seven" * 40 + " eight\n" * 30
    for behind in ("", "é", "z" * 200):  # the last bytes of all are taken one by one
        assert np.array_equal(signatures(large([text, behind])).values[0], _oracle(text))


def test_the_datasketch_engine_gives_the_same() -> None:
    texts = large(documents(200, seed=2))
    (got, comparable), (expected, also) = signatures(texts), datasketch_signatures(texts)
    assert np.array_equal(got, expected)
    assert np.array_equal(comparable, also)


def test_fewer_values_are_a_prefix() -> None:
    texts = large(documents(50))
    assert np.array_equal(signatures(texts, 5, 250)[0], signatures(texts)[0][:, :250])


def test_lean_minhashes_are_datasketchs_own() -> None:
    texts = documents(40)
    lean = lean_minhashes(signatures(large(texts)).values)
    for text, sketch in zip(texts, lean, strict=True):
        own = datasketch.MinHash(num_perm=256, hashfunc=xxhash.xxh32_intdigest)
        own.update_batch([shingle.encode() for shingle in shingle_set(text)])
        assert sketch == datasketch.LeanMinHash(own)
        assert sketch.jaccard(own) == 1.0
    index = datasketch.MinHashLSH(threshold=0.7, num_perm=256)
    for i, sketch in enumerate(lean[-10:]):
        index.insert(i, sketch)
    assert 0 in index.query(lean[-10])
    with pytest.raises(ValueError, match="whole signatures of 256 values"):
        lean_minhashes(signatures(large(texts), 5, 250).values)


def test_slices_chunks_and_offsets_do_not_matter() -> None:
    texts = documents(60)
    expected = signatures(large(texts))[0]
    padded = large(["before before", *texts, "after"]).slice(1, len(texts))
    chunked = pa.chunked_array([large(texts[:7]), large([]), padded.slice(7)])
    small = pa.array(["x", *texts]).slice(1)
    for form in (padded, chunked, small):
        assert np.array_equal(signatures(form)[0], expected)
    assert np.array_equal(signatures(padded.slice(5, 9))[0], expected[5:14])
    assert np.array_equal(datasketch_signatures(chunked.slice(3, 9))[0], expected[3:12])


def test_empty_columns() -> None:
    for form in (large([]), pa.chunked_array([], pa.large_string()), large(["a b c d e f"]).slice(1)):
        got, comparable = signatures(form)
        assert got.shape == (0, 256)
        assert len(comparable) == 0
    assert signatures(large(["", ""])).comparable.tolist() == [False, False]


HELLO = "++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.>>.<-.<.+++.------.--------.>>+.>++."


@pytest.mark.parametrize(
    ("text", "comparable"),
    [
        ("a program in words: no symbols at all", True),
        (f"prints hello to whoever runs it\n{HELLO}", False),  # words only in the comment
        (f"{'prints hello to whoever runs it ' * 4}\n{HELLO}", True),  # most of it is words
        ("# " + "-" * 500 + "\nfive words below a line\n" + "=" * 500, True),  # a line is one symbol
        ("⍳⍴⌽⍉⊖∘⌹⍋⍒⍎⍕∇⍙⌷⍟⌈ a b c d e f", False),  # APL
        ("一 二 三 四 五 六", True),
        ("a;b;c;d;e;f", True),
        (";a;b;c;d;e;f", True),
        ("(a;b;c;d;e;f)", False),
        ("a b c d", False),
    ],
)
def test_files_that_are_not_made_of_words_are_not_compared(text: str, comparable: bool) -> None:
    for engine in (signatures, datasketch_signatures):
        assert engine(large([text])).comparable.tolist() == [comparable]


def test_documents_decide_alone() -> None:
    together = signatures(large(EDGES))[0]
    for i, text in enumerate(EDGES):
        assert np.array_equal(signatures(large([text]))[0][0], together[i])


def test_one_compilation_serves_all_inputs() -> None:
    signatures(large(["a b c d e f"]))
    signatures(pa.chunked_array([large(["a b"]), large(["c d e f g h"])]))
    assert len(sign.signatures) == 1  # type: ignore[attr-defined]


def test_refuses_nulls_other_types_and_bytes_that_are_not_utf8() -> None:
    with pytest.raises(InputError, match="1 of its 2 are null"):
        signatures(pa.array(["a", None], pa.large_string()))
    with pytest.raises(InputError, match="is large_binary"):
        signatures(pa.array([b"a"], pa.large_binary()))
    truncated = pa.array([b"abc\xf0\x9f"], pa.large_binary()).cast(pa.large_string(), safe=False)
    broken = pa.LargeStringArray.from_buffers(1, truncated.buffers()[1], truncated.buffers()[2])
    with pytest.raises(InputError, match="must be UTF-8"):
        signatures(broken)
