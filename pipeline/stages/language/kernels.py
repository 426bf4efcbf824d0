"""Compiling the numba kernels of this stage ahead, as `pipeline.stages.near.kernels` does."""

from __future__ import annotations

import pyarrow as pa

from pipeline.stages.language.signals import signals


def main() -> None:
    """Run every kernel once."""
    signals(pa.array(["x = 1\n"], pa.large_string()), pa.array(["Python"]))


if __name__ == "__main__":
    main()
