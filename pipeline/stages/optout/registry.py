"""The opt-out registry: an append-only JSON Lines file of requests, and what it matches.

A line is one request: `id`, `received` (ISO date), `action` (`exclude`, or `revoke`, which takes back the earlier
`exclude` of the same scope), and `scope`:

    {"kind": "origin",    "value": "https://github.com/o/r"}      the repository or package, any spelling of its URL
    {"kind": "owner",     "value": "https://github.com/o"}        everything under that account
    {"kind": "path_glob", "value": "vendor/*/x.py", "origin": "https://github.com/o/r"}   `origin` is optional
    {"kind": "blob",      "value": "swh:1:cnt:..."}               every copy of a content

A package URL without a version covers all versions. In a glob, `*` also matches slashes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import translate
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.config_errors import described
from pipeline.errors import ConfigError, InputError
from pipeline.repositories import digest, renamed
from pipeline.stages.optout.canonical import account_keys, canonical_origin, without_version
from pipeline.stages.optout.config import OptoutConfig
from pipeline.swhid import BlobId


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OriginScope(_Line):
    kind: Literal["origin"]
    value: str = Field(min_length=1)


class OwnerScope(_Line):
    kind: Literal["owner"]
    value: str = Field(min_length=1)


class PathScope(_Line):
    kind: Literal["path_glob"]
    value: str = Field(min_length=1)
    origin: str | None = Field(default=None, min_length=1)


class BlobScope(_Line):
    kind: Literal["blob"]
    value: str = Field(pattern=r"^(swh:1:cnt:)?[0-9a-f]{40}$")


Scope = Annotated[OriginScope | OwnerScope | PathScope | BlobScope, Field(discriminator="kind")]


class Request(_Line):
    """One line of a registry."""

    id: str = Field(min_length=1)
    received: date
    action: Literal["exclude", "revoke"] = "exclude"
    scope: Scope
    evidence: str | None = None
    note: str | None = None


_Scope = tuple[str, str, str]
"""Kind, canonical value, canonical origin or "": equal for two spellings of one scope."""


@dataclass(frozen=True)
class Registry:
    """The requests in force, ready to be asked. `digest` is the sha256 of the file; "none" without one; `aliases` is
    that of the table of repositories.

    Its questions raise InputError for an origin whose name is ambiguous (see `canonical_origin`): it could slip by.
    """

    digest: str = "none"
    aliases: str = "none"
    origins: dict[str, str] = field(default_factory=dict)  # canonical origin: request id
    owners: dict[str, str] = field(default_factory=dict)
    paths: tuple[tuple[re.Pattern[str], str | None, str], ...] = ()  # pattern, canonical origin, request id
    blobs: dict[BlobId, str] = field(default_factory=dict)

    def with_aliases(self, names: Iterable[Sequence[str]], table: str) -> Registry:
        """This registry, where what holds for one of several names of a repository holds for all of them."""
        origins, paths = dict(self.origins), list(self.paths)
        for group in names:
            keys = {_key(name) for name in group}
            for key in sorted(keys):
                request = self.origins.get(key) or next(
                    (self.owners[account] for account in account_keys(key) if account in self.owners), None
                )
                if request is not None:
                    origins |= dict.fromkeys(keys - set(origins), request)
                own = [(pattern, id_) for pattern, wanted, id_ in self.paths if wanted == key]
                paths += [(pattern, other, id_) for pattern, id_ in own for other in sorted(keys - {key})]
        return replace(self, aliases=table, origins=origins, paths=tuple(paths))

    def origin_rule(self, origin: str) -> str | None:
        """`optout_origin` or `optout_owner` where the whole origin is excluded, else None."""
        if not self.origins and not self.owners:
            return None
        key = _key(origin)
        if key in self.origins or without_version(key) in self.origins:
            return "optout_origin"
        return "optout_owner" if any(account in self.owners for account in account_keys(key)) else None

    def path_patterns(self, origin: str) -> list[re.Pattern[str]]:
        """The globs that hold in an origin."""
        if not self.paths:
            return []
        key = _key(origin)
        return [pattern for pattern, wanted, _ in self.paths if wanted in (None, key, without_version(key))]

    def path_excluded(self, origin: str, path: bytes) -> bool:
        return matches_any(self.path_patterns(origin), path)


def matches_any(patterns: Iterable[re.Pattern[str]], path: bytes) -> bool:
    """Whether a whole path, from the origin's root, matches one of the globs."""
    text = path.decode("utf-8", "surrogateescape")
    return any(pattern.match(text) for pattern in patterns)


@lru_cache(maxsize=65536)
def _key(origin: str) -> str:
    try:
        return canonical_origin(origin)
    except ValueError as error:
        raise InputError(
            f"the origin {origin!r} cannot be held against the opt-out registry, because {error}. "
            "Give it an unambiguous name: a CSV file of origins (ingest.sources, key origins) does that."
        ) from error


def registry_of(config: OptoutConfig) -> Registry:
    """The registry of a configuration. A request for one name of a repository holds for its other names too, as far as
    the table of repositories knows them. Raises ConfigError and InputError."""
    registry = load_registry(Path(config.registry) if config.registry else None)
    if config.repositories is None:
        return registry
    table = digest(config.repositories)
    return registry.with_aliases(renamed(config.repositories, table), table)


def load_registry(path: Path | None) -> Registry:
    """Read and check a registry. Raises ConfigError that names the file, the line and what is wrong."""
    if path is None:
        return Registry()
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such opt-out registry; correct the path (optout.registry)") from None
    except OSError as error:
        raise ConfigError(f"{path}: the opt-out registry cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        bad = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: line {bad}: is not UTF-8; expected one JSON object a line") from error
    requests: dict[str, tuple[Request, str]] = {}
    lines: list[str] = text.split("\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            where = f"{path}: line {number}"
            request = _parse(line, where)
            if request.id in requests:
                first = requests[request.id][1].rpartition(": ")[2]
                raise ConfigError(
                    f"{where}: the id {request.id!r} stands on {first} already; give each request its own"
                )
            requests[request.id] = (request, where)
    return _in_force(requests.values(), hashlib.sha256(data).hexdigest())


def _parse(line: str, where: str) -> Request:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{where}: is not JSON ({error.msg} at column {error.colno}); expected one request a line"
        ) from error
    try:
        return Request.model_validate(data)
    except ValidationError as error:
        raise ConfigError(described(error, data, Request.model_json_schema(), where)) from error


def _in_force(requests: Iterable[tuple[Request, str]], digest: str) -> Registry:
    standing: dict[_Scope, str] = {}
    for request, where in requests:
        try:
            scope = _canonical(request.scope)
        except ValueError as error:
            raise ConfigError(f"{where}: scope.value: {error} (found {request.scope.value!r})") from error
        if request.action == "exclude":
            standing[scope] = request.id
        elif standing.pop(scope, None) is None:
            raise ConfigError(f"{where}: revokes a scope that no earlier line excludes; correct the scope")
    return Registry(
        digest,
        origins={value: id_ for (kind, value, _), id_ in standing.items() if kind == "origin"},
        owners={value: id_ for (kind, value, _), id_ in standing.items() if kind == "owner"},
        paths=tuple(
            (re.compile(translate(value)), origin or None, id_)
            for (kind, value, origin), id_ in standing.items()
            if kind == "path_glob"
        ),
        blobs={BlobId(bytes.fromhex(value)): id_ for (kind, value, _), id_ in standing.items() if kind == "blob"},
    )


def _canonical(scope: OriginScope | OwnerScope | PathScope | BlobScope) -> _Scope:
    """Raises ValueError for a scope that could match nothing, or not what was meant."""
    match scope:
        case BlobScope(value=value):
            return "blob", value.rpartition(":")[2], ""
        case PathScope(value=value, origin=origin):
            if value.startswith(("/", "./")):
                raise ValueError("a glob starts at the origin's root without / or ./")
            return "path_glob", value, canonical_origin(origin) if origin else ""
        case OwnerScope(value=value):
            key = canonical_origin(value)
            names = key.split("/")[3:] if key.startswith("https://") else []
            if not names:
                raise ValueError("an owner is the URL of an account, such as https://github.com/o")
            if len(names) > 1 and key.startswith("https://github.com/"):
                raise ValueError('this is a repository, not an account: use kind "origin"')
            return "owner", key, ""
        case OriginScope(value=value):
            key = canonical_origin(value)
            if key.startswith("https://github.com/") and key.count("/") == 3:
                raise ValueError('this is an account, not a repository: use kind "owner"')
            return "origin", key, ""
