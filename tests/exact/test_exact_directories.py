"""Directories that origins share: which origin has whose, planted and by a model."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest

from pipeline.schema import DUPLICATES
from pipeline.stages.exact.directories import SHARED_TREES, TREES, as_duplicates, shared_trees, trees
from pipeline.stages.exact.repositories import Copy
from pipeline.swhid import TreeEntry, content_id

Files = dict[str, str]


def _entries(files: Files) -> list[TreeEntry]:
    return [TreeEntry(path.encode(), 0o100644, content_id(text.encode())) for path, text in files.items()]


def _rows(
    origins: dict[str, Files], stars: dict[str, int] | None = None, without: dict[str, set[bytes]] | None = None
) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for origin, files in origins.items():
        about = {"origin": origin, "stars": (stars or {}).get(origin), "date": None}
        rows += trees(about, _entries(files), (without or {}).get(origin, set()))
    return pa.Table.from_pylist(rows, schema=TREES)


def _shared(*arguments: Any) -> list[tuple[str, str, int]]:
    rows = shared_trees(_rows(*arguments)).to_pylist()
    return sorted((row["origin"], row["original"], row["files"]) for row in rows)


LIBRARY = {f"lib/{i}.c": f"library {i}" for i in range(4)} | {f"lib/deep/{i}.h": f"header {i}" for i in range(3)}
ALONE = {f"own{i}.c": f"own {i}" for i in range(5)}


def _vendored(files: Files) -> Files:
    return {f"third_party/x/{path.removeprefix('lib/')}": text for path, text in files.items()}


@pytest.mark.parametrize(
    ("origins", "stars", "expected"),
    [
        ({"a": LIBRARY | ALONE, "b": ALONE}, {}, []),
        # under another name; lib/deep is said with lib; the one with more stars is the original
        ({"a": LIBRARY | ALONE, "b": _vendored(LIBRARY)}, {"b": 1}, [("a", "b", 7)]),
        ({"a": LIBRARY | ALONE, "b": _vendored(LIBRARY)}, {"a": 1}, [("b", "a", 7)]),
        # one file of lib differs: only lib/deep is shared
        ({"a": LIBRARY, "b": LIBRARY | {"lib/0.c": "changed"}}, {}, [("b", "a", 3)]),
        # a repository that is a folder of another
        ({"a": LIBRARY, "b": {path.removeprefix("lib/"): text for path, text in LIBRARY.items()}}, {}, [("b", "a", 7)]),
        # two files are too few
        ({"a": {"x/1": "1", "x/2": "2", "y": "a"}, "b": {"x/1": "1", "x/2": "2", "y": "b"}}, {}, []),
        # each against the best one that has it
        ({"a": LIBRARY | ALONE, "b": _vendored(LIBRARY), "c": LIBRARY}, {"c": 9}, [("a", "c", 7), ("b", "c", 7)]),
    ],
)
def test_planted(origins: dict[str, Files], stars: dict[str, int], expected: list[tuple[str, str, int]]) -> None:
    assert _shared(origins, stars) == expected


def test_what_opted_out_or_could_not_be_listed_is_in_no_directory() -> None:
    origins = {"a": LIBRARY, "b": _vendored(LIBRARY)}
    assert _shared(origins, None, {"a": {b"lib/0.c"}}) == [("b", "a", 3)]
    assert _shared(origins, None, {"b": {b"third_party/x/deep/link"}}) == []
    assert _shared(origins, None, {"b": {b"elsewhere"}}) == [("b", "a", 7)]


def test_every_planted_copy_is_found_and_order_does_not_matter() -> None:
    rng = random.Random(2)
    libraries = [{f"lib/{i}_{j}": f"{i} {j}" for j in range(rng.randint(3, 9))} for i in range(12)]
    origins: dict[str, Files] = {f"original{i:02}": library | {"own": str(i)} for i, library in enumerate(libraries)}
    expected = []
    for number in range(60):
        chosen = rng.sample(range(12), 2)
        files = {"own": f"copy {number}"}
        for i in chosen:
            files |= {path.replace("lib", f"vendor/{i}"): text for path, text in libraries[i].items()}
            expected.append((f"copy{number:02}", f"original{i:02}", len(libraries[i])))
        origins[f"copy{number:02}"] = files
    stars = {name: 5 for name in origins if name.startswith("original")}
    # Two copies with the same two libraries share the folder above as well.
    found = [row for row in _shared(origins, stars) if row[1].startswith("original")]
    assert found == sorted(expected)
    rows = _rows(origins, stars)
    shuffled = rows.take(pa.array(rng.sample(range(len(rows)), len(rows))))
    assert shared_trees(shuffled).equals(shared_trees(rows))


def test_rows_of_the_ledger() -> None:
    shared = shared_trees(_rows({"a": LIBRARY | ALONE, "b": _vendored(LIBRARY) | ALONE}))
    (row,) = as_duplicates(shared, [], {"a": 12, "b": 14}).to_pylist()
    assert (row["kind"], row["relation"], row["dropped_origin"], row["kept_origin"]) == (
        *("directory", "directory"), "b", "a",
    )  # fmt: skip
    assert row["containment"] == 0.5
    assert row["dropped"] == row["kept"] == row["component"]
    copy = Copy("b", "a", "contained", 0.9, 0.5)
    assert as_duplicates(shared, [copy], {"b": 14}).equals(DUPLICATES.empty_table())
    assert shared_trees(TREES.empty_table()).equals(SHARED_TREES.empty_table())
