"""Wrong calls: one message that says what to do, and the exit code of its kind. No traceback, ever."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.invoking import invoke

WRONG = [
    (["run"], 2, "expected one configuration file, found 0: permastack run CONFIG, or permastack run --git"),
    (["run", "a.toml", "b.toml"], 2, "expected one configuration file, found 2"),
    (["run", "a.toml", "--out", "x"], 2, "--out goes with --git only"),
    (["run", "--git", "."], 2, "--git needs --out DIR"),
    (["run", "--git", "--out", "x"], 2, "--git needs repositories"),
    (["run", "."], 2, ". is a folder, expected a configuration file"),
    (["run", "none.toml"], 2, "none.toml: there is no such configuration file"),
    (["run", "empty.toml"], 1, "the configuration has no source"),
    (["run", "good.toml", "--verify", "some"], 2, "--verify some: expected size or full"),
    (["run", "good.toml", "--sample", "lots"], 2, "--sample lots: expected a share such as 1% or 0.01"),
    (["run", "good.toml", "--sample", "0%"], 2, "--sample 0%: expected a share above 0"),
    (["run", "good.toml", "--sample", "150%"], 2, "--sample 150%: expected a share above 0"),
    (["run", "good.toml", "--sample", "nan"], 2, "--sample nan: expected a share above 0"),
    (["run", "good.toml", "--set", "near.treshold=1"], 2, "did you mean near.threshold?"),
    (["run", "good.toml"], 1, "matches nothing: expected a file or folder at"),
    (["run", "good.toml", "--set", "execution.work=file/work"], 1, "cannot be written"),
    (["run", "--git", "missing", "--out", "out"], 1, "matches nothing: expected a file or folder at"),
    (["run", "--bogus"], 2, "No such option"),
    (["plan", "none.toml"], 2, "none.toml: there is no such configuration file"),
    (["plan", "good.toml"], 1, "matches nothing"),
    (["status", "none.toml"], 2, "none.toml: there is no such configuration file"),
    (["status", "good.toml"], 1, "there is no work folder here yet. `permastack run` makes it"),
    (["status", "."], 1, "there is no work folder here yet"),
    (["init", "good.toml"], 2, "good.toml exists already: give another name, or remove it"),
    (["init", "none/x.toml"], 2, "none/x.toml cannot be written: No such file or directory"),
    (["inspect"], 2, "Missing argument"),
    (["inspect", "none"], 1, "none: expected a file or a folder, found nothing of that name"),
    (["inspect", "dangling"], 1, "dangling: expected a file or a folder, found a dangling symbolic link"),
    (["inspect", "file", "--only", "licence"], 2, "--only licence: expected some of license,redact,language"),
    (["inspect", "file", "--only", "language", "--redacted-dir", "x"], 2, "--redacted-dir needs the detector redact"),
    (["inspect", "file", "--only", "redact", "--redacted-dir", "good.toml"], 2, "good.toml: is a file; expected"),
    (["inspect", "file", "--only", "redact", "--redacted-dir", "."], 2, "file would be overwritten"),
    (["inspect", "sub", "--only", "redact", "--redacted-dir", "sub/out"], 2, "lies in sub, which is inspected"),
    (["inspect", "sub", "sub2", "--only", "redact", "--redacted-dir", "o"], 2, "would both be written to a.py"),
    (["inspect", "file", "--config", "none.toml"], 2, "none.toml: there is no such configuration file"),
    (["inspect", "file", "--set", "license.policy=none"], 2, "no shipped policy is named 'none'"),
    (["audit", "none"], 1, "none: expected the folder of a release, found nothing of that name"),
    (["audit", "file"], 1, "file: expected the folder of a release, found a file"),
    (["explain", "none", "x"], 1, "none: expected the folder of a release"),
    (["explain", "."], 2, "expected a SWHID, or an origin and a path, or --from FILE"),
    (["explain", ".", "x", "--from", "file"], 2, "expected a SWHID, or an origin and a path, or --from FILE"),
    (["explain", ".", "--from", "missing-file"], 1, "--from missing-file: cannot be read: No such file"),
    (["explain", ".", "--from", "latin"], 1, "--from latin: is not UTF-8 (byte 3)"),
    (["bogus"], 2, "No such command"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.toml").write_text("")
    (tmp_path / "good.toml").write_text("[[ingest.sources]]\nkind = 'git'\npaths = ['nowhere/*']\n")
    (tmp_path / "file").write_text("x = 1\n")
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("sub", "sub2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("x = 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "message"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_wrong_call(arguments: list[str], code: int, message: str, folder: Path) -> None:
    done = invoke(*arguments)
    assert message in done.err
    assert done.code == code
    assert done.out == ""
    assert "Traceback" not in done.err


def test_messages_show_control_characters_and_do_not_obey_them(folder: Path) -> None:
    done = invoke("run", "a\x1b[31m.toml")
    assert "\x1b" not in done.err
    assert "\\x1b" in done.err


def test_an_error_of_the_system_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/x")

    monkeypatch.setattr("pipeline.config.json_schema", full)
    done = invoke("schema")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("permastack: /data/x: No space left on device")


def test_a_fault_of_the_program_quotes_no_text_of_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty() -> str:
        raise ValueError("the secret")

    monkeypatch.setattr("pipeline.config.json_schema", faulty)
    done = invoke("schema")
    assert (done.code, done.out) == (1, "")
    assert "ValueError at building.py:" in done.err
    assert "the secret" not in done.err


def test_schema_is_json() -> None:
    done = invoke("schema")
    assert done.code == 0
    assert "near" in json.loads(done.out)["properties"]


def test_a_reader_that_has_enough_is_no_error_to_shout_about() -> None:
    program = [sys.executable, "-m", "pipeline", "schema"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
