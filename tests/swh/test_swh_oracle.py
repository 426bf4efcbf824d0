"""Software Heritage's own loader and exporter against our ingest (scripts/environment --oracle makes what it needs)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pipeline.engine.storage import Location
from pipeline.stages.ingest.config import SwhSource
from pipeline.stages.ingest.swh.export import SCHEMA, GraphExport
from pipeline.stages.ingest.swh.heads import find_heads
from pipeline.swhid import BlobId, qualified_swhid
from tests.conftest import EXPORT
from tests.swh import test_swh_history_release as history
from tests.swh.hostile_repositories import BASE, HostileRepository, contents, ls_tree
from tests.swh.test_swh_repositories import HEADS, listed, read_texts, run

pytestmark = pytest.mark.oracle
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def python() -> str:
    """The interpreter that has Software Heritage's packages."""
    found = Path(os.environ.get("PERMASTACK_ORACLE_PYTHON", ROOT / ".venv-oracle" / "bin" / "python"))
    if not found.exists():
        assert os.environ.get("CI") != "true", "run scripts/environment --oracle"
        pytest.skip("there is no environment of the oracle: run scripts/environment --oracle")
    return str(found)


@pytest.fixture(scope="module")
def export(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh export of freshly made repositories."""
    out = tmp_path_factory.mktemp("oracle") / "out"
    subprocess.run([python, str(ROOT / "scripts" / "build_swh_export"), str(out)], check=True, capture_output=True)
    return out


def test_the_committed_export_is_what_the_archives_software_makes(export: Path) -> None:
    made = {
        path.relative_to(export): path.read_bytes() for f in ("orc", "content") for path in (export / f).rglob("*.*")
    }
    for path, data in made.items():
        assert (EXPORT / path).read_bytes() == data, path


def test_listing_and_contents_equal_gits(export: Path, facts: Path, tmp_path: Path) -> None:
    built = run(tmp_path, facts, export)
    found = listed(built)
    for name, head in HEADS.items():
        repository = export / "repositories" / name
        tree = ls_tree(repository, head)
        assert found[BASE + name] == tree
        # What was read of each text is what git holds, to the byte.
        fetched = read_texts(built)
        held = contents(repository, {blob for mode, blob in tree.values() if blob in fetched})
        assert held == {blob: fetched[blob] for blob in held}
        assert len(held) >= len(tree) // 2


def test_dates_and_revisions_equal_gits(export: Path, facts: Path, tmp_path: Path) -> None:
    repositories = {name: HostileRepository(BASE + name, export / "repositories" / name) for name in HEADS}
    history.compare(history.run(tmp_path, facts, export), repositories)


def test_the_archives_example_export_is_read_in_both_formats(python: str) -> None:
    where = "import swh.graph, pathlib; print(pathlib.Path(swh.graph.__path__[0]) / 'example_dataset')"
    folder = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip()
    tables = []
    for form in ("orc", "parquet"):
        export = GraphExport(Location(f"{folder}/{form}"))
        tables.append(
            {table: sum(part.num_rows for part in export.read(table, list(SCHEMA[table]))) for table in SCHEMA}
        )
        heads = find_heads(export.read, SwhSource(export="example"), 0, None, lambda url: True).to_pylist()
        assert [head["directory"].hex()[-1] for head in heads] == ["8", "8"]
    assert tables[0] == tables[1]
    assert tables[0]["directory_entry"] == 11


@pytest.mark.parametrize("path", [b"a/b.py", b"caf\xe9 %;.py", "ümlaut~'()*!.py".encode(), b"new\nline"])
def test_qualified_ids_are_the_archives(python: str, path: bytes) -> None:
    origin = "https://example.org/a;b%20c"
    ours = qualified_swhid(
        BlobId(bytes(20)), origin=origin, visit=f"swh:1:snp:{'1' * 40}", anchor=f"swh:1:rev:{'2' * 40}", path=path
    )
    code = (
        "import sys; from swh.model.swhids import *; "
        "print(QualifiedSWHID(object_type=ObjectType.CONTENT, object_id=bytes(20), origin=sys.argv[1], "
        "visit=CoreSWHID.from_string('swh:1:snp:'+'1'*40), anchor=CoreSWHID.from_string('swh:1:rev:'+'2'*40), "
        "path=b'/'+bytes.fromhex(sys.argv[2])))"
    )
    theirs = subprocess.run([python, "-c", code, origin, path.hex()], check=True, capture_output=True, text=True).stdout
    assert ours == theirs.strip()
