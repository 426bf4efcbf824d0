"""Contents one by one from a store: fetched in parallel, retried where the network failed, and proved to be right."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

from pipeline.engine.storage import Location, RequestsConfig
from pipeline.stages.ingest.swh.gunzip import REASONS, gunzip


@dataclass(frozen=True, slots=True)
class Expected:
    """What the export says of a content. `length` is in bytes; a hash that it lacks is not checked."""

    blob: bytes
    sha1: bytes
    sha256: bytes | None
    blake2s256: bytes | None
    length: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """A content, or why there is none. `environmental`: another attempt may succeed."""

    blob: bytes
    data: bytes | None
    rule: str = ""
    reason: str = ""
    environmental: bool = False


@dataclass
class FetchCounts:
    """What fetching cost, for the receipt."""

    objects: int = 0
    requests: int = 0
    retries: int = 0
    bytes: int = 0
    _lock: Any = field(default_factory=Lock, repr=False)

    def add(self, **more: int) -> None:
        with self._lock:
            for name, count in more.items():
                setattr(self, name, getattr(self, name) + count)


def mismatch(data: bytes, expected: Expected, *, full: bool) -> tuple[str, str] | None:
    """Rule and reason where `data` is not what the export says: its length, sha1, sha1_git, sha256, and blake2s256 on
    request. Cheapest first; every hash is checked before a content passes."""
    if len(data) != expected.length:
        return "length_mismatch", f"the object has {len(data)} bytes, the export says {expected.length}"
    wrong = []
    if hashlib.sha1(data).digest() != expected.sha1:
        wrong.append("sha1")
    if expected.sha256 is not None and hashlib.sha256(data).digest() != expected.sha256:
        wrong.append("sha256")
    git = hashlib.sha1(b"blob %d\0" % len(data))
    git.update(data)
    if git.digest() != expected.blob:
        wrong.append("sha1_git")
    if full and expected.blake2s256 is not None and hashlib.blake2s(data).digest() != expected.blake2s256:
        wrong.append("blake2s256")
    return ("hash_mismatch", f"its {' and '.join(wrong)} differ from what the export says") if wrong else None


@dataclass(frozen=True)
class ContentStore:
    """Objects by sha1 at a location. Picklable."""

    location: Location
    layout: Literal["flat", "sliced"]
    compression: Literal["gzip", "none"]
    requests: RequestsConfig
    full: bool = False

    def path(self, sha1: bytes) -> str:
        """Where an object lies in the store."""
        name = sha1.hex()
        return name if self.layout == "flat" else f"{name[:2]}/{name[2:4]}/{name}"

    def fetch(self, wanted: Iterable[Expected], counts: FetchCounts) -> Iterator[Fetched]:
        """Each of `wanted`, in the order in which they come. Memory: contents of `memory_bytes` together, or one."""
        system, root = self.location.filesystem(retries=False)
        waiting = iter(wanted)
        running: dict[Future[Fetched], int] = {}
        ahead = next(waiting, None)
        with ThreadPoolExecutor(self.requests.parallel) as pool:
            while running or ahead is not None:
                while ahead is not None and (
                    not running
                    or (
                        len(running) < 2 * self.requests.parallel
                        and sum(running.values()) + ahead.length <= self.requests.memory_bytes
                    )
                ):
                    running[pool.submit(self._one, system, root, ahead, counts)] = ahead.length
                    ahead = next(waiting, None)
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    del running[future]
                    yield future.result()

    def _one(self, system: Any, root: str, expected: Expected, counts: FetchCounts) -> Fetched:
        path = f"{root.rstrip('/')}/{self.path(expected.sha1)}"
        problem = ""
        fault: tuple[str, str] | None = None
        for attempt in range(self.requests.attempts):
            if attempt:
                counts.add(retries=1)
                if fault is None:
                    self._pause(attempt, expected)
            counts.add(requests=1)
            try:
                raw = _read(system, path, self.requests.timeout_seconds)
            except FileNotFoundError:
                return Fetched(expected.blob, None, "missing_object", "the store of contents has no such object")
            except PermissionError:
                problem = "access was denied: check the credentials, or set anonymous = true for a public bucket"
                break
            except Exception as error:  # whatever the protocol's package raises for a network that fails
                problem, fault = f"{type(error).__name__}", None
                continue
            counts.add(bytes=len(raw))
            found = self._unpacked(raw, expected)
            if isinstance(found, bytes):
                counts.add(objects=1)
                return Fetched(expected.blob, found)
            if found == fault:
                return Fetched(expected.blob, None, *found)
            # Once more: what arrived may not be what lies there.
            fault = found
        if fault is not None:
            return Fetched(expected.blob, None, *fault)
        return Fetched(expected.blob, None, "quarantined", f"it could not be fetched ({problem})", environmental=True)

    def _unpacked(self, raw: bytes, expected: Expected) -> bytes | tuple[str, str]:
        data = gunzip(raw, expected.length) if self.compression == "gzip" else raw
        if isinstance(data, str):
            return data, REASONS[data]
        return mismatch(data, expected, full=self.full) or data

    def _pause(self, attempt: int, expected: Expected) -> None:
        # Spread by the object's id, so that what was throttled together does not come back together.
        spread = random.Random(expected.blob + bytes([attempt])).uniform(0.5, 1.5)
        time.sleep(min(self.requests.backoff_seconds * 2 ** (attempt - 1), 30.0) * spread)


def _read(system: Any, path: str, seconds: float) -> bytes:
    if getattr(system, "async_impl", False):
        from fsspec.asyn import sync

        return bytes(sync(system.loop, system._cat_file, path, timeout=seconds))
    return bytes(system.cat_file(path))
