"""The configuration: one typed model of a TOML file. An unknown key is an error that names the nearest one.

Everything outside `[execution]` decides the release and stands in its manifest; nothing inside it does.
"""

from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.config_errors import described
from pipeline.engine.storage import RequestsConfig, StorageConfig
from pipeline.errors import ConfigError
from pipeline.local_path import LocalPath, made_absolute, made_logical
from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.language.config import LanguageConfig
from pipeline.stages.license.config import LicenseConfig
from pipeline.stages.near.config import NearConfig
from pipeline.stages.optout.config import OptoutConfig
from pipeline.stages.redact.config import RedactConfig
from pipeline.stages.release.config import ReleaseConfig
from pipeline.stages.screen.config import ScreenConfig


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetConfig(_Section):
    """What the release is called."""

    name: str = Field(default="dataset", pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$", description="Name of the dataset")
    version: str = Field(
        default="0.1.0", pattern=r"^\d+\.\d+\.\d+$", description="Semantic version; a published one never changes"
    )
    description: str = Field(default="", description="One line for the card")


class ClusterConfig(_Section):
    """Where parts run."""

    kind: Literal["inline", "local", "address"] = Field(
        default="local", description="inline: this process; local: Dask worker processes here; address: a cluster"
    )
    workers: int = Field(default=0, ge=0, le=4096, description="Local worker processes; 0: one per core")
    memory_limit: str = Field(default="auto", description="Memory of one local worker, as Dask writes it")
    address: str | None = Field(default=None, description="The scheduler, such as tcp://host:8786")
    connect_seconds: int = Field(default=30, ge=1, description="How long to wait for the scheduler")

    @model_validator(mode="after")
    def _address_goes_with_its_kind(self) -> ClusterConfig:
        if (self.kind == "address") != (self.address is not None):
            raise ValueError('address is needed with kind = "address", and only there')
        return self


class ExecutionConfig(_Section):
    """How and where to work. Never enters keys or releases."""

    work: LocalPath = Field(default="work", description="Folder for intermediate files and receipts")
    releases: LocalPath = Field(default="releases", description="Folder for releases")
    facts: LocalPath | None = Field(
        default=None, description="Folder for facts, reused across runs; default: facts/ in the work folder"
    )
    parts: int = Field(default=8, ge=1, le=65536, description="Parts of the steps that go by origin")
    buckets: int = Field(default=8, ge=1, le=65536, description="Buckets of the steps that go by blob: a power of two")
    directory_rows: int = Field(
        default=4_000_000,
        ge=1,
        description="Rows of directory_entry that one bucket of an export may hold: bounds a worker's memory",
    )
    storage: dict[str, StorageConfig] = Field(
        default_factory=dict, description="By URL prefix, such as s3://softwareheritage"
    )
    requests: RequestsConfig = Field(default_factory=RequestsConfig, description="Fetching contents")
    cluster: ClusterConfig = Field(default_factory=ClusterConfig, description="Where parts run")

    @model_validator(mode="after")
    def _power_of_two(self) -> ExecutionConfig:
        if self.buckets & (self.buckets - 1):
            raise ValueError(f"buckets is {self.buckets}: expected a power of two, such as 8 or 256")
        return self

    @property
    def facts_folder(self) -> Path:
        return Path(self.facts) if self.facts else Path(self.work) / "facts"


class Config(_Section):
    """A whole configuration."""

    dataset: DatasetConfig = Field(default_factory=DatasetConfig, description="Name and version")
    ingest: IngestConfig = Field(default_factory=IngestConfig, description="Where code comes from")
    license: LicenseConfig = Field(default_factory=LicenseConfig, description="Licence policy")
    optout: OptoutConfig = Field(default_factory=OptoutConfig, description="Opt-out registry")
    near: NearConfig = Field(default_factory=NearConfig, description="Near-duplicates")
    redact: RedactConfig = Field(default_factory=RedactConfig, description="Secrets and personal data")
    language: LanguageConfig = Field(default_factory=LanguageConfig, description="Language tags")
    screen: ScreenConfig = Field(default_factory=ScreenConfig, description="What files are held against")
    release: ReleaseConfig = Field(default_factory=ReleaseConfig, description="Shards")
    execution: ExecutionConfig = Field(default_factory=ExecutionConfig, description="How and where to work")

    @model_validator(mode="after")
    def _one_table_of_repositories(self) -> Config:
        if self.optout.repositories is not None or self.ingest.repositories is None:
            return self
        optout = self.optout.model_copy(update={"repositories": self.ingest.repositories})
        return self.model_copy(update={"optout": optout})

    def published(self) -> dict[str, Any]:
        """What a manifest records: all but `[execution]`, without paths of this machine."""
        plain = made_logical(self)
        del plain["execution"]
        return plain


def load_config(path: Path, changes: list[str] | None = None) -> Config:
    """Read a TOML file; `changes` are `a.b=value` strings that win over it. Raises ConfigError."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such configuration file. `permastack init` writes one to edit."
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: the configuration cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start}): a configuration is TOML, which is") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from error
    return make_config(data, changes or [], path.resolve().parent, str(path))


def make_config(data: dict[str, Any], changes: list[str], base: Path, where: str) -> Config:
    """A configuration from plain data, its local paths made absolute from `base`. Raises ConfigError."""
    data = copy.deepcopy(data)
    for change in changes:
        _apply(data, change)
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(described(error, data, Config.model_json_schema(), where)) from error
    return Config.model_validate(made_absolute(config, base))


def _apply(data: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    if not equals or not all(key.split(".")):
        raise ConfigError(f"--set {change}: expected KEY=VALUE, such as near.threshold=0.8")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string
    *parents, last = key.split(".")
    for parent in parents:
        below = data.setdefault(parent, {})
        if not isinstance(below, dict):
            what = "a list: give it whole" if isinstance(below, list) else "a value, not a section"
            raise ConfigError(f"--set {change}: {parent} is {what}")
        data = below
    data[last] = value


def json_schema() -> str:
    """The configuration's JSON Schema, for editors."""
    return json.dumps(Config.model_json_schema(), indent=1, sort_keys=True)
