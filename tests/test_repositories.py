"""The table of repositories: found by any name, whatever its format; and what it does to a release."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipeline.audit.verify import audit_release
from pipeline.build import build
from pipeline.config import make_config
from pipeline.errors import InputError
from pipeline.repositories import SCHEMA, About, about_repositories, digest, renamed
from tests.corpus import MIT, long_module, tar_of

ROWS: list[dict[str, Any]] = [
    {"origin": "https://github.com/o/r", "stars": 7, "forks": 1, "archived": True, "fork_of": "https://github.com/u/r",
     "aliases": ["https://github.com/old/r", "https://github.com/older/r"], "license": "mit"},
    {"origin": "https://github.com/u/r", "stars": None, "forks": None, "archived": None, "fork_of": None,
     "aliases": None, "license": None},
    {"origin": "https://gitlab.example.org/a", "stars": 0, "forks": 2, "archived": False, "fork_of": None,
     "aliases": [], "license": "Apache-2.0 OR MIT"},
]  # fmt: skip


def as_csv(rows: list[dict[str, Any]], path: Path) -> Path:
    def text(value: Any) -> str:
        return " ".join(value) if isinstance(value, list) else "" if value is None else str(value).lower()

    lines = [",".join(SCHEMA.names)] + [",".join(text(row[n]) if n != "license" else row[n] or "" for n in SCHEMA.names)
                                        for row in rows]  # fmt: skip
    path = path.with_suffix(".csv")
    path.write_text("\n".join(lines) + "\n")
    return path


def as_jsonl(rows: list[dict[str, Any]], path: Path) -> Path:
    path = path.with_suffix(".jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def as_parquet(rows: list[dict[str, Any]], path: Path) -> Path:
    path = path.with_suffix(".parquet")
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path, row_group_size=1)
    return path


FORMATS: dict[str, Callable[[list[dict[str, Any]], Path], Path]] = {
    "csv": as_csv, "jsonl": as_jsonl, "parquet": as_parquet,
}  # fmt: skip


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_says_the_same(kind: str, tmp_path: Path) -> None:
    path = str(FORMATS[kind](ROWS, tmp_path / "table"))
    asked = ["https://github.com/O/R.git", "https://github.com/old/r/", "https://github.com/nobody/r",
             "https://gitlab.example.org/a#as_of=2024-01-01", "pkg:pypi/six@1"]  # fmt: skip
    found = about_repositories(path, asked)
    first = About("https://github.com/o/r", 7, 1, True, "https://github.com/u/r",
                  ("https://github.com/old/r", "https://github.com/older/r"), "mit")  # fmt: skip
    assert found == {
        asked[0]: first, asked[1]: first,
        asked[3]: About("https://gitlab.example.org/a", 0, 2, False, None, (), "Apache-2.0 OR MIT"),
    }  # fmt: skip
    assert renamed(path, digest(path)) == ((first.origin, *first.aliases),)


def test_a_name_of_its_own_is_stronger_than_an_alias(tmp_path: Path) -> None:
    rows = [
        {"origin": "https://h.org/new", "aliases": ["https://h.org/name"], "stars": 1},
        {"origin": "https://h.org/name", "aliases": [], "stars": 2},
        {"origin": "https://h.org/another", "aliases": ["https://h.org/both"], "stars": 3},
        {"origin": "https://h.org/b", "aliases": ["https://h.org/both"], "stars": 4},
    ]
    for order in (rows, rows[::-1]):
        found = about_repositories(
            str(as_parquet(order, tmp_path / "table")), ["https://h.org/name", "https://h.org/both"]
        )
        assert {name: about.stars for name, about in found.items()} == {
            "https://h.org/name": 2,
            "https://h.org/both": 3,
        }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "origin,starz\nhttps://h.org/a,1\n", r"t.csv: has the unknown column starz; expected origin, stars"),
        ("t.csv", "url\nhttps://h.org/a\n", r"has the unknown column url"),
        ("t.csv", "stars\n1\n", r"has no column origin"),
        (
            "t.csv",
            "origin,stars\nhttps://h.org/a,1\nhttps://h.org/b,many\n",
            r"row 2, column stars: .* from 0, found 'm",
        ),
        ("t.csv", "origin,stars\nhttps://h.org/a,-1\n", r"row 1, column stars: expected a number from 0, found '-1'"),
        ("t.csv", "origin,archived\nhttps://h.org/a,maybe\n", r"row 1, column archived: expected true or false"),
        ("t.csv", "origin\nnot a url\n", r"row 1, column origin: expected a URL, found 'not a url'"),
        ("t.csv", "origin\nhttps://h.org/a\nhttps://h.org/A/\n", r"names https://h.org/A/ twice"),
        ("t.jsonl", '{"origin": "https://h.org/a"\n', r"t.jsonl: the table of repositories cannot be read: JSON"),
        ("t.parquet", "no parquet", r"cannot be read: .*Expected a CSV"),
        ("t.txt", "", r"its name ends in none of .csv, .jsonl and .parquet"),
    ],
)
def test_what_is_wrong_is_told(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        about_repositories(str(tmp_path / name), ["https://h.org/a"])


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.csv: the table of repositories cannot be read: No such file"):
        digest(str(tmp_path / "none.csv"))


SOURCES = {
    "famous-1.0.tar.gz": "https://github.com/o/famous",
    "copy-1.0.tar.gz": "https://github.com/a/copy",
    "renamed-1.0.tar.gz": "https://github.com/o/renamed",
    "moved-1.0.tar.gz": "https://github.com/o/moved",
}


@pytest.fixture
def run(tmp_path: Path, facts: Path) -> Callable[..., Any]:
    """Builds a release of four repositories of which `famous` and `copy` hold the same file."""
    rows = ["path,origin"]
    for name, origin in SOURCES.items():
        shared = long_module("shared") if name.startswith(("famous", "copy")) else long_module(name.partition("-")[0])
        data = tar_of(name.removesuffix(".tar.gz"), {"LICENSE": MIT.format(holder=origin), "module.py": shared})
        (tmp_path / name).write_bytes(data)
        rows.append(f"{name},{origin}")
    (tmp_path / "origins.csv").write_text("\n".join(rows) + "\n")

    def make(name: str, **sections: Any) -> Any:
        source = {"kind": "archives", "path": "*.tar.gz", "origins": "origins.csv"}
        execution = {"work": f"{name}/work", "releases": f"{name}/releases", "facts": str(facts),
                     "cluster": {"kind": "inline"}}  # fmt: skip
        ingest = {"sources": [source], **sections.pop("ingest", {})}
        built = build(make_config({"ingest": ingest, "execution": execution, **sections}, [], tmp_path, "test"))
        assert audit_release(built.folder).problems == []
        return built

    return make


def rows_of(built: Any, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ds.dataset(built.folder / table, format="parquet").to_table().to_pylist()
    return rows


def test_stars_decide_who_is_kept_and_the_ledger_says_what_is_known(tmp_path: Path, run: Any) -> None:
    as_parquet(
        [
            {"origin": "https://github.com/o/famous", "stars": 900, "forks": 5, "license": "mit",
             "aliases": ["https://github.com/old/famous"], "fork_of": "https://github.com/up/stream"},
            {"origin": "https://github.com/a/copy", "stars": 1},
        ],
        tmp_path / "table",
    )  # fmt: skip
    plain, told = run("plain"), run("told", ingest={"repositories": "table.parquet"})

    def keeper(built: Any) -> set[str]:
        return {r["repo_name"] for r in rows_of(built, "data") if "shared" in r["content"]}

    assert (keeper(plain), keeper(told)) == ({"a/copy"}, {"o/famous"})
    famous = next(r for r in rows_of(told, "ledger/repositories") if r["origin"].endswith("famous"))
    assert (famous["stars"], famous["forks"], famous["archived"]) == (900, 5, None)
    assert (famous["aliases"], famous["fork_of"]) == (["https://github.com/old/famous"], "https://github.com/up/stream")
    assert (famous["declared_license"], famous["license_expression"]) == ("mit", "MIT")
    assert set(told.release.policies) == {"license", "optout", "redact", "repositories"}
    assert told.release.configuration["ingest"]["repositories"] == "table.parquet"


def test_an_opt_out_holds_for_every_name_of_a_repository(tmp_path: Path, run: Any) -> None:
    as_parquet(
        [
            {"origin": "https://github.com/o/renamed", "aliases": ["https://github.com/o/zzformer"]},
            {"origin": "https://github.com/o/moved", "aliases": ["https://github.com/zzgone/moved"]},
            {"origin": "https://github.com/a/copy", "fork_of": "https://github.com/zzgone/parent",
             "aliases": ["https://github.com/a/zzpaths"]},
        ],
        tmp_path / "table",
    )  # fmt: skip
    scopes = [
        {"kind": "origin", "value": "https://github.com/O/ZZformer.git"},
        {"kind": "owner", "value": "https://github.com/zzgone"},
        {"kind": "path_glob", "value": "module.py", "origin": "https://github.com/a/zzpaths"},
    ]
    lines = [{"id": f"r{n}", "received": "2026-01-01", "scope": scope} for n, scope in enumerate(scopes)]
    (tmp_path / "optout.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    built = run("told", ingest={"repositories": "table.parquet"}, optout={"registry": "optout.jsonl"})
    modules = {r["repo_name"] for r in rows_of(built, "data") if r["path"] == "module.py"}
    origins = {r["origin"] for r in rows_of(built, "ledger/repositories")}
    assert modules == {"o/famous"}
    assert origins == {"https://github.com/o/famous", "https://github.com/a/copy"}
    assert audit_release(built.folder, registry=tmp_path / "optout.jsonl").problems == []
    named = b"".join(path.read_bytes() for path in built.folder.glob("*.*"))
    tables = "".join(repr(rows_of(built, f"ledger/{name}")) for name in ("decisions", "repositories", "copies"))
    for name in ("zzformer", "zzgone", "o/renamed", "o/moved"):
        assert name.encode() not in named
        assert name not in tables


def test_a_changed_table_runs_what_depends_on_it(tmp_path: Path, run: Any) -> None:
    as_csv([ROWS[1] | {"origin": "https://github.com/o/famous", "stars": 5}], tmp_path / "table")
    first = run("told", ingest={"repositories": "table.csv"})
    again = run("told", ingest={"repositories": "table.csv"})
    assert not [s for s in again.states if s.missing]
    as_csv([ROWS[1] | {"origin": "https://github.com/o/famous", "stars": 6}], tmp_path / "table")
    config = {"name": "dataset", "version": "0.2.0"}
    changed = run("told", ingest={"repositories": "table.csv"}, dataset=config)
    assert "ingest.list" in {s.step.name for s in changed.states if s.missing}
    assert changed.release.root != first.release.root
