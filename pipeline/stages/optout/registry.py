"""The opt-out registry: an append-only JSON Lines file of requests, and what it matches.

A line is one request: `id`, `received` (ISO date), `action` (`exclude`, or `revoke`, which takes back the earlier
`exclude` of the same scope), and `scope`:

    {"kind": "origin",    "value": "https://github.com/o/r"}      the repository or package, any spelling of its URL
    {"kind": "owner",     "value": "https://github.com/o"}        everything under that account
    {"kind": "path_glob", "value": "vendor/*/x.py", "origin": "https://github.com/o/r"}   `origin` is optional
    {"kind": "blob",      "value": "swh:1:cnt:..."}               every copy of a content

A package URL without a version covers all versions.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fnmatch import translate
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import ConfigError
from pipeline.swhid import BlobId, parse_swhid

_FORGES_WITHOUT_CASE = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org")
_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OriginScope(_Line):
    kind: Literal["origin"]
    value: str


class OwnerScope(_Line):
    kind: Literal["owner"]
    value: str


class PathScope(_Line):
    kind: Literal["path_glob"]
    value: str
    origin: str | None = None


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


def canonical_origin(origin: str) -> str:
    """One key for all spellings of an origin, for matching only. Idempotent.

    >>> canonical_origin("git@GitHub.com:O/r.git")
    'https://github.com/o/r'
    >>> canonical_origin("https://user:token@git.example.org:8443/G/P/")
    'https://git.example.org:8443/G/P'
    >>> canonical_origin("pkg:pypi/Some_Name@1.0?file_name=x.whl")
    'pkg:pypi/some-name@1.0'
    """
    if origin.startswith("pkg:"):
        kind, slash, rest = origin.partition("?")[0].partition("#")[0].partition("/")
        if kind == "pkg:pypi":
            rest = rest.lower().replace("_", "-")
        return f"{kind}{slash}{rest}"
    scp = re.fullmatch(r"(?:[^@/\s]+@)?([^:/\s]+):(?!//)(?!\d+/)(.+)", origin)
    parts = urlsplit(f"ssh://{scp[1]}/{scp[2]}" if scp else origin)
    host = (parts.hostname or "").encode("idna").decode() if (parts.hostname or "").isascii() is False else parts.hostname
    if not host:
        return origin
    host = host.removeprefix("www.")
    port = parts.port if parts.port and parts.port != _DEFAULT_PORTS.get(parts.scheme) else None
    path = "/".join(unquote(piece) if "%2f" not in piece.lower() else piece for piece in parts.path.split("/") if piece)
    path = re.sub(r"(\.git)+$", "", path)
    if host in _FORGES_WITHOUT_CASE:
        path = path.lower()
    return f"https://{host}{f':{port}' if port else ''}/{path}".rstrip("/")


@dataclass(frozen=True)
class Registry:
    """The requests in force, ready to be asked. `digest` is the sha256 of the file; "none" without one."""

    digest: str = "none"
    origins: dict[str, str] = field(default_factory=dict)  # canonical origin: request id
    owners: dict[str, str] = field(default_factory=dict)
    paths: tuple[tuple[re.Pattern[str], str | None, str], ...] = ()
    blobs: dict[BlobId, str] = field(default_factory=dict)

    def origin_rule(self, origin: str) -> str | None:
        """`optout_origin` or `optout_owner` where the whole origin is excluded, else None."""
        key = canonical_origin(origin)
        if key in self.origins or (key.startswith("pkg:") and key.partition("@")[0] in self.origins):
            return "optout_origin"
        if key.startswith("pkg:"):
            return None
        pieces = key.split("/")
        if any("/".join(pieces[:n]) in self.owners for n in range(4, len(pieces))):
            return "optout_owner"
        return None

    def path_excluded(self, origin: str, path: bytes) -> bool:
        text = path.decode("utf-8", "surrogateescape")
        key = canonical_origin(origin)
        return any(
            (wanted is None or wanted in (key, key.partition("@")[0] if key.startswith("pkg:") else key))
            and pattern.match(text)
            for pattern, wanted, _ in self.paths
        )


def load_registry(path: Path | None) -> Registry:
    """Read and check a registry. Raises ConfigError that names the file, the line and what is wrong."""
    if path is None:
        return Registry()
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such opt-out registry (optout.registry in the configuration)") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the opt-out registry cannot be read: {error}") from error
    requests: list[Request] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            requests.append(_parse(line, f"{path}: line {number}"))
    return _in_force(requests, hashlib.sha256(data).hexdigest(), path)


def _parse(line: str, where: str) -> Request:
    try:
        return Request.model_validate(json.loads(line))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{where}: is not JSON ({error.msg}); expected one request a line") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ["id", "received", "action", "scope", "evidence", "note", "kind", "value", "origin"]
            near = difflib.get_close_matches(str(first["loc"][-1]), known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{where}: unknown key {place}{hint}") from error
        raise ConfigError(f"{where}: {place}: {first['msg']} (found {first.get('input')!r})") from error


def _in_force(requests: Iterable[Request], digest: str, path: Path) -> Registry:
    standing: dict[str, Request] = {}
    seen: set[str] = set()
    for request in requests:
        if request.id in seen:
            raise ConfigError(f"{path}: the id {request.id!r} stands twice; every request needs an id of its own")
        seen.add(request.id)
        scope = request.scope.model_dump_json()
        if request.action == "exclude":
            standing[scope] = request
        elif standing.pop(scope, None) is None:
            raise ConfigError(f"{path}: request {request.id!r} revokes a scope that no earlier line excludes")
    registry = Registry(digest=digest)
    paths: list[tuple[re.Pattern[str], str | None, str]] = []
    for request in standing.values():
        match request.scope:
            case OriginScope(value=value):
                registry.origins[canonical_origin(value)] = request.id
            case OwnerScope(value=value):
                registry.owners[canonical_origin(value)] = request.id
            case PathScope(value=value, origin=origin):
                wanted = canonical_origin(origin) if origin else None
                paths.append((re.compile(translate(value)), wanted, request.id))
            case BlobScope(value=value):
                blob = parse_swhid(value if value.startswith("swh:") else f"swh:1:cnt:{value}")[1]
                registry.blobs[BlobId(blob)] = request.id
    return Registry(digest, registry.origins, registry.owners, tuple(paths), registry.blobs)
