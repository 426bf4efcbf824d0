"""Where bytes lie: folders of this machine and URLs, read through fsspec."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import fsspec
from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import ConfigError, InputError

_BLOCK_BYTES = 1 << 20
_TAIL_BYTES = 64 << 10


class StorageConfig(BaseModel):
    """How to reach the locations under one URL. Credentials come from the environment, as the provider documents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    anonymous: bool = Field(default=False, description="Send unsigned requests, as public buckets want them")
    endpoint: str | None = Field(default=None, description="URL of an S3-compatible server")
    region: str | None = Field(default=None, description="Such as us-east-1")


class RequestsConfig(BaseModel):
    """How hard to try where contents are fetched one by one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parallel: int = Field(default=32, ge=1, le=1024, description="Requests at once, of one worker")
    attempts: int = Field(default=6, ge=1, le=100, description="Per object; after that it is quarantined")
    timeout_seconds: float = Field(default=60.0, gt=0, description="Per attempt")
    backoff_seconds: float = Field(default=0.2, ge=0, description="Before the second attempt; doubled at each further")
    memory_bytes: int = Field(default=256 << 20, ge=1 << 20, description="Contents in flight, of one worker")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file below a location: its path from there, its size, and what tells one version of it from another."""

    path: str
    size: int
    version: str | None
    """ETag or the like; None where the storage has none (then size and content must do)."""


@dataclass(frozen=True, slots=True)
class Location:
    """A folder of this machine or a URL. Picklable; connections are made in the process that uses it."""

    url: str
    options: StorageConfig = field(default_factory=StorageConfig)

    def filesystem(self, *, retries: bool = True) -> tuple[Any, str]:
        """An fsspec filesystem and this location's path in it; without `retries` its caller counts the attempts.

        Raises ConfigError where its protocol is unknown.
        """
        protocol, found, rest = self.url.partition("://")
        if not found:
            return fsspec.filesystem("file"), self.url
        settings: dict[str, Any] = {}
        if protocol == "s3":
            settings = {
                "anon": self.options.anonymous,
                "client_kwargs": {
                    name: value
                    for name, value in (("endpoint_url", self.options.endpoint), ("region_name", self.options.region))
                    if value
                },
                # The package below must not try again on its own.
                "config_kwargs": {"retries": {"total_max_attempts": 1}, "max_pool_connections": 128},
                "default_block_size": _BLOCK_BYTES,
                "max_concurrency": 1,  # else each object is asked for its size first
            }
        try:
            made = fsspec.filesystem(protocol, use_listings_cache=False, skip_instance_cache=not retries, **settings)
            if not retries:
                made.retries = 1
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"{self.url}: locations that start with {protocol}:// cannot be read here: {error}. "
                "Expected a path of this machine, s3://, https:// or another protocol of fsspec whose package is there."
            ) from error
        return made, self.url.rstrip("/") if protocol in (
            "http",
            "https",
        ) else f"/{rest}" if protocol == "memory" else rest

    def files(self, folder: str = "") -> list[StoredFile]:
        """Every file below `folder`, at any depth, by path. Empty where the folder is not there.

        Web servers that list nothing may have a file `files.txt` in the location: one path from there a line.
        """
        system, root = self.filesystem()
        base = f"{root.rstrip('/')}/{folder}".rstrip("/")
        if self.url.startswith(("http://", "https://")):
            return _web_files(system, root.rstrip("/"), folder)
        try:
            found: dict[str, dict[str, Any]] = system.find(base, detail=True)
        except FileNotFoundError:
            return []
        start = len(system._strip_protocol(root).rstrip("/")) + 1
        files = [
            StoredFile(name[start:], int(about["size"]), str(about["ETag"]).strip('"') if about.get("ETag") else None)
            for name, about in found.items()
        ]
        return sorted(files, key=lambda file: file.path)

    def open(self, path: str) -> Any:
        """A file for random access. What is read is fetched in blocks, so that a footer costs a request or two."""
        system, root = self.filesystem()
        return system.open(f"{root.rstrip('/')}/{path}" if path else root, "rb")

    def digest(self, file: StoredFile) -> str:
        """Over the size and the last 64 KiB of a file. Formats with a footer keep statistics there (and Software
        Heritage's exports an id of the file's own), so this tells files apart that are too large to be read whole."""
        digest = hashlib.sha256(b"%d\n" % file.size)
        with self.open(file.path) as opened:
            opened.seek(max(0, file.size - _TAIL_BYTES))
            digest.update(opened.read())
        return f"sha256:{digest.hexdigest()}"


def located(url: str, storage: Mapping[str, StorageConfig]) -> Location:
    """`url` with the options of the longest prefix in `storage` that it starts with."""
    fitting = [prefix for prefix in storage if url.startswith(prefix)]
    return Location(url, storage[max(fitting, key=len)] if fitting else StorageConfig())


def _web_files(system: Any, root: str, folder: str) -> list[StoredFile]:
    try:
        listed = system.cat_file(f"{root}/files.txt").decode()
    except FileNotFoundError:
        raise InputError(
            f"{root}: web servers do not list their files. Expected a file files.txt there with one path a line, "
            "found none."
        ) from None
    paths = sorted(line.strip() for line in listed.splitlines() if line.strip())
    return [
        StoredFile(path, int(about["size"]), about.get("ETag"))
        for path in paths
        if path.startswith(f"{folder}/" if folder else "")
        for about in [system.info(f"{root}/{path}")]
    ]
