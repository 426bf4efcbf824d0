"""`inspect`: what the detectors see, in rows for people and for programs, and the redacted copies."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.swhid import content_id, swhid
from tests.cli.invoking import invoke
from tests.corpus import GPL_HEADER, MAIL, MIT, TOKEN

SECRETS = f'MAIL = "{MAIL}"\nTOKEN = "{TOKEN}"\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    files: dict[str, bytes] = {
        "LICENSE": MIT.format(holder="Some Authors").encode(),
        "plain.py": b"import os\n\n\ndef answer():\n    return os.sep\n",
        "secrets.py": SECRETS.encode(),
        "wide.txt": SECRETS.encode("utf-16"),
        "marked.txt": SECRETS.encode("utf-8-sig"),
        "vendor/taken.py": (GPL_HEADER + "x = 1\n").encode(),
        "package/package.json": b'{"name": "p", "license": "ISC"}',
        "package/index.js": b"export const one = 1;\n",
        "blob.bin": b"\0\1\2",
        "latin.txt": b"caf\xe9\n",
        "large.txt": b"x" * 5000,
        ".git/config": b"[core]\n",
    }
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    with open(os.path.join(os.fsencode(root), b"caf\xe9.py"), "wb") as file:
        file.write(b"y = 1\n")
    (root / "link.py").symlink_to("plain.py")
    (root / "loop").symlink_to(".")
    os.mkfifo(root / "pipe")
    return root


def rows_of(*arguments: object) -> dict[str, dict[str, Any]]:
    done = invoke("inspect", *arguments, "--json", "--set", "ingest.max_file_bytes=4096")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    return {row["path"]: row for row in rows}


@pytest.fixture(scope="module")
def seen(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Any]], Path]:
    out = tmp_path_factory.mktemp("redacted") / "out"
    rows = rows_of(project, "--redacted-dir", out)
    return {os.path.relpath(path, project): row for path, row in rows.items()}, out


Seen = tuple[dict[str, dict[str, Any]], Path]


def test_every_file_has_a_row_and_git_has_none(seen: Seen) -> None:
    assert set(seen[0]) == {
        "LICENSE", "plain.py", "secrets.py", "wide.txt", "marked.txt", "vendor/taken.py", "package/package.json",
        "package/index.js", "blob.bin", "latin.txt", "large.txt", "caf\\xe9.py", "link.py", "loop", "pipe",
    }  # fmt: skip


def test_ids_and_encodings(seen: Seen, project: Path) -> None:
    rows = seen[0]
    for name in ("plain.py", "blob.bin", "large.txt"):
        assert rows[name]["swhid"] == swhid("cnt", content_id((project / name).read_bytes()))
    assert rows["plain.py"]["src_encoding"] == "utf-8"
    assert rows["wide.txt"]["src_encoding"].startswith("utf-16")
    assert rows["marked.txt"]["src_encoding"] == "utf-8-sig"


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("blob.bin", "binary"), ("latin.txt", "undecodable"), ("large.txt", "too_large"), ("link.py", "symlink"),
        ("loop", "symlink"), ("pipe", "special_file"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_skipped_with_a_reason(seen: Seen, name: str, rule: str) -> None:
    row = seen[0][name]
    assert row["skipped"]["rule"] == rule
    assert row["skipped"]["reason"]
    assert not {"license", "redactions", "language", "src_encoding"} & row.keys()


@pytest.mark.parametrize(
    ("name", "expression", "verdict", "sources"),
    [
        ("plain.py", "MIT", "permissive", ["license_file"]),
        ("caf\\xe9.py", "MIT", "permissive", ["license_file"]),
        ("vendor/taken.py", "GPL-3.0-or-later AND MIT", "non_permissive", ["license_file", "header"]),
        ("package/index.js", "ISC AND MIT", "permissive", ["license_file", "manifest"]),
    ],
)
def test_licenses(seen: Seen, name: str, expression: str, verdict: str, sources: list[str]) -> None:
    found = seen[0][name]["license"]
    assert (found["expression"], found["verdict"]) == (expression, verdict)
    assert [e["source"] for e in found["evidence"]] == sources
    assert found["evidence"][0]["path"] == "LICENSE"
    assert found["reason"]


def test_redactions_never_hold_the_value(seen: Seen, project: Path) -> None:
    rows, _ = seen
    for name in ("secrets.py", "wide.txt", "marked.txt"):
        found = rows[name]["redactions"]
        assert [span["class"] for span in found] == ["EMAIL", "GITHUB_TOKEN"]
        data = SECRETS.encode()
        assert [data[span["start"] : span["end"]].decode() for span in found] == [MAIL, TOKEN]
        assert [span["line"] for span in found] == [1, 2]
        assert all(span["detector"] and span["surrogate"] for span in found)
    assert MAIL not in json.dumps(rows)
    assert TOKEN not in json.dumps(rows)


def test_redacted_copies_mirror_the_folder_in_the_encoding_of_each_source(seen: Seen, project: Path) -> None:
    rows, out = seen
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    texts = {name for name, row in rows.items() if "skipped" not in row}
    assert {os.fsencode(name).decode("utf-8", "backslashreplace") for name in written} == texts
    assert (out / "plain.py").read_bytes() == (project / "plain.py").read_bytes()
    for name, encoding in (("secrets.py", "utf-8"), ("wide.txt", "utf-16"), ("marked.txt", "utf-8-sig")):
        text = (out / name).read_bytes().decode(encoding)
        expected = SECRETS
        for value, span in zip((MAIL, TOKEN), rows[name]["redactions"], strict=True):
            expected = expected.replace(value, span["surrogate"])
        assert text == expected
        assert rows[name]["redacted_path"] == str(out / name)


def test_languages(seen: Seen) -> None:
    row = seen[0]["vendor/taken.py"]
    assert (row["language"], row["language_method"], row["is_vendor"]) == ("Python", "linguist:extension", True)
    assert row["language_confidence"] is None
    assert seen[0]["package/index.js"]["language"] == "JavaScript"
    assert seen[0]["plain.py"]["is_generated"] is False


@pytest.mark.parametrize(
    ("only", "keys"),
    [
        ("redact", {"redactions", "risk", "drop_reason"}),
        ("language", {"language", "language_method", "language_confidence", "is_generated", "is_vendor"}),
    ],
)
def test_only_the_chosen_detectors_show(project: Path, only: str, keys: set[str]) -> None:
    (row,) = rows_of(project / "plain.py", "--only", only).values()
    assert row.keys() == {"path", "swhid", "src_encoding", "encoding_method"} | keys


def test_a_guessed_encoding_is_said_to_be_one(tmp_path: Path) -> None:
    file = tmp_path / "words.py"
    file.write_bytes("# Программа читает файл и проверяет каждую строку\n".encode("koi8-r"))
    (row,) = rows_of(file, "--only", "language").values()
    assert (row["src_encoding"], row["encoding_method"]) == ("koi8-r", "guess")
    assert "(koi8-r, a guess)" in invoke("inspect", str(file), "--only", "language").out
    strict = invoke("inspect", str(file), "--set", "ingest.decode=strict", "--only", "language").out
    assert "undecodable: it is not UTF-8; an 8-bit encoding would have to be guessed" in strict


def test_a_relative_path_counts_for_the_language(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    rows = rows_of("plain.py", "vendor/taken.py", "--only", "language")
    assert [row["is_vendor"] for row in rows.values()] == [False, True]


def test_for_people(project: Path) -> None:
    done = invoke("inspect", project / "secrets.py", project / "blob.bin", "--only", "redact,language")
    assert done.code == 0
    assert "line 1: EMAIL at bytes" in done.out
    assert "language  Python by linguist:extension" in done.out
    assert "skipped   binary: it holds a NUL byte" in done.out
    assert MAIL not in done.out + done.err


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    done = invoke("inspect", tmp_path, "--json")
    assert (done.code, done.out) == (0, "")
    assert "no file was found there" in done.err


def test_a_link_in_the_target_is_not_followed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "vendor").symlink_to(tmp_path / "elsewhere")
    done = invoke("inspect", project, "--only", "redact", "--redacted-dir", tmp_path / "out")
    assert done.code == 2
    assert "vendor is a symbolic link" in done.err
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_named_link_is_read(project: Path) -> None:
    (row,) = rows_of(project / "link.py", "--only", "language").values()
    assert row["language"] == "Python"
