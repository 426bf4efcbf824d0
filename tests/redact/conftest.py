from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from pipeline.stages.redact import RedactConfig, Scanner

# Lines that a byte-wise pattern gets wrong: capital N with tilde, long s, Unicode digits and spaces.
TRAPS = (
    'CONTRASE\u00d1A = "abcd1234efgh"',
    'pa\u017f\u017fword = "abcd1234efgh"',
    'pas\u017fword: "abcd1234efgh"',
    "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669:" + "AbC9_" * 7,
    "x\u00a0AK" + "C" + "a1b2c3d4e5f6g7\u2003",
    "\u00e9(93.184.216.34)\u00e9 \u00fc93.184.216.35",
)


@pytest.fixture(scope="session")
def scanner() -> Scanner:
    return Scanner(RedactConfig())


@pytest.fixture(scope="session")
def re2_scanner() -> Scanner:
    return Scanner(RedactConfig(engine="re2"))


def standard_library(limit: int) -> list[tuple[str, bytes]]:
    """Real sources: the interpreter's own library, some packages of it, up to `limit` bytes."""
    root = Path(sysconfig.get_paths()["stdlib"])
    taken, size = [], 0
    for path in sorted(root.rglob("*.py"), key=lambda p: (p.name, str(p))):
        if "site-packages" in path.parts:
            continue
        data = path.read_bytes()
        if size + len(data) <= limit:
            taken.append((path.name, data))
            size += len(data)
    return taken
