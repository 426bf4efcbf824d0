"""ClamAV's daemon, asked through its socket (clamd(8): VERSION, INSTREAM)."""

from __future__ import annotations

import socket
import struct
from urllib.parse import urlsplit

from pipeline.errors import EnvironmentalError

NOT_SCANNED = "not scanned"
_CHUNK = 1 << 16
_SECONDS = 300
"""How long the daemon may be silent. It decides nothing: after it the run stops, and goes on when it is run again."""


class Clamd:
    """A daemon by its address: the path of a Unix socket, or tcp://HOST:PORT.

    Whatever goes wrong with it is an EnvironmentalError that names the address: no file is taken for clean by it.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def version(self) -> str:
        """The daemon's version and that of its database, such as `ClamAV 1.4.3/27500/Mon Jan  6 09:31:57 2025`."""
        answer = self._ask(b"zVERSION\0", None)
        if not answer.startswith("ClamAV "):
            raise self._error(f"answered {answer!r} to VERSION, expected ClamAV and its version")
        return answer

    def scan(self, data: bytes) -> str | None:
        """The name of the signature that the daemon finds in `data`; None where it finds none."""
        answer = self._ask(b"zINSTREAM\0", data)
        if answer == "stream: OK":
            return None
        if answer.startswith("stream: ") and answer.endswith(" FOUND"):
            return answer.removeprefix("stream: ").removesuffix(" FOUND")
        raise self._error(
            f"answered {answer!r} to {len(data)} bytes, expected OK or FOUND. If a limit was exceeded, raise "
            "StreamMaxLength in clamd.conf"
        )

    def _ask(self, command: bytes, data: bytes | None) -> str:
        try:
            with self._connection() as connection:
                connection.sendall(command)
                if data is not None:
                    for start in range(0, len(data), _CHUNK):
                        piece = data[start : start + _CHUNK]
                        connection.sendall(struct.pack(">I", len(piece)) + piece)
                    connection.sendall(struct.pack(">I", 0))
                answer = b""
                while not answer.endswith(b"\0"):
                    piece = connection.recv(4096)
                    if not piece:
                        raise self._error(f"closed the connection after {answer!r}, expected a whole answer")
                    answer += piece
        except OSError as error:
            raise self._error(f"cannot be asked: {error.strerror or error}. Is clamd running?") from error
        return answer.rstrip(b"\0\n").decode("utf-8", "replace")

    def _connection(self) -> socket.socket:
        if self.address.startswith("tcp://"):
            place = urlsplit(self.address)
            return socket.create_connection((place.hostname, place.port or 3310), _SECONDS)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_SECONDS)
        try:
            connection.connect(self.address)
        except OSError:
            connection.close()
            raise
        return connection

    def _error(self, what: str) -> EnvironmentalError:
        return EnvironmentalError(f"{self.address}: ClamAV's daemon {what}")


def scanner_of(scanners: list[str]) -> str:
    """What scanned a whole release, by what its parts say: one daemon and database, or `not scanned`.

    Raises EnvironmentalError for several.
    """
    if len(set(scanners)) > 1:
        raise EnvironmentalError(
            f"parts were scanned with different databases of ClamAV ({', '.join(sorted(set(scanners)))}): run again"
        )
    return scanners[0] if scanners else NOT_SCANNED
