"""One process per machine for what is expensive to load, such as ScanCode's index (5-12 s, 1.1 GB).

A service is a module of the package with `load()` and `handle(request) -> answer`, both JSON. The first question
on a machine starts its process: it loads, freezes its heap and forks a child per connection, so that
children share the loaded pages; one that has made too many of them its own ends, and the next question forks another.
It listens on a Unix socket that only this user can open, named by the
module's source, and ends itself when nobody has been connected for `IDLE_SECONDS`, or, told to stop, as soon as
nobody is: runs side by side share it.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import resource
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.engine.blame import place_of
from pipeline.engine.keys import PACKAGE, digest_of, source_digest
from pipeline.errors import EnvironmentalError

IDLE_SECONDS = 60
START_SECONDS = 300
STOP_SECONDS = 5
_LOOK_SECONDS = 0.2
MOST_PRIVATE = 32 << 20
"""Bytes that a child may have for itself: what it looks at becomes its own, little by little, by reference counts."""
_FAULTS = 1_000  # of pages, after which it is worth a look

_connections: dict[tuple[str, int], socket.socket] = {}
# Held so that a service outlives the call that started it without a warning; it ends itself.
_started: dict[str, subprocess.Popen[bytes]] = {}


def call(module: str, request: dict[str, Any]) -> dict[str, Any]:
    """Ask a service, starting it where none runs. Raises EnvironmentalError where it cannot be had or dies."""
    key = (module, os.getpid())
    for attempt in (1, 2):
        if key not in _connections:
            _connections[key] = _connect(module)
        try:
            _send(_connections[key], request)
            answer = _receive(_connections[key])
        except OSError as error:
            _connections.pop(key).close()
            if attempt == 2:
                raise EnvironmentalError(
                    f"the service {module} died while it answered ({error}); its log is {_log(module)}. "
                    "Run again: what is finished is kept."
                ) from error
            continue
        if "error" in answer:
            raise EnvironmentalError(f"the service {module} failed: {answer['error']} (log: {_log(module)})")
        return answer
    raise AssertionError("unreachable")


def stop(module: str) -> None:
    """Let go of the service, and have it end if one runs that nobody else uses."""
    connection = _connections.pop((module, os.getpid()), None)
    if connection:
        connection.close()
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(_socket(module)))
            _send(client, {"stop": True})
    except OSError:
        return  # none runs
    if module in _started:
        # Another run may go on using it: then it ends after that.
        with contextlib.suppress(subprocess.TimeoutExpired):
            _started[module].wait(timeout=STOP_SECONDS)
            del _started[module]


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"permastack-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise EnvironmentalError(f"{folder} must belong to you alone (mode 700): remove it, then run again")
    return folder


def _socket(module: str) -> Path:
    stage = "/".join(module.split(".")[1:-1])
    identity = digest_of({"code": source_digest((stage, "engine")), "python": sys.executable, "package": str(PACKAGE)})
    return _folder() / f"{module.rpartition('.')[2]}-{identity[:16]}"


def _log(module: str) -> Path:
    return _socket(module).with_suffix(".log")


def _connect(module: str) -> socket.socket:
    path = _socket(module)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client = _try(path)
        if client:
            return client
        with _log(module).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.engine.services", module, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=PACKAGE.parent,
                start_new_session=True,
            )
        _started[module] = process
        for _ in range(START_SECONDS * 10):
            client = _try(path)
            if client:
                return client
            if process.poll() is not None:
                break
            time.sleep(0.1)
    tail = _log(module).read_text(errors="replace")[-500:]
    raise EnvironmentalError(f"the service {module} did not start; the end of {_log(module)}: {tail}")


def _try(path: Path) -> socket.socket | None:
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(str(path))
    except OSError:
        client.close()
        return None
    return client


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    connection.sendall(struct.pack(">Q", len(data)) + data)


def _receive(connection: socket.socket) -> dict[str, Any]:
    (length,) = struct.unpack(">Q", _exactly(connection, 8))
    answer: dict[str, Any] = json.loads(_exactly(connection, length))
    return answer


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        piece = connection.recv(min(size - len(parts), 1 << 20))
        if not piece:
            raise ConnectionResetError("the other side closed the connection")
        parts += piece
    return bytes(parts)


def private_bytes(pid: int | None = None) -> int:
    """What a process shares with nobody; 0 where the system does not tell. Some milliseconds for a gigabyte."""
    try:
        lines = Path(f"/proc/{pid or 'self'}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        looked = 0
        while True:
            # A page becomes a process's own by a fault, and faults are told at once.
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            if faults - looked > _FAULTS:
                looked = faults
                if private_bytes() > MOST_PRIVATE:
                    return  # whoever is cut off asks again, and gets a new child with all pages shared
            try:
                request = _receive(self.request)
            except ConnectionResetError:
                return
            if "stop" in request:
                os.kill(self.server.parent, signal.SIGUSR1)
                return
            try:
                answer = self.server.module.handle(request)
            except Exception as error:  # the asker gets it as an error of its own; nothing is swallowed
                # Its own words may quote the text that it was asked about.
                answer = {"error": f"{type(error).__name__} at {place_of(error)}"}
            _send(self.request, answer)


class _Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 64
    max_children = 256
    idle_seconds: float = IDLE_SECONDS
    timeout = _LOOK_SECONDS

    def __init__(self, module: Any, path: str) -> None:
        self.module, self.parent, self.last_asked = module, os.getpid(), time.monotonic()
        super().__init__(path, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.last_asked = time.monotonic()
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the child: if it kept the socket, callers could connect to a service that has ended, and wait for ever.
        self.socket.close()
        super().finish_request(request, client_address)

    def end_soon(self, *_: object) -> None:
        self.idle_seconds = 0.0

    def serve_until_idle(self) -> None:
        while self.active_children or time.monotonic() - self.last_asked < self.idle_seconds:
            self.handle_request()
            self.collect_children()
            if self.active_children:
                self.last_asked = time.monotonic()


def main(module: str, path: str) -> None:
    """Run a service until it is idle or told to stop."""
    service = importlib.import_module(module)
    service.load()
    gc.collect()
    gc.freeze()
    # It is removed here alone: at the end it might be that of a successor. Nobody answers at a stale one.
    Path(path).unlink(missing_ok=True)
    with _Server(service, path) as server:
        signal.signal(signal.SIGUSR1, server.end_soon)
        server.serve_until_idle()


if __name__ == "__main__":
    main(*sys.argv[1:])
