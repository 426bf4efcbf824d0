"""What a process and all that it started used: CPU seconds and peak memory by role, sampled from /proc.

A role is read off a process's command line. CPU is that of each process itself, as last seen, so that what ends between
two looks loses less than one interval. Peak memory of a role is the highest that one of its processes ever held
(the kernel's own high-water mark); of the whole tree it is the highest sum seen at one time, in which pages that
processes share count once (proportional set size). Where there is no /proc, nothing is measured.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from pathlib import Path

PROC = Path("/proc")
INTERVAL_SECONDS = 0.5
ROLES = (
    (b"pipeline.engine.services", "licence service"),
    (b"pipeline.stages.near.kernels", "compiler"),
    (b"multiprocessing.resource_tracker", "driver"),
    (b"--multiprocessing-fork", "worker"),
)


def role_of(command: bytes) -> str:
    """Which part a process plays, by its command line."""
    return next((role for mark, role in ROLES if mark in command), "other")


class ProcessTree:
    """Watches a process and its descendants, also those that outlive their parent, while the context is open."""

    def __init__(self, root: int, root_role: str = "driver") -> None:
        self._root, self._root_role = root, root_role
        self._roles: dict[int, str] = {root: root_role}
        self._cpu: dict[int, float] = {}
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_by_role: dict[str, int] = {}
        self.peak_together = 0
        self.measures = (PROC / "self" / "stat").exists()

    def __enter__(self) -> ProcessTree:
        if self.measures:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self.measures:
            self._thread.join()

    def cpu_by_role(self) -> dict[str, float]:
        """CPU seconds so far, user and system."""
        self.look()
        used: defaultdict[str, float] = defaultdict(float)
        with self._lock:
            for pid, seconds in self._cpu.items():
                used[self._roles[pid]] += seconds
        return dict(used)

    def look(self) -> None:
        """Take one sample."""
        if not self.measures:
            return
        with self._lock:
            together = 0
            for pid, cpu in self._living().items():
                self._cpu[pid] = cpu
                peak, share = _memory(pid)
                role = self._roles[pid]
                self.peak_by_role[role] = max(self.peak_by_role.get(role, 0), peak)
                together += share
            self.peak_together = max(self.peak_together, together)

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL_SECONDS):
            self.look()

    def _living(self) -> dict[int, float]:
        """CPU seconds of each living process of the tree; new ones get their role."""
        parents, cpu = {}, {}
        for entry in PROC.iterdir():
            if entry.name.isdecimal() and (stat := _stat(int(entry.name))):
                parents[int(entry.name)], cpu[int(entry.name)] = stat
        fresh = True
        while fresh:
            fresh = [pid for pid, parent in parents.items() if parent in self._roles and pid not in self._roles]
            for pid in fresh:
                role = role_of(_read(pid, "cmdline"))
                self._roles[pid] = self._roles[parents[pid]] if role == "other" else role
        return {pid: seconds for pid, seconds in cpu.items() if pid in self._roles}


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return b""


def _stat(pid: int) -> tuple[int, float] | None:
    # The command's name stands in brackets and may hold anything.
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    if not fields:
        return None
    return int(fields[1]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> tuple[int, int]:
    """`(peak resident bytes so far, bytes now with shared pages shared out)`."""
    peak = _kilobytes(_read(pid, "status"), b"VmHWM:")
    return peak, _kilobytes(_read(pid, "smaps_rollup"), b"Pss:")


def _kilobytes(text: bytes, name: bytes) -> int:
    for line in text.splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0
