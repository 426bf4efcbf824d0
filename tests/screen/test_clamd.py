"""ClamAV's daemon: its protocol by a little daemon of our own, and the real one where it is installed."""

from __future__ import annotations

import os
import shutil
import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.audit.verify import audit_release
from pipeline.build import build
from pipeline.errors import EnvironmentalError
from pipeline.manifest.model import read_release
from pipeline.stages.screen.clamd import Clamd, scanner_of
from pipeline.stages.screen.config import MalwareConfig
from pipeline.stages.screen.scan_steps import scan_versions
from tests.conftest import Configure
from tests.corpus import MIT, tar_of

EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!" + "$H+H*").encode()


class LittleClamd(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Speaks the protocol, finds one string, and does as it is told."""

    daemon_threads = True
    versions: tuple[str, ...] = ("ClamAV 1.4.3/27500/Mon Jan  6 09:31:57 2025",)
    answer: bytes | None = None  # to every INSTREAM
    asked = 0
    scanned = 0


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, LittleClamd)
        command = b""
        while not command.endswith(b"\0"):
            command += self.rfile.read(1)
        if command == b"zVERSION\0":
            version = server.versions[min(server.asked, len(server.versions) - 1)]
            server.asked += 1
            self.wfile.write(version.encode() + b"\0")
            return
        assert command == b"zINSTREAM\0"
        data = b""
        while size := struct.unpack(">I", self.rfile.read(4))[0]:
            data += self.rfile.read(size)
        server.scanned += 1
        verdict = b"stream: Eicar-Test-Signature FOUND\0" if EICAR in data else b"stream: OK\0"
        self.wfile.write(verdict if server.answer is None else server.answer)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[LittleClamd]:
    # A socket's path is short, whatever the test is called.
    path = f"/tmp/permastack-{os.getpid()}-{threading.get_ident() % 10_000}.sock"
    with LittleClamd(path, _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
    os.unlink(path)


def test_what_is_found_and_what_is_not(daemon: LittleClamd) -> None:
    clamd = Clamd(str(daemon.server_address))
    assert clamd.version() == daemon.versions[0]
    assert clamd.scan(b"") is None
    assert clamd.scan(b"x" * 200_000) is None
    assert clamd.scan(b"x" * 65_530 + EICAR) == "Eicar-Test-Signature"  # over the border of two pieces


def test_over_tcp() -> None:
    class Tcp(socketserver.TCPServer):
        pass

    class Ok(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(100)
            self.request.sendall(b"ClamAV 1/2/3\0")

    with Tcp(("127.0.0.1", 0), Ok) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert Clamd(f"tcp://127.0.0.1:{server.server_address[1]}").version() == "ClamAV 1/2/3"
        thread.join()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"INSTREAM size limit exceeded. ERROR\0", "size limit exceeded. ERROR' to 3 bytes.* raise StreamMaxLength"),
        (b"stream: OK", "closed the connection after b'stream: OK', expected a whole answer"),
        (b"", "closed the connection after b''"),
        (b"stream: x ERROR\0", "expected OK or FOUND"),
    ],
)
def test_no_file_is_clean_by_a_failure(answer: bytes, message: str, daemon: LittleClamd) -> None:
    daemon.answer = answer
    with pytest.raises(EnvironmentalError, match=message):
        Clamd(str(daemon.server_address)).scan(b"abc")


def test_no_daemon_and_another_program(tmp_path: Path, daemon: LittleClamd) -> None:
    with pytest.raises(
        EnvironmentalError, match=r"none.ctl: ClamAV's daemon cannot be asked: No such file.* clamd run"
    ):
        Clamd(f"{tmp_path}/none.ctl").version()
    daemon.versions = ("Hello",)
    with pytest.raises(EnvironmentalError, match="answered 'Hello' to VERSION"):
        Clamd(str(daemon.server_address)).version()


def test_the_database_is_in_the_key(daemon: LittleClamd) -> None:
    config = MalwareConfig(clamd=str(daemon.server_address))
    assert scan_versions(config) == {"clamav": daemon.versions[0]}
    assert scan_versions(MalwareConfig()) == {}
    assert scanner_of(["a", "a"]) == "a"
    assert scanner_of([]) == "not scanned"
    with pytest.raises(EnvironmentalError, match=r"different databases of ClamAV \(a, b\): run again"):
        scanner_of(["b", "a"])


@pytest.fixture
def infected(tmp_path: Path) -> Path:
    folder = tmp_path / "infected"
    folder.mkdir()
    files: dict[str, str | bytes] = {"LICENSE": MIT.format(holder="Alpha Authors"), "good.py": "x = 1\n"}
    files["bad.py"] = b"# " + EICAR + b"\n"
    (folder / "one-1.0.tar.gz").write_bytes(tar_of("one-1.0", files))
    (folder / "two-1.0.tar.gz").write_bytes(tar_of("two-1.0", files))
    return folder


def test_a_release_flags_or_drops_what_is_found(
    daemon: LittleClamd, infected: Path, configure: Configure, facts: Path, tmp_path: Path
) -> None:
    shutil.rmtree(next(iter(facts.glob("malware-*")), tmp_path / "none"), ignore_errors=True)
    address = f"screen.malware.clamd='{daemon.server_address}'"
    # A daemon that fails midway stops the run, which goes on when it is there again.
    daemon.answer = b"error\0"
    with pytest.raises(EnvironmentalError):
        build(configure(address, folder=infected))
    daemon.answer = None
    daemon.versions, daemon.asked = ("ClamAV 1/1/1", "ClamAV 1/1/1", "ClamAV 1/2/2"), 0
    with pytest.raises(EnvironmentalError, match="database changed during the scan, from ClamAV 1/1/1 to ClamAV 1/2/2"):
        build(configure(address, folder=infected))
    daemon.versions = ("ClamAV 1/2/2",)
    flagged = build(configure(address, folder=infected))
    assert audit_release(flagged.folder).problems == []
    rows = [row for file in flagged.folder.glob("data/*/*.parquet") for row in pq.read_table(file).to_pylist()]
    found = {row["path"]: (row["is_malware"], row["malware"]) for row in rows}
    assert found["bad.py"] == (True, "Eicar-Test-Signature")
    assert found["good.py"] == (False, None)
    release = read_release(flagged.folder / "release.json")
    assert release.versions["clamav"] == "ClamAV 1/2/2"
    assert str(daemon.server_address).rpartition("/")[0] + "/perma" not in release.text().decode()
    scanned = daemon.scanned
    dropped = build(configure(address, "screen.malware.action=drop", "dataset.version=0.2.0", folder=infected))
    assert daemon.scanned == scanned
    assert audit_release(dropped.folder).problems == []
    assert read_release(dropped.folder / "release.json").totals.dropped["screen.malware"] == 2
    decisions = pq.read_table(dropped.folder / "ledger" / "decisions").to_pylist()
    (reason,) = {row["reason"] for row in decisions if row["rule"] == "malware"}
    assert reason == "ClamAV finds Eicar-Test-Signature"


def test_without_a_daemon_it_is_said_that_nothing_was_scanned(tiny_release: Path) -> None:
    assert read_release(tiny_release / "release.json").versions["clamav"] == "not scanned"
    for file in tiny_release.glob("data/*/*.parquet"):
        table = pq.read_table(file, columns=["is_malware", "malware"])
        assert all(column.null_count == table.num_rows for column in table.columns)


@pytest.mark.oracle
@pytest.mark.skipif(not shutil.which("clamd"), reason="Debian's clamav-daemon is not installed")
def test_the_real_daemon_finds_eicar(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "own.ndb").write_text(f"Own.Eicar:0:*:{EICAR[28:].hex()}\n")
    path = f"/tmp/permastack-{os.getpid()}.ctl"
    (tmp_path / "clamd.conf").write_text(
        f"LocalSocket {path}\nDatabaseDirectory {tmp_path}/db\nForeground yes\nLogFile {tmp_path}/log\n"
    )
    daemon = subprocess.Popen([str(shutil.which("clamd")), "-c", str(tmp_path / "clamd.conf")])
    try:
        for _ in range(600):
            if Path(path).exists() or daemon.poll() is not None:
                break
            time.sleep(0.1)
        clamd = Clamd(path)
        assert clamd.version().startswith("ClamAV ")
        assert clamd.scan(b"x = 1\n") is None
        assert clamd.scan(b"# " + EICAR) == "Own.Eicar.UNOFFICIAL"
        assert clamd.scan(b"x" * 1_000_000 + EICAR) == "Own.Eicar.UNOFFICIAL"
    finally:
        daemon.terminate()
        daemon.wait()
        Path(path).unlink(missing_ok=True)
