"""Documents and plain-Python models for the near stage's tests."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Sequence

import pyarrow as pa
import xxhash

from pipeline.schema import BLOB
from pipeline.stages.near.bands import band_rows
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.shingles import shingles

EDGES = [
    "",
    " \n\t ",
    "a b c d",  # four tokens: no shingle
    "a b c d e",
    "++ a,b;c--d(e) ++",
    "x" * 20,
    "a_b __c__ 1d 2 3 e4",
    "日本 b c d é f ß ẞ İ ΟΣ Σίσυφος",  # sharp s, dotted I, final sigma
    "𝐀 𐐀 Ⱥ k l m n",  # four-byte letters; U+023A grows from two bytes to three
    "Ⱥ" * 50 + " a b c d e",
    "e\u0301 e\u0301 e\u0301 e\u0301 e\u0301 e\u0301",  # a combining accent is no word character
    "\x00a\x00b\x00c\x00d\x00e\x00f",
    "Ⓐ ⅷ ² ½ ٣ क्षि 한국어 ไทย \u2028 \ufeff \U000e0001 \U0010ffff a b c d e",
    "word " * 3000,
    "int main(void) { return 0; } // " * 500,
    "a" * 70_000 + " b c d e f " + "ß" * 40_000,
]
_LETTERS = "abcxyzABCXYZ0189__" + "éÉßẞİıΣσςЖжÅ" + "語한Ⱥ" + "𝐀𐐀"
_GAPS = [" ", "\n", "\t\t", "(", ") { ", " + ", "。", "…", "\u00a0", "🙂", "\u0301"]


def documents(count: int, seed: int = 1) -> list[str]:
    """The edge cases, then generated ones of 0 to 60 short tokens."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(_LETTERS, k=rng.randint(1, 12))) for _ in range(300)]
    made = (
        "".join(rng.choice(words) + rng.choice(_GAPS) for _ in range(rng.randint(0, 60)))
        for _ in range(count - len(EDGES))
    )
    return [*EDGES, *made]


def variants(count: int, seed: int = 1) -> list[str]:
    """Documents in families: each a template with some of its 60 tokens changed, so that many are alike."""
    rng = random.Random(seed)
    families = [[f"w{rng.randrange(1000)}" for _ in range(60)] for _ in range(max(count // 12, 1))]
    made: dict[str, None] = {}
    while len(made) < count:
        tokens = list(rng.choice(families))
        for _ in range(rng.randint(0, 4)):
            tokens[rng.randrange(len(tokens))] = f"v{rng.randrange(1000)}"
        made[" ".join(tokens)] = None
    return list(made)


def blob_id(text: str) -> bytes:
    return hashlib.sha1(text.encode()).digest()


def blobs_of(texts: Iterable[str]) -> pa.Array:
    return pa.array([blob_id(text) for text in texts], BLOB)


def large(texts: Sequence[str]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def tokens_of(text: str) -> list[str]:
    return re.findall(r"\w+", "".join(c.lower() if len(c.lower()) == 1 else c for c in text))


def mostly_symbols(text: str) -> bool:
    words = sum(c.isalnum() or c == "_" for c in text)
    symbols = sum(
        not (c.isalnum() or c == "_" or c <= " ") and c != before for before, c in zip(" " + text, text, strict=False)
    )
    return symbols > words


def shingle_set(text: str, ngram: int = 5) -> frozenset[str]:
    tokens = tokens_of(text)
    return frozenset(" ".join(tokens[i : i + ngram]) for i in range(len(tokens) - ngram + 1))


def shingle_hashes_of(text: str, ngram: int = 5) -> list[int]:
    return sorted({xxhash.xxh64_intdigest(s.encode()) for s in shingle_set(text, ngram)})


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a | b else 0.0


def keys_by_blob(rows: pa.Table) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["blob"], []).append(row["key"])
    return found


def choosable(
    texts: Sequence[str], config: NearConfig, guards: Iterable[int] = (), priors: Iterable[int] = ()
) -> pa.Table:
    """The table that `choose` takes, in the order of `texts`, all in one component."""
    blobs = blobs_of(texts)
    keys = keys_by_blob(band_rows(blobs, large(texts), config))
    guard, prior = set(guards), set(priors)
    return pa.table(
        {
            "blob": blobs,
            "component": pa.array([bytes(20)] * len(texts), BLOB),
            "guard": pa.array([i in guard for i in range(len(texts))], pa.bool_()),
            "prior": pa.array([i in prior for i in range(len(texts))], pa.bool_()),
            "shingles": shingles(blobs, large(texts), config)["shingles"],
            "keys": pa.array([keys.get(blob, []) for blob in blobs.to_pylist()], pa.list_(pa.uint64())),
        }
    )
