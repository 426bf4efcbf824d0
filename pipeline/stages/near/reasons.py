"""What the ledger says of a near-duplicate; an audit says it again from the pair."""

from __future__ import annotations

NORMALISED = "differs from a better ranked file only in line ends, blanks before them or a byte order mark"


def likeness(jaccard: float) -> str:
    """The reason of a drop. Python's rounding is exact; that of Arrow's kernels is not.

    >>> likeness(113 / 160)
    'Jaccard similarity 0.7063 with a better ranked file'
    """
    return f"Jaccard similarity {round(jaccard, 4):g} with a better ranked file"
