"""What decides this stage's results beside its source and configuration."""

from __future__ import annotations

import functools
import unicodedata
from importlib.metadata import version

KERNEL_VERSION = "2"  # raise it when the bits of a signature, band key or shingle hash change


@functools.cache
def versions() -> dict[str, str]:
    """Versions to stand in the keys of this stage's steps.

    Unicode: which characters are word characters, and lower case. datasketch and numpy: the
    permutations. xxhash: datasketch's hash function. kernel: the bits of ours.
    """
    return {
        "unicode": unicodedata.unidata_version,
        "datasketch": version("datasketch"),
        "numpy": version("numpy"),
        "xxhash": version("xxhash"),
        "kernel": KERNEL_VERSION,
    }
