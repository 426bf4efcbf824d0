"""Contents that differ only in how their lines end: one text under several ids."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipeline.stages.near.columns import contiguous
from pipeline.stages.near.tables import BAND_ROWS

DIGEST = pa.binary(16)


def digests(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    r"""XXH3-128 of each text without byte order mark, with `\n` for line ends, without blanks at line ends or empty
    lines at the end; null where nothing is left, because files of blanks alone may be programs (Whitespace).

    >>> one, other, empty = digests(pa.array(["a \r\nb\r\n", "\ufeffa\nb", " \n"], pa.large_string())).to_pylist()
    >>> one == other, empty
    (True, None)
    """
    text = pc.utf8_ltrim(contiguous(texts, "text"), "\ufeff")
    text = pc.replace_substring(text, "\r\n", "\n")
    text = pc.replace_substring(text, "\r", "\n")
    text = pc.replace_substring_regex(text, "[ \\t\\f\\v]+\n", "\n")
    text = pc.utf8_rtrim(text, " \t\f\v\n").cast(pa.large_binary())
    found = [xxhash.xxh3_128_digest(data.as_buffer()) if len(data.as_buffer()) else None for data in text]
    return pa.array(found, DIGEST)


def identity_rows(blobs: pa.ChunkedArray, texts: pa.ChunkedArray) -> pa.Table:
    """BAND_ROWS with one row, of band 0, for each text that has a digest."""
    found = digests(texts)
    present = pc.is_valid(found)
    raw = b"".join(found.drop_null().to_pylist())
    keys = np.frombuffer(raw, "<u8").reshape(-1, 2)[:, 0]
    kept = contiguous(blobs, "blob").filter(present)
    return pa.table([pa.array(np.zeros(len(keys), np.uint16)), pa.array(keys), kept], schema=BAND_ROWS)
