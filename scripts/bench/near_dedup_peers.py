"""What peers take for the parts of near-deduplication; run by near_dedup with a Python that has them."""

from __future__ import annotations

import argparse
import itertools
import json
import re
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


PARTS = {
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
