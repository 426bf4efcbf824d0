"""How inputs are called: logical names of origins, by a template, a CSV file or a remote's URL. Never a local
path."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.errors import InputError

COLUMNS = ("path", "origin", "stars", "forks", "date")

_WHEEL = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-\d[^-]*)?-[^-]+-[^-]+-[^-]+")
_SDIST = re.compile(r"(?P<name>.+)-(?P<version>v?\d.*)")
_SCP = re.compile(r"(?:[^/]*@)?(?P<host>[^@/:]+):(?P<path>(?!//).*)")
_LOCAL = re.compile(r"[/\\~.]|file:|[A-Za-z]:[/\\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """One input's origin, and what a CSV file adds: counts, and a date in Unix seconds."""

    origin: str
    stars: int | None = None
    forks: int | None = None
    date: int | None = None


def from_template(template: str, path: Path, stem: str) -> str:
    """The origin of `path` by `template`. `{name}` is normalised as PyPI does: lower case, `-` for runs of
    `-_.`.

    Raises InputError where the file's name does not hold a `{name}` or `{version}` that the template needs.
    """
    found = (_WHEEL if path.name.lower().endswith(".whl") else _SDIST).fullmatch(stem)
    values = {"filename": path.name, "stem": stem}
    if found:
        values |= {"name": re.sub(r"[-_.]+", "-", found["name"]).lower(), "version": found["version"]}
    try:
        origin = template.format_map(values)
    except KeyError as error:
        raise InputError(
            f"{path}: expected a name such as NAME-VERSION.tar.gz for the template {template!r}, which "
            f"uses {{{error.args[0]}}}; "
            "rename it, use {filename} or {stem}, or give a CSV file of origins"
        ) from error
    return checked_origin(origin, str(path))


def checked_origin(origin: str, where: str) -> str:
    """`origin`, if it can name an origin to others. Raises InputError, naming `where`."""
    if not origin.strip() or any(ord(c) < 32 or ord(c) == 127 for c in origin) or origin != origin.strip():
        raise InputError(
            f"{where}: expected an origin such as pkg:pypi/six@1.17.0 or https://host/owner/name, found {origin!r}"
        )
    if _LOCAL.match(origin):
        raise InputError(
            f"{where}: the origin {origin!r} is a path of this machine; expected a name that means the "
            "same to others, such "
            "as pkg:pypi/six@1.17.0 or https://host/owner/name"
        )
    try:
        origin.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where}: the origin {origin!r} is not Unicode text; name it by a CSV file of origins"
        ) from error
    return origin


def read_origins(table: Path, inputs: Sequence[Path]) -> dict[Path, Named]:
    """The rows of the CSV file `table`, by the input that each names (by file name, or by path from the
    file's folder).

    Raises InputError for an unreadable file, unknown or missing columns, a bad value, a row that names no
    input or several, and two rows for one input.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            header = tuple(reader.fieldnames or ())
            unknown = [column for column in header if column not in COLUMNS]
            if unknown or "path" not in header or "origin" not in header or len(set(header)) != len(header):
                raise InputError(
                    f"{table}: expected the columns path, origin and optionally stars, forks, date, found "
                    f"{list(header)}"
                )
            rows = [(f"{table}, line {reader.line_num}", row) for row in reader]
    except OSError as error:
        raise InputError(f"{table}: expected a readable CSV file of origins: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: expected a CSV file in UTF-8: {error}") from error
    by_name: dict[str, list[Path]] = {}
    for path in inputs:
        by_name.setdefault(path.name, []).append(path)
    named: dict[Path, Named] = {}
    for where, row in rows:
        if None in row or None in row.values():
            raise InputError(f"{where}: expected {len(header)} values, one per column, found more or fewer")
        path = _input_of(row["path"], table.parent, inputs, by_name, where)
        if path in named:
            raise InputError(f"{where}: a second row for {path}; expected one row per input")
        named[path] = Named(
            checked_origin(row["origin"], where),
            _count(row.get("stars"), "stars", where),
            _count(row.get("forks"), "forks", where),
            _date(row.get("date"), where),
        )
    return named


def _input_of(text: str, base: Path, inputs: Iterable[Path], by_name: dict[str, list[Path]], where: str) -> Path:
    exact = (base / text).resolve()
    found = [path for path in inputs if path.resolve() == exact] or by_name.get(text, [])
    if len(found) != 1:
        raise InputError(
            f"{where}: the path {text!r} names {len(found)} of the inputs, expected one: correct it, or "
            "write it from the "
            "folder of the CSV file"
        )
    return found[0]


def _count(text: str | None, column: str, where: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise InputError(f"{where}: expected a whole number of {column}, found {text!r}")
    return int(text)


def _date(text: str | None, where: str) -> int | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{where}: expected a date such as 2024-01-31 or 2024-01-31T12:00:00Z, found {text!r}"
        ) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def origin_of_remote(url: str) -> str | None:
    """The logical name of a git remote, or None where `url` is a path of some machine.

    User, password or token, query and fragment are dropped, because they may be secret; so are a trailing `/`
    and `.git`. The ssh forms become https, as the same repository is named elsewhere. Source of the form:
    Software Heritage names origins by their https URL.
    """
    url = url.strip()
    scp = _SCP.fullmatch(url)
    if scp and "://" not in url and len(scp["host"]) > 1:
        scheme, host, path = "https", scp["host"], scp["path"]
    else:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return None
        if (
            parts.scheme not in ("http", "https", "ssh", "git", "git+ssh", "ssh+git", "ftp", "ftps")
            or not parts.hostname
        ):
            return None
        ssh = "ssh" in parts.scheme
        scheme = "https" if ssh else parts.scheme
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        if port is not None and not ssh:
            host += f":{port}"
        path = parts.path
    path = path.split("?")[0].split("#")[0].strip("/").removesuffix(".git").rstrip("/")
    # An `@` in the path may end a token that a malformed URL has let in.
    if not path or "@" in path or any(ord(c) <= 32 or ord(c) == 127 for c in path):
        return None
    return f"{scheme}://{host.lower()}/{path}"
