"""The registry: what its lines match, and how each kind of wrong line is told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.errors import ConfigError, InputError
from pipeline.stages.optout.core import excluded_by
from pipeline.stages.optout.registry import Registry, load_registry
from pipeline.swhid import content_id

BLOB = content_id(b"x\n")


def line(id_: str, action: str = "exclude", **scope: str) -> dict[str, Any]:
    return {"id": id_, "received": "2026-11-01", "action": action, "scope": scope}


@pytest.fixture
def registry_of(tmp_path: Path) -> Any:
    def write(*lines: dict[str, Any] | str | bytes) -> Registry:
        raw = [x if isinstance(x, bytes) else (x if isinstance(x, str) else json.dumps(x)).encode() for x in lines]
        (tmp_path / "optout.jsonl").write_bytes(b"".join(row + b"\n" for row in raw))
        return load_registry(tmp_path / "optout.jsonl")

    return write


GOOD = json.dumps(line("1", kind="origin", value="https://github.com/o/r"))


def _changed(**changes: Any) -> str:
    return json.dumps(json.loads(GOOD) | changes)


WRONG: list[tuple[str | bytes, str]] = [
    ("not JSON", r"is not JSON \(.* at column 1\); expected one request a line"),
    (b"\xff\xfe", "is not UTF-8"),
    ("[]", "expected a table of keys"),
    ("3", "expected a table of keys"),
    ("{}", "id: is missing"),
    (_changed(id=""), "id: is empty"),
    (_changed(id=7), "id: expected text in quotes"),
    (_changed(received="yesterday"), "received: .*date.*found 'yesterday'"),
    (_changed(action="forget"), "action: expected 'exclude' or 'revoke' .found 'forget'"),
    (_changed(recieved="2026-01-01"), "unknown key recieved; did you mean received"),
    (_changed(scope=None), "scope: "),
    (_changed(scope={"value": "x"}), 'scope: has no kind: expected kind = "origin" or "owner"'),
    (_changed(scope={"kind": "host", "value": "x"}), 'scope: expected kind = "origin" or "owner"'),
    (_changed(scope={"kind": "origin"}), "scope.value: is missing"),
    (_changed(scope={"kind": "origin", "value": "x", "origin": "y"}), "unknown key scope.origin; known keys here"),
    (_changed(scope={"kind": "origin", "valeu": "x"}), "unknown key scope.valeu; did you mean scope.value"),
    (_changed(scope={"kind": "origin", "value": ""}), "scope.value: is empty"),
    (_changed(scope={"kind": "origin", "value": "https://github.com/o/../r"}), "scope.value: a part of its path"),
    (_changed(scope={"kind": "origin", "value": "https://github.com/o"}), 'scope.value: this is an account.*"owner"'),
    (_changed(scope={"kind": "owner", "value": "octocat"}), "scope.value: an owner is the URL"),
    (_changed(scope={"kind": "owner", "value": "https://github.com"}), "scope.value: an owner is the URL"),
    (_changed(scope={"kind": "owner", "value": "https://github.com/o/r"}), 'scope.value: this is a repo.*"origin"'),
    (_changed(scope={"kind": "blob", "value": "swh:1:dir:" + "0" * 40}), r"scope.value: expected text that matches"),
    (_changed(scope={"kind": "blob", "value": "0" * 39}), r"scope.value: expected text that matches"),
    (_changed(scope={"kind": "path_glob", "value": "/etc/*"}), "scope.value: a glob starts at the origin's root"),
    (_changed(scope={"kind": "path_glob", "value": "x", "origin": "https://h.org/a%2Fb"}), "scope.value: it holds %2F"),
    (_changed(id="0"), "the id '0' stands on line 1 already"),
    (_changed(action="revoke"), "revokes a scope that no earlier line excludes"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "message"), WRONG)
def test_a_wrong_line_is_named_with_file_line_and_reason(registry_of: Any, wrong: str | bytes, message: str) -> None:
    first = line("0", kind="owner", value="https://github.com/first")
    with pytest.raises(ConfigError, match=rf"optout\.jsonl: line 3: {message}"):
        registry_of(first, "", wrong, line("last", kind="blob", value=BLOB.hex()))


def test_a_missing_registry_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.jsonl: there is no such opt-out registry"):
        load_registry(tmp_path / "none.jsonl")
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory"):
        load_registry(tmp_path)


def test_no_registry_excludes_nothing() -> None:
    registry = load_registry(None)
    assert registry.digest == "none"
    assert registry.origin_rule("https://github.com/o/../r") is None
    assert not registry.path_excluded("https://github.com/o/r", b"x")


def test_the_digest_is_that_of_the_file(registry_of: Any, tmp_path: Path) -> None:
    registry = registry_of(GOOD)
    assert registry.digest == hashlib.sha256((tmp_path / "optout.jsonl").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("value", "origin", "hit"),
    [
        ("git@github.com:O/r.git", "https://github.com/o/r", True),
        ("https://github.com/o/r", "HTTP://www.github.com/O/R/", True),
        ("https://github.com/o/r", "https://github.com/o/r2", False),
        ("https://github.com/o/r", "https://github.com/o/r/sub", False),
        ("https://bücher.example/o/r", "https://xn--bcher-kva.example/o/r", True),
        ("pkg:pypi/Some_Name", "pkg:pypi/some-name@2.0?file_name=x.whl", True),
        ("pkg:pypi/some-name@1.0", "pkg:pypi/some_name@1.0?file_name=x.tar.gz", True),
        ("pkg:pypi/some-name@1.0", "pkg:pypi/some-name@2.0", False),
        ("pkg:pypi/some-name@1.0", "pkg:pypi/some-name", False),
        ("pkg:pypi/some", "pkg:pypi/some-name@1.0", False),
        ("pkg:npm/@scope/a", "pkg:npm/%40scope/a@1.0", True),
        ("pkg:npm/@scope/a", "pkg:npm/%40scope/b@1.0", False),
        ("local:Folder", "local:Folder", True),
        ("local:Folder", "local:folder", False),
    ],
)
def test_origin_rules(registry_of: Any, value: str, origin: str, hit: bool) -> None:
    registry = registry_of(line("1", kind="origin", value=value))
    assert registry.origin_rule(origin) == ("optout_origin" if hit else None)


@pytest.mark.parametrize(
    ("value", "origin", "hit"),
    [
        ("https://github.com/o", "https://github.com/o/r", True),
        ("https://github.com/O/", "git@github.com:o/other.git", True),
        ("https://github.com/o", "https://gist.github.com/o/0123", True),
        ("https://github.com/o", "https://github.com/other-o/r", False),
        ("https://github.com/o", "https://github.com/o2/r", False),
        ("https://github.com/o", "https://gitlab.com/o/r", False),
        ("https://github.com/o", "https://github.com.evil.example/o/r", False),
        ("https://github.com/o", "pkg:pypi/o@1.0", False),
        ("https://gitlab.com/g", "https://gitlab.com/g/sub/p", True),
        ("https://gitlab.com/g/sub", "https://gitlab.com/g/sub/p", True),
        ("https://gitlab.com/g/sub", "https://gitlab.com/g/subway/p", False),
        ("https://git.example.org/O", "https://git.example.org/o/r", False),
    ],
)
def test_owner_rules(registry_of: Any, value: str, origin: str, hit: bool) -> None:
    registry = registry_of(line("1", kind="owner", value=value))
    assert registry.origin_rule(origin) == ("optout_owner" if hit else None)


@pytest.mark.parametrize(
    ("glob", "path", "hit"),
    [
        ("vendor/*", b"vendor/a/b.py", True),
        ("vendor/*", b"src/vendor/a.py", False),
        ("*/secret.py", b"a/b/secret.py", True),
        ("*.p?", b"x.py", True),
        ("[ab].py", b"a.py", True),
        ("a.py", b"A.py", False),
        ("a.py", b"a.pyc", False),
        ("*.py", b"caf\xe9\n.py", True),
    ],
)
def test_path_globs(registry_of: Any, glob: str, path: bytes, hit: bool) -> None:
    registry = registry_of(line("1", kind="path_glob", value=glob))
    assert registry.path_excluded("https://h.org/o/r", path) is hit


def test_a_path_glob_holds_in_its_origin_only(registry_of: Any) -> None:
    registry = registry_of(line("1", kind="path_glob", value="*.py", origin="pkg:pypi/A_b"))
    assert registry.path_excluded("pkg:pypi/a-b@1.0?x=y", b"x.py")
    assert not registry.path_excluded("pkg:pypi/c@1.0", b"x.py")


def test_revoking_takes_back_whatever_the_spelling_and_a_later_line_excludes_again(registry_of: Any) -> None:
    excluded = line("1", kind="origin", value="https://github.com/O/r.git")
    revoked = line("2", "revoke", kind="origin", value="git@github.com:o/r")
    again = line("3", kind="origin", value="https://github.com/o/r")
    assert registry_of(excluded, revoked).origin_rule("https://github.com/o/r") is None
    assert registry_of(excluded, revoked, again).origins == {"https://github.com/o/r": "3"}


def test_lines_may_hold_any_character_that_json_allows(registry_of: Any) -> None:
    registry = registry_of(line("1", kind="path_glob", value="a\u2028b"), "  ", line("2", kind="path_glob", value="c"))
    assert len(registry.paths) == 2


def test_an_ambiguous_origin_cannot_slip_by(registry_of: Any) -> None:
    registry = registry_of(GOOD)
    with pytest.raises(InputError, match=r"a part of its path is '\.\.'.*CSV file of origins"):
        registry.origin_rule("https://github.com/x/../o/r")


# --- the pure core ---

ROWS: list[tuple[str, bytes, bytes]] = [
    ("https://github.com/o/r", b"a.py", content_id(b"a")),
    ("https://github.com/o/r", b"x.py", BLOB),
    ("https://github.com/p/r", b"a.py", content_id(b"a")),
    ("https://github.com/p/r", b"x.py", BLOB),
    ("pkg:pypi/q@1", b"docs/y.py", BLOB),
]


def table(rows: list[tuple[str, bytes, bytes]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    types = (pa.string(), pa.binary(), pa.binary(20))
    return pa.table([pa.array(c, t) for c, t in zip(columns, types, strict=True)], names=["origin", "path", "blob"])


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"kind": "origin", "value": "https://github.com/o/r"}, ["optout_origin"] * 2 + [None] * 3),
        ({"kind": "owner", "value": "https://github.com/p"}, [None] * 2 + ["optout_owner"] * 2 + [None]),
        ({"kind": "path_glob", "value": "*/y.py"}, [None] * 4 + ["optout_path"]),
        ({"kind": "path_glob", "value": "x.py", "origin": "github.com/p/r"}, [None] * 3 + ["optout_path", None]),
        (
            {"kind": "blob", "value": f"swh:1:cnt:{BLOB.hex()}"},
            [None, "optout_blob", None, "optout_blob", "optout_blob"],
        ),
        ({"kind": "blob", "value": BLOB.hex()}, [None, "optout_blob", None, "optout_blob", "optout_blob"]),
        ({"kind": "origin", "value": "https://github.com/z/z"}, [None] * 5),
    ],
)
def test_excluded_by(registry_of: Any, scope: dict[str, str], expected: list[str | None]) -> None:
    registry = registry_of(line("1", **scope))
    assert excluded_by(table(ROWS), registry).to_pylist() == expected
    # Neither the order of rows nor how they lie in memory has a say.
    turned = pa.concat_tables([table([row]) for row in reversed(ROWS)])
    assert excluded_by(turned, registry).to_pylist() == expected[::-1]


def test_the_widest_rule_is_named(registry_of: Any) -> None:
    scopes = [
        {"kind": "blob", "value": BLOB.hex()},
        {"kind": "path_glob", "value": "*.py"},
        {"kind": "owner", "value": "https://github.com/o"},
        {"kind": "origin", "value": "https://github.com/o/r"},
    ]
    expected = ["optout_blob", "optout_path", "optout_owner", "optout_origin"]
    for number, rule in enumerate(expected, 1):
        registry = registry_of(*(line(str(n), **scope) for n, scope in enumerate(scopes[:number])))
        assert excluded_by(table(ROWS[1:2]), registry).to_pylist() == [rule]


def test_no_rows(registry_of: Any) -> None:
    for scope in ({"kind": "blob", "value": BLOB.hex()}, {"kind": "path_glob", "value": "*"}):
        assert excluded_by(table([]), registry_of(line("1", **scope))).to_pylist() == []
    assert excluded_by(table(ROWS), Registry()).to_pylist() == [None] * 5
