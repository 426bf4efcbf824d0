"""What near-deduplication did, in numbers: clusters, drops, and how much it can be expected to have missed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.engine.rows import ids
from pipeline.stages.near.config import NearConfig

BINS = 6  # of similarity, from the threshold to 1
LARGEST = 10


def summary(pairs: pa.Table, about: pa.Table, keys: pa.Table, config: NearConfig) -> dict[str, Any]:
    """Cluster sizes, drops by language and licence, the largest clusters, expected and measured recall.

    `pairs` has what was dropped for what (schema DUPLICATES, of kind near), `about` the `license_expression` and the
    `language` of each dropped blob, `keys` BAND_ROWS of both ends. A cluster here is a kept file with all that was
    dropped for it.
    """
    sizes = Counter(pairs.column("kept").to_pylist())
    facts = {row["blob"]: row for row in about.to_pylist()}
    gone = [facts.get(blob, {}) for blob in pairs.column("dropped").to_pylist()]
    languages = Counter(row.get("language") or "" for row in gone)
    licenses = Counter(row.get("license_expression") or "" for row in gone)
    largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:LARGEST]
    return {
        "dropped": pairs.num_rows,
        "clusters": len(sizes),
        "cluster_sizes": _tally(Counter(size + 1 for size in sizes.values())),
        "dropped_by_language": _tally(languages),
        "dropped_by_license": _tally(licenses),
        "largest": [
            {"kept": kept.hex(), "files": size + 1, **_example(pairs, kept)} for kept, size in largest
        ],
        "recall": recall(pairs, keys, config),
    }  # fmt: skip


def _tally(counts: Counter[Any]) -> dict[str, int]:
    return {str(name): count for name, count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))}


def _example(pairs: pa.Table, kept: bytes) -> dict[str, Any]:
    """The least similar file of a cluster, which shows best what the threshold lets through."""
    rows = [row for row in pairs.select(["dropped", "kept", "jaccard"]).to_pylist() if row["kept"] == kept]
    least = min(rows, key=lambda row: (row["jaccard"], row["dropped"]))
    return {"example": least["dropped"].hex(), "jaccard": least["jaccard"]}


def recall(pairs: pa.Table, keys: pa.Table, config: NearConfig) -> list[dict[str, Any]]:
    """By similarity, the share of similar pairs that meet in a band: expected, and measured on these pairs.

    Measured by capture and recapture: of the pairs that one half of the bands found, the other half found some as well;
    from that share follows how many there are that neither found. Null where the halves have nothing in common.
    """
    together = _bands_in_common(pairs, keys, config.bands)
    half = config.bands // 2
    first, second = together[:, :half].any(1), together[:, half:].any(1)
    jaccard = pairs.column("jaccard").to_numpy()
    edges = np.linspace(config.threshold, 1.0, BINS + 1)
    place = np.clip(np.searchsorted(edges, jaccard, "right") - 1, 0, BINS - 1)
    rows = []
    for number in range(BINS):
        here = place == number
        found, both = int(here.sum()), int((here & first & second).sum())
        total = int((here & first).sum()) * int((here & second).sum()) / both if both else None
        expected = float(np.mean([config.candidate_probability(j) for j in jaccard[here]])) if found else None
        measured = None if total is None else min(found / total, 1.0)
        rows.append({
            "from": float(edges[number]), "to": float(edges[number + 1]), "pairs": found, "expected": expected,
            "measured": measured,
        })  # fmt: skip
    return rows


def _bands_in_common(pairs: pa.Table, keys: pa.Table, bands: int) -> NDArray[np.bool_]:
    """(pairs x bands) whether the two files of a pair have the same key."""
    blobs = ids(keys.column("blob"))[::bands]
    order = np.argsort(blobs)
    table = keys.column("key").to_numpy().reshape(len(blobs), bands)[order]
    left, right = (np.searchsorted(blobs[order], ids(pairs.column(name))) for name in ("dropped", "kept"))
    return np.asarray(table[left] == table[right])
