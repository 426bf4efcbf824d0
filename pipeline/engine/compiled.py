"""How compiled loops are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_Loop = TypeVar("_Loop", bound=Callable[..., Any])


def compiled(loop: _Loop) -> _Loop:
    """Compile a loop by numba on its first call, keep it in numba's cache folder, and run it without the GIL.

    numba notices a change of the file that a loop stands in, but not of loops that it calls in other
    files: loops that call each other therefore stand in one file.
    """
    return cast(_Loop, njit(cache=True, nogil=True)(loop))
