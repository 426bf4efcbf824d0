"""Careless and hostile changes to a release's files: each is found, and none stops the audit."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.audit.folder import Contents
from pipeline.audit.report import Report
from pipeline.audit.verify import audit_release
from pipeline.engine.keys import file_sha256
from pipeline.errors import ConfigError, IntegrityError
from pipeline.manifest.digests import body_sha256
from pipeline.stages.language.signals import signals
from tests.audit.forgery import Forgery

_MANIFEST, _SUMS = "manifest.jsonl", "manifest-sha256.txt"


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _audited(folder: Path) -> Report:
    """The report, which can be written as JSON whatever it is about."""
    report = audit_release(folder)
    json.dumps(report.as_json())
    return report


@pytest.mark.fault
def test_every_flipped_byte_is_found(spoiled: Path) -> None:
    """Some places of every file, both ends among them."""
    chance = random.Random(1)
    for name in _files(spoiled):
        path = spoiled / name
        data = path.read_bytes()
        for at in {0, len(data) - 1, chance.randrange(len(data))}:
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :])
            assert _audited(spoiled).problems, f"{name} byte {at}"
        path.write_bytes(data)
    assert _audited(spoiled).problems == []


def test_a_flip_is_blamed_on_its_file(spoiled: Path) -> None:
    path = spoiled / "data/python/00000.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    report = _audited(spoiled)
    assert "files: data/python/00000.parquet: its sha256 is not the manifest's" in report.problems
    assert report.violated == {"files", "readable"}


@pytest.mark.fault
def test_every_missing_or_truncated_file_is_found(spoiled: Path) -> None:
    for name in _files(spoiled):
        path = spoiled / name
        data = path.read_bytes()
        path.unlink()
        assert any(name in problem for problem in _audited(spoiled).problems), name
        path.write_bytes(data[: len(data) // 2])
        assert _audited(spoiled).problems, name
        path.write_bytes(data)


def _stray_file(folder: Path) -> None:
    (folder / "data/python/notes.txt").write_text("hello")


def _stray_hidden_file(folder: Path) -> None:
    (folder / ".hidden").write_bytes(b"")


def _stray_folder(folder: Path) -> None:
    (folder / "data/empty").mkdir()


def _link_to_a_file(folder: Path) -> None:
    (folder / "data/link.parquet").symlink_to(folder / "README.md")


def _link_to_a_folder(folder: Path) -> None:
    (folder / "more").symlink_to("/etc")


def _broken_link(folder: Path) -> None:
    (folder / "data/nothing").symlink_to("nowhere")


@pytest.mark.parametrize(
    "add", [_stray_file, _stray_hidden_file, _stray_folder, _link_to_a_file, _link_to_a_folder, _broken_link]
)
def test_a_stray_thing_is_found(add: Callable[[Path], None], spoiled: Path) -> None:
    add(spoiled)
    assert _audited(spoiled).violated == {"files"}


@pytest.mark.parametrize("name", ["data/python/00000.parquet", "README.md", "release.json", _MANIFEST, _SUMS])
def test_no_link_is_followed(name: str, spoiled: Path, tmp_path: Path) -> None:
    """The same bytes behind a link are not the release's file."""
    (spoiled / name).rename(tmp_path / "elsewhere")
    (spoiled / name).symlink_to(tmp_path / "elsewhere")
    report = _audited(spoiled)
    assert any("is a link" in problem for problem in report.problems)


def test_no_link_to_a_folder_is_followed(spoiled: Path, tmp_path: Path) -> None:
    (spoiled / "ledger").rename(tmp_path / "ledger")
    (spoiled / "ledger").symlink_to(tmp_path / "ledger")
    assert any("'ledger' is a link" in problem for problem in _audited(spoiled).problems)


@pytest.mark.parametrize("name", ["README.md", "release.json"])
def test_no_pipe_is_opened(name: str, spoiled: Path) -> None:
    (spoiled / name).unlink()
    os.mkfifo(spoiled / name)
    assert any(name in problem for problem in _audited(spoiled).problems)


def test_two_swapped_shards_are_found(spoiled: Path) -> None:
    one, two = spoiled / "data/css/00000.parquet", spoiled / "data/javascript/00000.parquet"
    one.rename(spoiled / "swap")
    two.rename(one)
    (spoiled / "swap").rename(two)
    assert {"files"} <= _audited(spoiled).violated


def test_a_release_below_a_folder_that_looks_like_a_partition(spoiled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "language=css" / "release"
    shutil.copytree(spoiled, folder)
    assert _audited(folder).problems == []


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "data/../README.md", "./README.md", "data//x", "", "a\0b", ".", "data"]
)
def test_a_manifest_cannot_name_a_file_elsewhere(path: str, spoiled: Path) -> None:
    forgery = Forgery(spoiled)
    forgery.entry("README.md").path = path
    report = _audited(forgery.seal_manifest())
    assert "files" in report.violated
    with pytest.raises(IntegrityError):
        Contents(spoiled).regular(path)


def test_a_table_elsewhere_is_not_read(spoiled: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.parquet"
    shutil.copyfile(spoiled / "ledger/copies/00000.parquet", outside)
    forgery = Forgery(spoiled)
    forgery.entry("ledger/copies/00000.parquet").path = "../outside.parquet"
    outside.chmod(0)
    report = _audited(forgery.seal_manifest())
    assert any("names no file of a release" in problem for problem in report.problems)
    assert not any("cannot be read" in problem for problem in report.problems)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("release.json", lambda data: data.replace(b'"name": "tiny"', b'"name": "mini", "name": "tiny"')),
        ("release.json", lambda data: data + b"\n"),
        (_MANIFEST, lambda data: data.replace(b'{"bytes"', b'{ "bytes"', 1)),
        (_MANIFEST, lambda data: b"".join(reversed(data.splitlines(keepends=True)))),
    ],
    ids=["key-twice", "blank-at-end", "blank-in-line", "lines-out-of-order"],
)
def test_a_manifest_has_one_spelling(name: str, change: Callable[[bytes], bytes], spoiled: Path) -> None:
    path = spoiled / name
    data = change(path.read_bytes())
    assert data != path.read_bytes()
    path.write_bytes(data)
    lines = (spoiled / "manifest-sha256.txt").read_text().splitlines()
    kept = [line for line in lines if not line.endswith(f"  {name}")]
    kept.append(f"{hashlib.sha256(data).hexdigest()}  {name}")
    text = "\n".join(sorted(kept, key=lambda line: line.partition("  ")[2])) + "\n"
    (spoiled / "manifest-sha256.txt").write_text(text)
    assert _audited(spoiled).violated == {"root"}


def test_a_line_that_stands_twice_is_found(spoiled: Path) -> None:
    forgery = Forgery(spoiled)
    forgery.entries.append(forgery.entries[0])
    assert {"files"} <= _audited(forgery.seal_manifest()).violated


_HOSTILE: list[Any] = [None, -1, 0, 10**30, 1e308, "", "x" * 1000, [], {}, [[[[]]]], {"a": {"b": None}}, True, "\ud800"]


@pytest.mark.fault
def test_no_value_in_a_manifest_stops_the_audit(spoiled: Path) -> None:
    """Every field of release.json and of a line in turn, and of their sections, set to something else."""
    chance = random.Random(2)
    for name in ("release.json", _MANIFEST):
        path = spoiled / name
        data = path.read_bytes()
        first, *rest = [data] if name == "release.json" else data.splitlines(keepends=True)
        document = json.loads(first)
        places: list[tuple[str, ...]] = [(key,) for key in document]
        places += [(key, inner) for key, value in document.items() if isinstance(value, dict) for inner in value]
        for place in places:
            changed = json.loads(first)
            at = changed
            for key in place[:-1]:
                at = at[key]
            at[place[-1]] = chance.choice([value for value in _HOSTILE if value != at[place[-1]]])
            path.write_bytes(json.dumps(changed).encode() + b"\n" + b"".join(rest))
            assert _audited(spoiled).problems, place
        path.write_bytes(data)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5_000, b"1" * 10_000, b'{"bytes": NaN}'],
    ids=["empty", "truncated", "list", "null", "no-utf8", "deep-list", "deep-object", "long-number", "nan"],
)
@pytest.mark.parametrize("name", ["release.json", _MANIFEST])
def test_no_text_for_a_manifest_stops_the_audit(name: str, text: bytes, spoiled: Path) -> None:
    (spoiled / name).write_bytes(text)
    assert _audited(spoiled).problems


@pytest.mark.fault
def test_no_footer_stops_the_audit(spoiled: Path) -> None:
    """Flips in a Parquet footer, with digests made to fit, so that the file is parsed."""
    chance = random.Random(3)
    for name in ("ledger/decisions/00000.parquet", "data/python/00000.parquet"):
        path = spoiled / name
        good = path.read_bytes()
        footer = int.from_bytes(good[-8:-4], "little") + 8
        for _ in range(8):
            data = bytearray(good)
            data[-chance.randrange(1, footer)] ^= 1 << chance.randrange(8)
            path.write_bytes(data)
            forgery = Forgery(spoiled, tables=False)
            entry = forgery.entry(name)
            entry.sha256, entry.body_sha256 = file_sha256(path), body_sha256(path)
            _audited(forgery.seal_manifest())
        path.write_bytes(good)


def test_a_folder_that_is_no_release(tmp_path: Path) -> None:
    assert _audited(tmp_path).violated == {"manifest"}
    assert _audited(tmp_path / "nothing").violated == {"manifest"}


def test_what_the_auditor_gives_must_be_readable(tiny_release: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        audit_release(tiny_release, registry=tmp_path / "nothing.jsonl")
    with pytest.raises(IntegrityError):
        audit_release(tiny_release, manifest=tmp_path / "nothing.json")


def test_deep_finds_what_the_scanner_missed(forgery: Forgery) -> None:
    row = forgery.rows("data", lambda row: row["n_redactions"] > 0)[0]
    mail = "john.doe" + "@" + "corp-mail.net"
    row["content"] += f"# {mail}\n"
    row["length_bytes"] += len(f"# {mail}\n")
    row["redacted_sha256"] = hashlib.sha256(row["content"].encode()).hexdigest()
    row |= signals(pa.array([row["content"]], pa.large_string()), pa.array([row["language"]])).to_pylist()[0]
    folder = forgery.seal()
    assert audit_release(folder).problems == []
    report = audit_release(folder, deep=True)
    assert report.violated == {"deep"}
    assert mail not in " ".join(report.problems)


def test_sha256sum_checks_a_release_alone(spoiled: Path) -> None:
    command = ["sha256sum", "-c", "manifest-sha256.txt", "--strict", "--quiet"]
    assert subprocess.run(command, cwd=spoiled, check=False, capture_output=True).returncode == 0
    (spoiled / "README.md").write_text("Trust me.\n")
    assert subprocess.run(command, cwd=spoiled, check=False, capture_output=True).returncode != 0
