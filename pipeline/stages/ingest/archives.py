"""The source `archives`: wheels, sdists, tar and zip archives, and plain folders. Contents come while it
lists."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import EnvironmentalError, InputError, PermastackError
from pipeline.stages.ingest.config import ArchivesSource, IngestConfig
from pipeline.stages.ingest.folder import folder_members
from pipeline.stages.ingest.inputs import matches
from pipeline.stages.ingest.members import Member
from pipeline.stages.ingest.origins import Named, from_template, read_origins
from pipeline.stages.ingest.source import Listing, OriginInput, Sink, UnusableOrigin, sorted_origins
from pipeline.stages.ingest.tar import tar_members
from pipeline.stages.ingest.tree import assemble
from pipeline.stages.ingest.zip import zip_members

Reader = Callable[[Path, IngestConfig, list[str]], Iterator[Member]]


@dataclass(frozen=True, slots=True)
class Format:
    """How one kind of container is read, and whether a single top folder is packaging rather than content."""

    read: Reader
    strip_top: bool


_TAR = Format(tar_members, strip_top=True)
_ZIP = Format(zip_members, strip_top=True)
_WHEEL = Format(zip_members, strip_top=False)
_FOLDER = Format(folder_members, strip_top=False)

FORMATS = {
    ".whl": _WHEEL,
    ".egg": _WHEEL,
    ".zip": _ZIP,
    ".tar": _TAR,
    ".tar.gz": _TAR,
    ".tgz": _TAR,
    ".crate": _TAR,
    ".tar.bz2": _TAR,
    ".tbz2": _TAR,
    ".tar.xz": _TAR,
    ".txz": _TAR,
    ".tar.zst": _TAR,
    ".tzst": _TAR,
}

_PURL_TYPE = re.compile(r"pkg:([A-Za-z][A-Za-z0-9.+-]*)/")


@dataclass(frozen=True)
class Archives:
    """Packages as files on this machine."""

    source: ArchivesSource
    config: IngestConfig
    kind: str = "archives"
    lazy: bool = False

    def discover(self, base: Path) -> list[OriginInput]:
        """One origin per archive or folder that matches. Reads every byte of them, for their digests."""
        table = None if self.source.origins is None else base / self.source.origins
        paths = [p for p in matches(self.source.path, base) if table is None or p != table]
        for path in paths:
            format_of(path)
        names = self._names(paths, table)
        return sorted_origins(
            OriginInput(
                origin=names[path].origin,
                kind=self.kind,
                locator=str(path),
                digest=self._digest(path),
                stars=names[path].stars,
                forks=names[path].forks,
                date=names[path].date,
            )
            for path in paths
        )

    def _names(self, paths: Sequence[Path], table: Path | None) -> dict[Path, Named]:
        if table is None:
            template = self.source.origin or "local:{filename}"
            return {path: Named(from_template(template, path, stem(path))) for path in paths}
        names = read_origins(table, paths)
        unnamed = [path for path in paths if path not in names]
        if unnamed:
            raise InputError(f"{table}: expected a row for every input, found none for {unnamed[0]}; add it")
        return names

    def list(self, item: OriginInput, sink: Sink) -> Listing:
        """The files of one archive or folder; see `Source.list`."""
        path = Path(item.locator)
        if path.is_file() and _file_digest(path) != item.digest:
            raise _changed(item)
        listing = self._listing(path, item.origin, sink)
        if path.is_dir() and _listing_digest(listing) != item.digest:
            raise _changed(item)
        if not listing.entries and not listing.refusals:
            raise UnusableOrigin("empty_origin", "it holds no file")
        return listing

    def read(self, item: OriginInput, ids: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Contents by id, by unpacking again: for the rare reader that did not keep what `list` gave it."""
        wanted = set(ids)
        path = Path(item.locator)
        for member in _guarded(format_of(path).read(path, self.config, []), path):
            if member.blob in wanted and member.data is not None:
                wanted.discard(member.blob)
                yield member.blob, member.data

    def _listing(self, path: Path, origin: str, sink: Sink) -> Listing:
        form = format_of(path)
        messages: list[str] = []
        if origin == f"local:{path.name}":
            messages.append(f"no origin was given: it is called {origin}")
        purl = _PURL_TYPE.match(origin)
        return assemble(
            _guarded(form.read(path, self.config, messages), path),
            sink,
            origin=origin,
            visit_type=purl[1].lower() if purl else "directory" if path.is_dir() else "tarball-directory",
            config=self.config,
            strip_top=form.strip_top,
            messages=messages,
        )

    def _digest(self, path: Path) -> str:
        if path.is_file():
            return _file_digest(path)
        try:
            return _listing_digest(self._listing(path, "", lambda blob, data: None))
        except UnusableOrigin as refusal:
            return f"unusable:{refusal.rule}"


def format_of(path: Path) -> Format:
    """How `path` is read. Raises InputError where it is neither a folder nor named as an archive."""
    if path.is_dir():
        return _FOLDER
    suffix = _suffix(path)
    if suffix is None or not path.is_file():
        raise InputError(
            f"{path}: expected a folder or an archive ({' '.join(FORMATS)}), found neither; narrow the "
            "pattern, such as *.whl"
        )
    return FORMATS[suffix]


def stem(path: Path) -> str:
    """The name of `path` without its archive suffix; of a folder, its name."""
    suffix = None if path.is_dir() else _suffix(path)
    return path.name[: -len(suffix)] if suffix else path.name


def _suffix(path: Path) -> str | None:
    return max((s for s in FORMATS if path.name.lower().endswith(s)), key=len, default=None)


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def _listing_digest(listing: Listing) -> str:
    """What a folder holds, whatever order its file system gives it in."""
    digest = hashlib.sha256()
    for e in listing.entries:
        digest.update(b"%o %s %d %s\0" % (e.mode, e.blob.hex().encode(), e.length, e.path))
    for r in listing.refusals:
        blob = r.blob.hex().encode() if r.blob else b"-"
        digest.update(b"%o %s %s %s\0" % (r.mode, blob, r.rule.encode(), r.path))
    return "sha256:" + digest.hexdigest()


def _guarded(members: Iterator[Member], path: Path) -> Iterator[Member]:
    try:
        yield from members
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> PermastackError:
    what = f"{path}: expected a readable archive or folder: {error.strerror or error}"
    if isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError):
        return InputError(f"{what}; check that it exists and that you may read it")
    return EnvironmentalError(f"{what}; check the disk, then run again")


def _changed(item: OriginInput) -> InputError:
    return InputError(
        f"{item.locator} changed after the run began: expected {item.digest}; run again when nothing writes to it"
    )
