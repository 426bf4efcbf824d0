"""Which characters make words, and their lower case."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.near.kernel import SPACE

CODE_POINTS = 0x110000


@cache
def lower_table() -> NDArray[np.uint32]:
    r"""For each code point its lower case, or a space where `\w` does not match it. 4.4 MB, once per process.

    Lower case is taken code point by code point, so that it depends on no neighbour and needs no
    context: a final sigma is an ordinary sigma, and the one letter whose lower case is two code
    points (U+0130) stays. Follows `unicodedata.unidata_version` of the interpreter.

    >>> [chr(lower_table()[ord(c)]) for c in "aZ_9-"]
    ['a', 'z', '_', '9', ' ']
    """
    words = re.findall(r"\w", "".join(map(chr, range(CODE_POINTS))))
    lowered = "\n".join(words).lower().split("\n")  # one pass in C; a newline hides each letter's neighbours
    table = np.full(CODE_POINTS, SPACE, np.uint32)
    table[[ord(c) for c in words]] = [ord(low if len(low) == 1 else c) for c, low in zip(words, lowered, strict=True)]
    table.setflags(write=False)
    return table
