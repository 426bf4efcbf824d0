"""The configuration: every wrong key, type, value and contradiction is told in one message."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Config, json_schema, load_config, make_config
from pipeline.errors import ConfigError


def load(text: str, folder: Path, *changes: str) -> Config:
    path = folder / "build.toml"
    path.write_text(text, "utf-8")
    return load_config(path, list(changes))


def source(text: str) -> str:
    return f"[[ingest.sources]]\n{text}"


WRONG = [
    # keys
    ("[near]\ntreshold = 0.5", "unknown key near.treshold; did you mean near.threshold?"),
    ("[nearr]\nthreshold = 0.5", "unknown key nearr; did you mean near?"),
    ("[execution.clusterr]", "unknown key execution.clusterr; did you mean execution.cluster?"),
    ("zzqq = 1", "unknown key zzqq; known keys here are: dataset, execution, ingest, language, license, near, optout,"),
    (source('kind = "git"\npathz = ["a"]\npaths = ["a"]'),
     "unknown key ingest.sources[0].pathz; did you mean ingest.sources[0].paths?"),
    (source('kind = "git"\nqqqq = 1\npaths = ["a"]'), "known keys here are: kind, origins, paths"),
    (source('kind = "git"'), "ingest.sources[0].paths: is missing"),
    # types
    ('[near]\nthreshold = "high"', "near.threshold: expected a valid number"),
    ("near = 3", "near: expected a table of keys (found 3)"),
    ("[dataset]\nversion = 1", "dataset.version: expected text in quotes (found 1)"),
    ("[ingest]\nsources = 3", "ingest.sources: expected a list (found 3)"),
    ("[ingest]\nsources = [3]", "ingest.sources[0]: expected a table of keys (found 3)"),
    (source('kind = "archives"\npath = 3'), "ingest.sources[0].path: expected text in quotes or a list (found 3)"),
    ("[execution]\nparts = 1.5", "execution.parts: expected a valid integer"),
    # values
    ("[near]\nthreshold = 2", "near.threshold: expected less than or equal to 1 (found 2)"),
    ("[ingest]\nsample = 0", "ingest.sample: expected greater than 0 (found 0)"),
    ("[execution]\nbuckets = 6", "execution: buckets is 6: expected a power of two, such as 8 or 256"),
    ("[release]\nledger_files = 3", "release.ledger_files: expected a power of two, such as 1 or 64 (found 3)"),
    ('[execution.cluster]\nkind = "k8s"', "execution.cluster.kind: expected 'inline', 'local' or 'address'"),
    ('[dataset]\nname = "A B"', "dataset.name: expected text that matches"),
    ("[license]\nkeep = []", "license.keep: expected at least 1 of them"),
    ('[license]\nkeep = ["permisive"]', "license.keep[0]: expected 'permissive'"),
    ('[optout]\nregistry = ""', "optout.registry: path is empty"),
    ('[license]\npolicy = ""', "license.policy: path is empty"),
    ('[optout]\nregistry = "a\\u0000b"', "optout.registry: path holds a NUL character"),
    (source('kind = "svn"'), 'ingest.sources[0]: expected kind = "archives" or "git"'),
    (source('path = "a"'), 'ingest.sources[0]: has no kind: expected kind = "archives" or "git"'),
    (source('kind = "archives"\npath = ""'), "ingest.sources[0].path: path is empty"),
    (source('kind = "archives"\npath = "a"\norigin = "{nme}"'), "ingest.sources[0]: origin has the unknown field"),
    # contradictions
    (source('kind = "archives"\npath = "a"\norigin = "x"\norigins = "y"'), "ingest.sources[0]: give either origin"),
    ("[near]\nbands = 200\nrows = 3", "near: 200 bands of 3 rows need 600 signature values"),
    ('[execution.cluster]\nkind = "address"', 'execution.cluster: address is needed with kind = "address"'),
    ('[execution.cluster]\naddress = "tcp://h:1"', 'execution.cluster: address is needed with kind = "address"'),
    # TOML
    ("[near", "is not valid TOML"),
    ("[near]\nrows = 8\nrows = 8", "is not valid TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_wrong_configuration_is_named_with_file_key_and_reason(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(text, tmp_path)
    told = str(raised.value)
    assert f"build.toml: {message}" in told or f"build.toml: unknown key ingest.sources[0].qqqq; {message}" in told
    assert len(told.splitlines()) == 1
    for internal in ("Config", "pydantic", "tuple", "type="):
        assert internal not in told


def test_every_wrong_place_has_a_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load('[near]\nrows = "x"\ntreshold = 1\n[ingest]\nsample = 7', tmp_path)
    assert len(str(raised.value).splitlines()) == 3


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: there is no such configuration file\. `permastack init`"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"the configuration cannot be read: Is a directory"):
        load_config(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(ConfigError, match=r"latin\.toml: is not UTF-8 \(byte 5\)"):
        load_config(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("change", "where", "value"),
    [
        ("near.threshold=0.8", ("near", "threshold"), 0.8),
        ("dataset.name=other", ("dataset", "name"), "other"),
        ("dataset.version=1.2.3", ("dataset", "version"), "1.2.3"),
        ('dataset.description="a = b"', ("dataset", "description"), "a = b"),
        ("dataset.description=a = b", ("dataset", "description"), "a = b"),
        ("near.enabled=false", ("near", "enabled"), False),
        ('license.keep=["permissive","no_license"]', ("license", "keep"), ("permissive", "no_license")),
        ("execution.cluster.kind=inline", ("execution", "cluster", "kind"), "inline"),
    ],
)
def test_set_changes_one_value(change: str, where: tuple[str, ...], value: object, tmp_path: Path) -> None:
    found: Any = load("[near]\nthreshold = 0.5", tmp_path, change)
    for name in where:
        found = getattr(found, name)
    assert found == value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("near.threshold", r"--set near\.threshold: expected KEY=VALUE"),
        ("=1", "expected KEY=VALUE"),
        ("near..threshold=1", "expected KEY=VALUE"),
        ("near.treshold=1", r"unknown key near\.treshold; did you mean near\.threshold"),
        ("near.threshold.x=1", "threshold is a value, not a section"),
        ("ingest.sources.0=1", "sources is a list: give it whole"),
    ],
)
def test_a_wrong_set(change: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        load("[near]\nthreshold = 0.5\n[[ingest.sources]]\nkind = 'git'\npaths = ['a']", tmp_path, change)


def test_make_config_leaves_its_data_alone(tmp_path: Path) -> None:
    data: dict[str, Any] = {"near": {"threshold": 0.5}}
    make_config(data, ["near.threshold=0.9"], tmp_path, "test")
    assert data == {"near": {"threshold": 0.5}}


def test_the_published_part_has_no_execution_and_no_path(tmp_path: Path) -> None:
    text = '[optout]\nregistry = "private/o.jsonl"\n[near]\nprior = "old/1.0.0"\n[license]\npolicy = "p/mine.toml"\n'
    text += "[[ingest.sources]]\nkind = 'archives'\npath = ['in/a/*', 'in/b.zip']\norigins = 'in/o.csv'"
    published = load(text, tmp_path).published()
    assert "execution" not in published
    assert str(tmp_path) not in json.dumps(published)
    assert published["optout"]["registry"] == "o.jsonl"
    assert published["near"]["prior"] == "1.0.0"
    assert published["license"]["policy"] == "mine.toml"
    assert published["ingest"]["sources"][0]["path"] == ["*", "b.zip"]


def test_every_key_has_a_description_and_a_default() -> None:
    def check(node: dict[str, Any], place: str) -> None:
        for key, below in node.get("properties", {}).items():
            assert below.get("description"), f"{place}.{key}"
        assert node.get("additionalProperties") is False, place

    schema = json.loads(json_schema())
    check(schema, "config")
    for name, node in schema["$defs"].items():
        check(node, name)
    assert Config().dataset.name == "dataset"  # all of it has defaults


def test_shipped_configurations_are_valid() -> None:
    folder = Path(__file__).resolve().parents[1] / "configs"
    shipped = sorted(folder.glob("*.toml"))
    assert shipped
    for path in shipped:
        data = tomllib.loads(path.read_text("utf-8"))
        assert load_config(path).published()["dataset"]["name"] == data["dataset"]["name"]
