"""Which named subsets the card offers as configurations."""

from __future__ import annotations

import pytest

from pipeline.manifest.model import Entry
from pipeline.stages.release.documents import configurations, front_matter


def shard(path: str, rows: int, **inside: int) -> Entry:
    subsets = {name: {"rows": number} for name, number in inside.items()}
    return Entry.model_validate(
        {"path": path, "table": "data", "bytes": 1, "sha256": "", "rows": rows, "subsets": subsets}
    )


@pytest.mark.parametrize(
    ("shards", "files"),
    [
        ([("data/c/0.parquet", 3, 3), ("data/go/0.parquet", 2, 0)], ["data/c/*.parquet"]),
        ([("data/c/0.parquet", 3, 3), ("data/c/1.parquet", 2, 0)], ["data/c/0.parquet"]),
        ([("data/c/0.parquet", 3, 3), ("data/c/1.parquet", 0, 0)], ["data/c/*.parquet"]),
        (
            [("data/c/0.parquet", 3, 3), ("data/c/1.parquet", 2, 0), ("data/go/0.parquet", 2, 2)],
            ["data/c/0.parquet", "data/go/*.parquet"],
        ),
        ([("data/c/0.parquet", 3, 2), ("data/go/0.parquet", 2, 0)], None),
        ([("data/c/0.parquet", 3, 3), ("data/go/0.parquet", 2, 1)], None),
        ([("data/c/0.parquet", 3, 0)], None),
        ([], None),
    ],
)
def test_a_subset_is_loadable_where_shards_are_partitioned_by_it(
    shards: list[tuple[str, int, int]], files: list[str] | None
) -> None:
    entries = [shard(path, rows, mine=inside) for path, rows, inside in reversed(shards)]
    entries.append(Entry(path="README.md", table="file", bytes=1, sha256=""))
    assert configurations(entries) == ({"mine": files} if files else {})
    listed = "- config_name: in_mine\n  data_files:\n" + "".join(f"  - {file}\n" for file in files or [])
    assert (listed in front_matter("a", entries)) is bool(files)
