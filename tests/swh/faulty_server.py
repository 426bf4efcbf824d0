"""A real S3 server on loopback behind a proxy that fails on purpose, each object once and in its own way."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from zlib import crc32

import boto3
from moto.server import ThreadedMotoServer

FAULTS = ("error", "slow_down", "cut", "slow", "reset")
BUCKET = "archive"


@dataclass
class FaultyServer:
    """Where the server is, and what it did."""

    endpoint: str
    faulty: str
    """Objects whose key begins with this fail at their first reading."""
    broken: str = "\0"
    """Objects whose key holds this fail always."""
    injected: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    _lock: Any = field(default_factory=threading.Lock)

    def fault_of(self, key: str) -> str | None:
        """What the next reading of `key` suffers."""
        with self._lock:
            self.asked[key] += 1
            if self.broken in key:
                fault: str | None = "error"
            elif key.startswith(self.faulty) and self.asked[key] == 1:
                fault = (*FAULTS, None, None)[crc32(key.encode()) % 7]
            else:
                fault = None
            if fault:
                self.injected[fault] += 1
            return fault


@contextmanager
def faulty_s3(folder: Path, *, faulty: str, broken: str = "\0") -> Iterator[FaultyServer]:
    """Serve every file of `folder` from the bucket `archive`."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            client.put_object(Bucket=BUCKET, Key=path.relative_to(folder).as_posix(), Body=path.read_bytes())
    client.close()
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    server = FaultyServer(f"http://127.0.0.1:{proxy.server_port}", faulty, broken)
    _Proxy.state[proxy.server_port] = (server, host, port)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        proxy.shutdown()
        proxy.server_close()
        moto.stop()


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: ClassVar[dict[int, tuple[FaultyServer, str, int]]] = {}

    def do_GET(self) -> None:
        self._forward()

    def do_HEAD(self) -> None:
        self._forward()

    def _forward(self) -> None:
        server, host, port = self.state[self.connection.getsockname()[1]]
        upstream = http.client.HTTPConnection(host, port)
        upstream.request(self.command, self.path, headers=dict(self.headers))
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        key = self.path.partition("?")[0].removeprefix(f"/{BUCKET}/")
        fault = server.fault_of(key) if self.command == "GET" and "list-type" not in self.path else None
        if fault == "reset":
            self.close_connection = True
            self.connection.close()
            return
        status, headers = answer.status, answer.getheaders()
        if fault in ("error", "slow_down"):
            code = "InternalError" if fault == "error" else "SlowDown"
            status, body = (500 if fault == "error" else 503), f"<Error><Code>{code}</Code></Error>".encode()
            headers = [("Content-Type", "application/xml")]
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "server"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault == "slow":
            time.sleep(0.5)
        self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)
        if fault == "cut":
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        return
