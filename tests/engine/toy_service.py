"""A service for tests: it echoes, counts its loads, fails and dies on request."""

from __future__ import annotations

import os
from typing import Any

_loads = 0
_held: list[bytes] = []


def load() -> None:
    global _loads
    _loads += 1
    if os.environ.get("TOY_SERVICE_BREAKS"):
        raise RuntimeError("the toy is broken")


def handle(request: dict[str, Any]) -> dict[str, Any]:
    if "fail" in request:
        raise ValueError(f"cannot answer {request['fail']}")
    if "die" in request:
        os._exit(1)
    _held.append(b"x" * request.get("hold", 0))
    return {"echo": request["say"], "loads": _loads, "service": os.getppid(), "child": os.getpid()}
