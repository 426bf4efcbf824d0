"""What ingest lists and fetches of the committed export is what git says of the repositories that it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.build import Built, build
from pipeline.config import make_config
from pipeline.schema import CONTENTS, DECISIONS, OCCURRENCES, ORIGINS
from pipeline.stages.ingest.decoding import encode
from pipeline.swhid import MODE_DIRECTORY, content_id
from tests.conftest import EXPORT
from tests.swh.hostile_repositories import BASE, HostileRepository, git, ls_tree, make_all

HEADS = {"hostile": "trunk", "library": "main", "fork": "master", "tool": "main", "orphans": "1.10", "copyleft": "main"}


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HostileRepository]:
    made = make_all(tmp_path_factory.mktemp("repositories"))
    return {repository.url.removeprefix(BASE): repository for repository in made}


def listed(built: Built) -> dict[str, dict[bytes, tuple[int, bytes]]]:
    """Every path of every origin with its mode and object id, whatever became of it."""
    found: dict[str, dict[bytes, tuple[int, bytes]]] = {}
    for output, schema in (("occurrences", OCCURRENCES), ("decisions", DECISIONS)):
        for row in _rows(built, "ingest.list", output, schema):
            if row["path"] is not None and row["mode"] != MODE_DIRECTORY:
                assert row["path"] not in found.get(row["origin"], {})
                found.setdefault(row["origin"], {})[row["path"]] = (row["mode"], row["blob"])
    return found


def _rows(built: Built, step: str, output: str, schema: pa.Schema) -> list[dict[str, Any]]:
    from pipeline.engine.artefacts import read_slice
    from pipeline.flow import STEPS

    tables = [schema.empty_table()]
    for receipt in built.runner.receipts(step):
        folder = built.runner.part_folder(STEPS[step], receipt.part, receipt.round)
        tables += [read_slice(piece) for piece in receipt.pieces(output, folder)]
    rows: list[dict[str, Any]] = pa.concat_tables(tables).to_pylist()
    return rows


def read_texts(built: Built) -> dict[bytes, bytes]:
    """The original bytes of every content that was fetched and decoded."""
    rows = _rows(built, "ingest.fetch", "contents", CONTENTS)
    return {row["blob"]: encode(row["text"].encode(), row["src_encoding"]) for row in rows}


def run(folder: Path, facts: Path, export: Path = EXPORT, **more: Any) -> Built:
    source = {
        "kind": "swh",
        "name": "small",
        "export": str(export / "orc"),
        "contents": str(export / "content"),
        **more,
    }
    execution = {
        "work": str(folder / "work"), "releases": str(folder / "releases"), "facts": str(facts), "parts": 3,
        "buckets": 4, "directory_rows": 20, "cluster": {"kind": "inline"},
    }  # fmt: skip
    return build(make_config({"ingest": {"sources": [source]}, "execution": execution}, [], folder, "test"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, facts: Path) -> Built:
    return run(tmp_path_factory.mktemp("built"), facts)


@pytest.mark.parametrize("name", HEADS)
def test_every_path_that_git_lists_and_no_other(
    built: Built, repositories: dict[str, HostileRepository], name: str
) -> None:
    expected = ls_tree(repositories[name].path, HEADS[name])
    assert listed(built)[BASE + name] == expected


def test_origins_say_which_tree_of_which_visit_was_read(
    built: Built, repositories: dict[str, HostileRepository]
) -> None:
    origins = {row["origin"]: row for row in _rows(built, "ingest.list", "origins", ORIGINS)}
    for name, branch in HEADS.items():
        about, path = origins[BASE + name], repositories[name].path
        tree = git("rev-parse", f"{branch}^{{tree}}", cwd=path).decode().strip()
        commit = git("rev-parse", f"{branch}^{{commit}}", cwd=path).decode().strip()
        assert about["directory"].hex() == tree
        assert about["revision"] == f"swh:1:rev:{commit}"
        assert about["visit_type"] == "git"
        assert about["snapshot"].startswith("swh:1:snp:")
    assert origins[BASE + "fork"]["visit_status"] == "partial"
    assert (origins[BASE + "orphans"]["branch"], origins[BASE + "orphans"]["branch_rule"]) == (
        "refs/tags/1.10",
        "release",
    )
    assert origins[BASE + "orphans"]["release"].startswith("swh:1:rel:")
    assert origins[BASE + "tool"]["revision_date"].year == 5000
    assert origins["https://downloads.example.org/box-1.0.tar.gz"]["visit_type"] == "tarball-directory"


def test_origins_without_a_branch_are_decisions(built: Built) -> None:
    rules = {r["origin"]: r["rule"] for r in _rows(built, "ingest.list", "decisions", DECISIONS) if r["path"] is None}
    assert rules == {BASE + "pulls": "no_branch", BASE + "empty": "no_branch"}


def test_each_content_is_gits_or_has_its_reason(built: Built, repositories: dict[str, HostileRepository]) -> None:
    texts = read_texts(built)
    assert {blob: content_id(data) for blob, data in texts.items()} == {blob: blob for blob in texts}
    reasons = {
        (r["origin"].removeprefix(BASE), r["path"]): r["rule"]
        for step in ("ingest.list", "ingest.fetch")
        for r in _rows(built, step, "decisions", DECISIONS)
        if r["path"] is not None
    }
    assert reasons == {
        ("hostile", b"back\\slash.py"): "unsafe_path",
        ("hostile", b"link.py"): "symlink",
        ("hostile", b"oversized.txt"): "skipped_content",
        ("hostile", b"sub"): "submodule",
        ("hostile", b"zeros.bin"): "binary",
        ("https://downloads.example.org/box-1.0.tar.gz", b"box-1.0/empty"): "empty_directory",
    }
    fetched = {blob for name in HEADS for path, (_, blob) in ls_tree(repositories[name].path, HEADS[name]).items()
               if (name, path) not in reasons}  # fmt: skip
    assert fetched <= set(texts)
