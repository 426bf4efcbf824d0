"""What peers take for the parts of near-deduplication; run by near_dedup with a Python that has them."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

SIGNATURES = Path(tempfile.gettempdir()) / "near-dedup-signatures.npz"  # as near_dedup's part clustering left them


def signing(texts: list[str], seconds: float, sign: Callable[[str], object]) -> dict[str, Any]:
    """Documents from a fixed, spread order, until the time is over."""
    order = np.random.RandomState(0).permutation(len(texts))
    start, size, number = time.process_time(), 0, 0
    for i in order:
        sign(texts[i])
        size += len(texts[i].encode())
        number += 1
        if time.process_time() - start > seconds:
            break
    spent = time.process_time() - start
    return {"documents": number, "MB": size / 1e6, "MB/s": size / 1e6 / spent}


def datasketch_signature(texts: list[str], seconds: float) -> dict[str, Any]:
    import datasketch
    import xxhash

    def sign(text: str) -> None:
        tokens = re.findall(r"\w+", text.lower())
        sketch = datasketch.MinHash(num_perm=256, hashfunc=xxhash.xxh32_intdigest)
        shingles = {" ".join(tokens[i : i + 5]).encode() for i in range(len(tokens) - 4)}
        if shingles:
            sketch.update_batch(list(shingles))

    return signing(texts, seconds, sign)


def bigcode_signature(texts: list[str], seconds: float) -> dict[str, Any]:
    """The published formula of The Stack v2, with numpy."""
    import xxhash

    prime, top = np.uint32(2**32 - 5), np.uint32(2**32 - 1)
    draw = np.random.RandomState(42)
    a = draw.randint(1, prime, 250, np.uint32)
    b = draw.randint(0, prime, 250, np.uint32)

    def sign(text: str) -> None:
        tokens = re.split(r"\W", text.lower())
        hashes = {xxhash.xxh32_intdigest(" ".join(tokens[i : i + 5]).encode()) for i in range(len(tokens) - 4)}
        if hashes:
            values = np.outer(np.array(list(hashes), np.uint32), a) + b
            np.minimum(values % prime, top).min(axis=0)

    return signing(texts, seconds, sign)


def datatrove_signature(texts: list[str], seconds: float) -> dict[str, Any]:
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    config = MinhashConfig(num_buckets=25, hashes_per_bucket=10)
    step = MinhashDedupSignature(output_folder=tempfile.mkdtemp(), config=config)

    def sign(text: str) -> None:
        shingles = step.get_shingles(text)
        if shingles.size:
            step.get_signature(shingles)

    return signing(texts, seconds, sign)


def datatrove_clustering(texts: list[str], seconds: float) -> dict[str, Any]:
    """Stages 2 and 3 over ready signatures, written in its format."""
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.hashing import HashConfig

    values = np.load(SIGNATURES)["values"]
    config = MinhashConfig(num_buckets=25, hashes_per_bucket=10, hash_config=HashConfig(precision=32))
    folder = Path(tempfile.mkdtemp())
    kind = np.dtype([(f"h{i}", "<u4") for i in range(10)] + [("doc", "<u4")])
    parts = np.array_split(np.arange(len(values)), 4)
    for bucket in range(25):
        (folder / "sigs" / f"bucket_{bucket:03d}").mkdir(parents=True)
        for part, documents in enumerate(parts):
            records = np.empty(len(documents), kind)
            for i in range(10):
                # It reads a hash of 2^32 - 1 as the end of a file.
                records[f"h{i}"] = np.minimum(values[documents, bucket * 10 + i], 2**32 - 2)
            records["doc"] = np.arange(len(documents))
            records.sort(order=kind.names)
            records.tofile(folder / "sigs" / f"bucket_{bucket:03d}" / f"{part:05d}.minhash.sig")
    start = time.process_time()
    buckets = MinhashDedupBuckets(str(folder / "sigs"), str(folder / "buckets"), config=config)
    for rank in range(25):
        buckets.run(None, rank, 25)
    MinhashDedupCluster(str(folder / "buckets"), str(folder / "removed"), config=config).run(None, 0, 1)
    spent = time.process_time() - start
    removed = sum(path.stat().st_size // 4 for path in (folder / "removed").glob("*.remove"))
    return {"documents": len(values), "seconds": spent, "removed": removed}


def datasketch_clustering(texts: list[str], seconds: float) -> dict[str, Any]:
    """Insert and query; components of what a query gives would come on top."""
    import datasketch

    values = np.load(SIGNATURES)["values"]
    sketches = [datasketch.LeanMinHash(seed=1, hashvalues=row, scheme="affine32") for row in values]
    start = time.process_time()
    index = datasketch.MinHashLSH(num_perm=256, params=(25, 10))
    number = 0
    for number, sketch in enumerate(itertools.islice(sketches, len(sketches)), 1):
        index.query(sketch)
        index.insert(number, sketch, check_duplication=False)
        if time.process_time() - start > 5 * seconds:
            break
    return {"documents": number, "seconds": time.process_time() - start}


def datatrove_whole(texts: list[str], seconds: float) -> dict[str, Any]:
    """Its four steps, 25x10, one task each."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    config = MinhashConfig(num_buckets=25, hashes_per_bucket=10)
    folder = Path(tempfile.mkdtemp())
    documents = [Document(text=text, id=str(i)) for i, text in enumerate(texts)]
    start = time.process_time()
    MinhashDedupSignature(str(folder / "signatures"), config=config).run(iter(documents), 0, 1)
    for rank in range(25):
        MinhashDedupBuckets(str(folder / "signatures"), str(folder / "buckets"), config=config).run(None, rank, 25)
    MinhashDedupCluster(str(folder / "buckets"), str(folder / "removed"), config=config).run(None, 0, 1)
    kept = sum(1 for _ in MinhashDedupFilter(str(folder / "removed")).run(iter(documents), 0, 1))
    return _whole(texts, time.process_time() - start, len(texts) - kept)


def datasketch_whole(texts: list[str], seconds: float) -> dict[str, Any]:
    """Signatures, MinHashLSH, and its estimate of similarity as a check; the first of those alike stays."""
    import datasketch
    import xxhash

    start = time.process_time()
    index = datasketch.MinHashLSH(num_perm=256, params=(25, 10))
    kept: dict[int, Any] = {}
    for i, text in enumerate(texts):
        tokens = re.findall(r"\w+", text.lower())
        sketch = datasketch.MinHash(num_perm=256, hashfunc=xxhash.xxh32_intdigest)
        shingles = {" ".join(tokens[t : t + 5]).encode() for t in range(len(tokens) - 4)}
        if shingles:
            sketch.update_batch(list(shingles))
            if any(kept[other].jaccard(sketch) >= 0.7 for other in index.query(sketch)):
                continue
            index.insert(i, sketch, check_duplication=False)
        kept[i] = sketch
    return _whole(texts, time.process_time() - start, len(texts) - len(kept))


def text_dedup_whole(texts: list[str], seconds: float) -> dict[str, Any]:
    """Its command, with its own defaults but for 25x10 and shingles of 5."""
    import datasets

    folder = Path(tempfile.mkdtemp())
    datasets.Dataset.from_dict({"text": texts}).save_to_disk(str(folder / "in"))
    told = ["--path", str(folder / "in"), "--local", "--output", str(folder / "out"), "--column", "text"]
    told += ["--cache_dir", str(folder / "cache"), "--num_proc", "1", "--ngram", "5", "--num_perm", "250"]
    told += ["--b", "25", "--r", "10", "--batch_size", "10000", "--min_length", "5"]
    before = os.times()
    subprocess.run([sys.executable, "-m", "text_dedup.minhash", *told], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return _whole(texts, spent, len(texts) - len(datasets.load_from_disk(str(folder / "out"))))


def _whole(texts: list[str], seconds: float, removed: int) -> dict[str, Any]:
    size = sum(len(text.encode()) for text in texts) / 1e6
    return {"documents": len(texts), "MB": size, "MB/s": size / seconds, "removed": removed}


PARTS = {
    "datatrove-whole": datatrove_whole,
    "datasketch-whole": datasketch_whole,
    "text-dedup-whole": text_dedup_whole,
    "datasketch": datasketch_signature,
    "bigcode-v2": bigcode_signature,
    "datatrove": datatrove_signature,
    "datatrove-lsh": datatrove_clustering,
    "datasketch-lsh": datasketch_clustering,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--files", type=int)
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args()
    texts = [] if options.part.endswith("-lsh") else pq.read_table(options.corpus).slice(0, options.files)["text"]
    print(json.dumps(PARTS[options.part]([t.as_py() for t in texts], options.seconds)))
