"""The Merkle tree of RFC 6962, section 2.1, with sha256: one root over a release's entries."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def merkle_root(leaves: Sequence[bytes]) -> str:
    """The root, in hex, over `leaves` in the given order. O(n) hashes.

    >>> merkle_root([]) == hashlib.sha256(b"").hexdigest()
    True
    """
    if not leaves:
        return hashlib.sha256(b"").hexdigest()
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        # RFC 6962 splits at the largest power of two: pairing from the left, a last odd node moves up unchanged.
        paired = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = paired + ([level[-1]] if len(level) % 2 else [])
    return level[0].hex()
