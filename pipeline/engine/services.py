"""One process per machine for what is expensive to load, such as ScanCode's index (5-12 s, 1.1 GB).

A service is a module of the package with `load()` and `handle(request) -> answer`, both JSON. The first question
on a machine starts its process: it loads, freezes its heap and forks a child per connection, so that
children share the loaded pages. It listens on a Unix socket that only this user can open, named by the
module's source, and ends itself when nobody has asked for `IDLE_SECONDS`.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.engine.keys import PACKAGE, digest_of, source_digest
from pipeline.errors import EnvironmentalError

IDLE_SECONDS = 60
START_SECONDS = 300
STOP_SECONDS = 30

_connections: dict[tuple[str, int], socket.socket] = {}
# Held so that a service outlives the call that started it without a warning; it ends itself.
_started: list[subprocess.Popen[bytes]] = []


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
    """End the service if one runs."""
    connection = _connections.pop((module, os.getpid()), None)
    if connection:
        connection.close()
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(_socket(module)))
            _send(client, {"stop": True})
    except OSError:
        return  # none runs
    for process in _started:
        process.wait(timeout=STOP_SECONDS)
    _started.clear()


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
        _started.append(process)
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


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        while True:
            try:
                request = _receive(self.request)
            except ConnectionResetError:
                return
            if "stop" in request:
                os.kill(self.server.parent, 15)
                return
            try:
                answer = self.server.module.handle(request)
            except Exception as error:  # the asker gets it as an error of its own; nothing is swallowed
                answer = {"error": f"{type(error).__name__}: {error}"}
            _send(self.request, answer)


class _Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 64
    max_children = 256
    timeout = 1.0

    def __init__(self, module: Any, path: str) -> None:
        self.module, self.parent, self.last_asked = module, os.getpid(), time.monotonic()
        super().__init__(path, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.last_asked = time.monotonic()
        super().process_request(request, client_address)

    def serve_until_idle(self) -> None:
        while time.monotonic() - self.last_asked < IDLE_SECONDS:
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
    Path(path).unlink(missing_ok=True)
    with _Server(service, path) as server:
        try:
            server.serve_until_idle()
        finally:
            Path(path).unlink(missing_ok=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
