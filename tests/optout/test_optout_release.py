"""A release under a registry: what opted out is gone, is named nowhere, and can be checked by the holder of the key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.audit.verify import audit_release
from pipeline.build import build
from pipeline.commitment import commitment, load_key
from pipeline.config import Config, make_config
from pipeline.manifest.model import read_release
from pipeline.stages.optout.registry import load_registry
from pipeline.swhid import content_id
from tests.corpus import GPL_HEADER, MIT, long_module
from tests.corpus import tar_of as tar_of

BLOB_TEXT = long_module("zzblob")
CONTESTED_TEXT = long_module("zzcontested")  # dropped by the licence stage before the registry is asked
ORIGIN = "pkg:pypi/zzorigin@1.0"
OWNED = "https://github.com/zzowner/zzrepository"
INPUTS: dict[str, tuple[str, dict[str, str]]] = {
    "zzorigin-1.0.tar.gz": (ORIGIN, {
        "LICENSE": MIT.format(holder="Zzholder"),
        "zzmodule.py": long_module("guarded"),
        "zzgpl.py": GPL_HEADER + long_module("zzgpl"),
        "zzbinary.bin": "\0",
    }),
    "zzgpl-1.0.tar.gz": ("pkg:pypi/zzgplorigin@1.0", {
        "COPYING": "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\nZzgplholder\n",
        "zzcode.py": long_module("zzcode"),
    }),
    "owned-1.0.tar.gz": (OWNED, {"LICENSE": MIT.format(holder="Zzownerholder"), "zzowned.py": long_module("zzowned")}),
    "thief-1.0.tar.gz": ("pkg:pypi/thief@1.0", {
        "LICENSE": MIT.format(holder="Thief Authors"),
        "thief/core.py": long_module("guarded", "\nCHANGED = True\n"),
        "thief/own.py": long_module("own"),
    }),
    "pathy-1.0.tar.gz": ("pkg:pypi/pathy@1.0", {
        "LICENSE": MIT.format(holder="Pathy Authors"),
        "zzsecret/plan.py": long_module("plan"),
        "zzsecret/gpl.py": GPL_HEADER + long_module("other"),
        "zzsecret/data.bin": "\0\1",
        "zzblob_one.py": BLOB_TEXT,
        "pathy.py": long_module("pathy"),
    }),
    "blobby-1.0.tar.gz": ("https://github.com/other-zzowner2/blobby", {
        "LICENSE": MIT.format(holder="Blobby Authors"),
        "zzblob_two.py": BLOB_TEXT,
        "zzcontested_too.py": CONTESTED_TEXT,
        "blobby.py": long_module("blobby"),
    }),
    "gpl-1.0.tar.gz": ("pkg:pypi/gplgpl@1.0", {
        "COPYING": "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n",
        "zzcontested.py": CONTESTED_TEXT,
        "fine.py": long_module("fine"),
    }),
}  # fmt: skip
SCOPES = [
    {"kind": "origin", "value": "pkg:pypi/ZZorigin"},
    {"kind": "origin", "value": "pkg:pypi/zzgplorigin@1.0"},
    {"kind": "owner", "value": "http://www.github.com/ZZowner/"},
    {"kind": "path_glob", "value": "zzsecret/*", "origin": "pkg:pypi/pathy"},
    *({"kind": "blob", "value": f"swh:1:cnt:{content_id(t.encode()).hex()}"} for t in (BLOB_TEXT, CONTESTED_TEXT)),
]
# A path glob of pathy says nothing about its blobs, which may lie elsewhere under other names.
HIDDEN_BLOBS = {
    content_id(text.encode())
    for name in ("zzorigin-1.0.tar.gz", "owned-1.0.tar.gz", "zzgpl-1.0.tar.gz")
    for text in INPUTS[name][1].values()
} | {content_id(BLOB_TEXT.encode()), content_id(CONTESTED_TEXT.encode())}


@pytest.fixture(scope="module")
def config(facts: Path, tmp_path_factory: pytest.TempPathFactory) -> Config:
    root = tmp_path_factory.mktemp("optout")
    (root / "in").mkdir()
    for name, (_, files) in INPUTS.items():
        (root / "in" / name).write_bytes(tar_of(name.removesuffix(".tar.gz"), files))
    rows = "".join(f"{name},{origin}\n" for name, (origin, _) in INPUTS.items())
    (root / "origins.csv").write_text(f"path,origin\n{rows}")
    lines = [{"id": str(n), "received": "2026-11-01", "scope": scope} for n, scope in enumerate(SCOPES)]
    (root / "optout.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (root / "key").write_bytes(bytes(range(40)))
    data: dict[str, Any] = {
        "dataset": {"name": "tiny"},
        "ingest": {"sources": [{"kind": "archives", "path": "in/*", "origins": "origins.csv"}]},
        "optout": {"registry": "optout.jsonl", "commitment_key": "key"},
        "execution": {"facts": str(facts), "parts": 2, "buckets": 2, "cluster": {"kind": "inline"}},
    }
    return make_config(data, [], root, "test")


@pytest.fixture(scope="module")
def release(config: Config) -> Path:
    return build(config).folder


def values_in(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """Everything that a release says: place, column, bytes."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        place = path.relative_to(folder).as_posix()
        yield place, "name", place.encode()
        if path.suffix != ".parquet":
            yield place, "text", path.read_bytes()
            continue
        table = pq.read_table(path)
        for name in table.column_names:
            for value in table.column(name).to_pylist():
                for member in value if isinstance(value, list) else [value]:
                    if isinstance(member, str | bytes):
                        yield place, name, member.encode() if isinstance(member, str) else member


def test_the_audit_passes_with_the_registry(release: Path, config: Config) -> None:
    assert config.optout.registry is not None
    assert audit_release(release, registry=Path(config.optout.registry), deep=True).problems == []


def test_nothing_that_opted_out_is_named(release: Path) -> None:
    words = [b"zz", *(form for blob in sorted(HIDDEN_BLOBS) for form in (blob, blob.hex().encode()))]
    # The owner rule for zzowner is not about other-zzowner2.
    values = ((place, column, value.replace(b"other-zzowner2", b"")) for place, column, value in values_in(release))
    named = {
        (place, column, word)
        for place, column, value in values
        for word in words
        if word in value or word in value.lower()
    }
    assert named == set()


def test_what_did_not_opt_out_is_there(release: Path) -> None:
    shards = [pq.read_table(path, columns=["origin", "path"]) for path in (release / "data").rglob("*.parquet")]
    found = {(row["origin"], row["path"]) for shard in shards for row in shard.to_pylist()}
    assert {
        ("pkg:pypi/thief@1.0", "thief/own.py"),
        ("pkg:pypi/pathy@1.0", "pathy.py"),
        ("https://github.com/other-zzowner2/blobby", "blobby.py"),
    } <= found


def decisions_of(release: Path) -> list[dict[str, Any]]:
    paths = sorted((release / "ledger" / "decisions").glob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def test_a_near_copy_does_not_take_the_place_of_what_was_removed(release: Path) -> None:
    (row,) = [row for row in decisions_of(release) if row["rule"] == "near_guard"]
    assert (row["origin"], row["path"], row["duplicate_of"]) == ("pkg:pypi/thief@1.0", b"thief/core.py", None)


def test_totals_close_and_say_how_many_opted_out(release: Path) -> None:
    totals = read_release(release / "release.json").totals
    assert totals.closes
    assert totals.listed == sum(len(files) + 1 for _, files in INPUTS.values())  # each archive has one link
    dropped = {name: count for name, count in totals.dropped.items() if name.startswith("optout.")}
    assert dropped == {
        "optout.optout_origin": 2,
        "optout.optout_owner": 2,
        "optout.optout_path": 1,
        "optout.optout_blob": 2,
    }


def test_commitments_can_be_checked_by_the_holder_of_the_key(release: Path, config: Config) -> None:
    key = load_key(config.optout.commitment_key)
    assert key is not None
    assert read_release(release / "release.json").commitment_key_ids["optout"] == key.id
    found = {row["commitment"] for row in decisions_of(release) if row["origin"] is None}
    assert None not in found
    for name in ("zzorigin-1.0.tar.gz", "owned-1.0.tar.gz"):
        origin, files = INPUTS[name]
        for path, text in files.items():
            assert commitment(key, "optout", origin, path.encode(), content_id(text.encode())) in found
    assert commitment(key, "optout", ORIGIN, b"none.py", content_id(b"")) not in found


def test_only_the_digest_of_the_registry_is_published(release: Path, config: Config) -> None:
    assert config.optout.registry is not None
    assert config.optout.commitment_key is not None
    published = read_release(release / "release.json")
    assert published.policies["optout"] == load_registry(Path(config.optout.registry)).digest
    assert str(Path(config.optout.registry).parent).encode() not in (release / "release.json").read_bytes()
    secret = Path(config.optout.commitment_key).read_bytes()
    assert not any(secret in value or secret.hex().encode() in value for _, _, value in values_in(release))
