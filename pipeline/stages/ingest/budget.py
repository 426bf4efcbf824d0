"""Deterministic budgets against bombs: bytes and members, never time."""

from __future__ import annotations

from typing import Protocol

from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.source import UnusableOrigin


class Readable(Protocol):
    """What hands out bytes; b"" at its end."""

    def read(self, size: int, /) -> bytes: ...


class Budget:
    """What one origin may still cost. Raises UnusableOrigin as soon as it is overdrawn.

    Totals only grow, so that whether it is overdrawn does not depend on the size of the pieces.
    """

    def __init__(self, config: IngestConfig, packed_bytes: int | None = None) -> None:
        """`packed_bytes` is the archive's own size; None where nothing is packed."""
        self._config = config
        self._packed = packed_bytes
        self._bytes = 0
        self._members = 0

    def spend(self, count: int) -> None:
        """`count` more bytes came out."""
        self._bytes += count
        if self._bytes > self._config.max_archive_bytes:
            raise UnusableOrigin(
                "too_large_archive",
                f"it unpacks to more than max_archive_bytes = {self._config.max_archive_bytes} bytes",
            )
        # Below the size of one permitted file no ratio does harm.
        if (
            self._packed is not None
            and self._bytes > self._config.max_file_bytes
            and self._bytes > self._config.max_ratio * self._packed
        ):
            raise UnusableOrigin("bomb", f"it unpacks to more than max_ratio = {self._config.max_ratio} times its size")

    def member(self) -> None:
        """One more member was listed."""
        self._members += 1
        if self._members > self._config.max_entries:
            raise UnusableOrigin(
                "too_many_entries", f"it has more than max_entries = {self._config.max_entries} members"
            )


class Metered:
    """A readable stream whose bytes are spent from a budget."""

    def __init__(self, stream: Readable, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._budget.spend(len(data))
        return data
