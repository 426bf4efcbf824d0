"""Released rows: texts with their redactions applied, beside everything that the stages found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.rows import positions
from pipeline.schema import REDACTIONS, RELEASED
from pipeline.stages.ingest.decoding import method_of
from pipeline.stages.language.languages import described
from pipeline.stages.language.notebooks import output_spans
from pipeline.stages.language.signals import signals
from pipeline.stages.license.copyrights import statements
from pipeline.stages.redact.spans import as_spans, redact
from pipeline.swhid import BlobId, qualified_swhid, swhid

_SPAN_FIELDS = ("cls", "zone", "start", "end", "line", "detector", "confidence", "surrogate")


def path_text(path: bytes) -> tuple[str, bytes | None]:
    """A path as text, and its bytes where the text does not give them back.

    >>> path_text(b"a/b.py")
    ('a/b.py', None)
    >>> path_text(b"caf\\xe9")
    ('caf\\\\xe9', b'caf\\xe9')
    """
    try:
        return path.decode(), None
    except UnicodeDecodeError:
        return path.decode("utf-8", "backslashreplace"), path


def repo_name(origin: str) -> str:
    """`owner/name` of a repository's URL, else the origin as it is.

    >>> repo_name("https://github.com/o/r")
    'o/r'
    """
    origin = without_day(origin)
    _, found, rest = origin.partition("://")
    return rest.partition("/")[2] or origin if found else origin


def extension(path: str) -> str:
    """What follows the last dot of the file's name; empty without one."""
    name = path.rpartition("/")[2]
    stem, dot, last = name.rpartition(".")
    return last if dot and stem else ""


def apply_spans(data: bytes, blob: bytes, spans: list[dict[str, Any]]) -> tuple[bytes, list[dict[str, Any]]]:
    """The released text of a blob, and its rows for the ledger (schema REDACTIONS)."""
    released = redact(data, as_spans(spans))
    rows = []
    shift = 0
    for span in spans:
        length = len(span["surrogate"].encode())
        start = span["start"] + shift
        rows.append(
            {name: span[name] for name in _SPAN_FIELDS}
            | {
                "blob": blob,
                "released_start": start,
                "released_end": start + length,
                "detector_version": span["version"],
                "commitment": span["commitment"],
            }
        )
        shift += length - (span["end"] - span["start"])
    return released, rows


def where_seen(blob: bytes, origin: str, path: bytes, snapshot: str | None, anchor: str) -> str:
    """The qualified SWHID of a row; `anchor` is its revision, or its directory where it has none."""
    # A listing at a given day is of the same origin.
    return qualified_swhid(BlobId(blob), origin=without_day(origin), visit=snapshot, anchor=anchor, path=path)


def without_day(origin: str) -> str:
    """An origin's URL, without the day for which it was listed."""
    return origin.partition("#as_of=")[0]


def _dates(survivors: pa.Table, dates: pa.Table) -> dict[str, pa.Array]:
    """The columns of PATH_DATES for each survivor, null where its origin has no history."""
    place = {file: number for number, file in enumerate(_files(dates))}
    found = dates.take(pa.array([place.get(file) for file in _files(survivors)], pa.int64()))
    revisions = {
        name: pa.array([i and swhid("rev", i) for i in found.column(name).to_pylist()], pa.string())
        for name in ("first_seen_revision", "last_changed_revision")
    }
    return {name: found.column(name) for name in ("first_seen", "last_changed")} | revisions


def _files(table: pa.Table) -> Iterator[tuple[str, bytes]]:
    return zip(table.column("origin").to_pylist(), table.column("path").to_pylist(), strict=True)


def released_rows(
    survivors: pa.Table,
    contents: pa.Table,
    spans: pa.Table,
    tags: pa.Table,
    origins: pa.Table,
    dates: pa.Table,
    screens: list[pa.Table],
) -> tuple[pa.Table, pa.Table]:
    """`(rows, redactions)` in the schemas RELEASED and REDACTIONS, one row per survivor."""
    blobs = survivors.column("blob")
    content = contents.take(positions(blobs, contents.column("blob")))
    tag = tags.take(positions(blobs, tags.column("blob"))).drop_columns(["blob"])
    origin = origins.take(pc.index_in(survivors.column("origin"), value_set=origins.column("origin").combine_chunks()))
    found = spans.column("spans").take(positions(blobs, spans.column("blob"))).to_pylist()

    texts: list[pa.Scalar | str] = []
    redacted_digests: list[str | None] = []
    redactions: list[dict[str, Any]] = []
    stated: list[list[tuple[str, str | None]]] = []
    for blob, text, own in zip(blobs, content.column("text"), found, strict=True):
        if not own:
            texts.append(text)
            redacted_digests.append(None)
            stated.append(statements(bytes(text.as_buffer())))
            continue
        data, rows = apply_spans(bytes(text.as_buffer()), blob.as_py(), own)
        texts.append(pa.scalar(data, pa.large_binary()).cast(pa.large_string()))
        redacted_digests.append(hashlib.sha256(data).hexdigest())
        redactions += rows
        stated.append(statements(data))

    paths = [path_text(path) for path in survivors.column("path").to_pylist()]
    directories = [swhid("dir", directory) for directory in origin.column("directory").to_pylist()]
    revisions = origin.column("revision").to_pylist()
    seen = [
        *(survivors.column(name).to_pylist() for name in ("blob", "origin", "path")),
        origin.column("snapshot").to_pylist(),
        [revision or directory for revision, directory in zip(revisions, directories, strict=True)],
    ]
    columns = {
        "swhid": [f"swh:1:cnt:{blob.hex()}" for blob in blobs.to_pylist()],
        "qualified_swhid": [where_seen(*row) for row in zip(*seen, strict=True)],
        "origin": survivors.column("origin"),
        "repo_name": [repo_name(name) for name in survivors.column("origin").to_pylist()],
        "path": [text for text, _ in paths],
        "path_bytes": pa.array([raw for _, raw in paths], pa.binary()),
        "mode": survivors.column("mode"),
        "snapshot_id": origin.column("snapshot"),
        "revision_id": origin.column("revision"),
        "directory_id": directories,
        "branch_name": origin.column("branch"),
        "visit_date": origin.column("visit_date"),
        "revision_date": origin.column("revision_date"),
        **_dates(survivors, dates),
        "star_events_count": origin.column("stars"),
        "fork_events_count": origin.column("forks"),
        "license_texts": [
            [swhid("cnt", i) for i in own or ()] for own in survivors.column("license_texts").to_pylist()
        ],
        "notice": pa.array([i and swhid("cnt", i) for i in survivors.column("notice").to_pylist()], pa.string()),
        "copyrights": [[statement for statement, _ in own] for own in stated],
        "copyright_holders": [sorted({holder for _, holder in own if holder}) for own in stated],
        "extension": [extension(text) for text, _ in paths],
        "length_bytes": survivors.column("length"),
        "src_encoding": content.column("src_encoding"),
        "encoding_method": [method_of(name) for name in content.column("src_encoding").to_pylist()],
        "sha256": [digest.hex() for digest in content.column("sha256").to_pylist()],
        "cluster_id": pa.array(
            [None if c is None else f"swh:1:cnt:{c.hex()}" for c in survivors.column("cluster").to_pylist()],
            pa.string(),
        ),
        "n_redactions": pa.array([len(own or ()) for own in found], pa.int64()),
        "redacted_sha256": pa.array(redacted_digests, pa.string()),
        "content": pa.array(texts, pa.large_string()),
    }
    columns |= {name: tag.column(name) for name in tag.column_names}
    for screen in screens:
        screened = screen.take(positions(blobs, screen.column("blob"))).drop_columns(["blob"])
        columns |= {name: screened.column(name) for name in screened.column_names}
    languages = described(tag.column("language").to_pylist())
    columns |= {name: pa.array(values, RELEASED.field(name).type) for name, values in languages.items()}
    counted = signals(columns["content"], tag.column("language"))
    columns |= {name: counted.column(name) for name in counted.column_names}
    columns["output_spans"] = [
        output_spans(bytes(text.as_buffer())) if notebook else None
        for text, notebook in zip(columns["content"], tag.column("is_notebook").to_pylist(), strict=True)
    ]
    own = set(survivors.column_names) & set(RELEASED.names) - set(columns)
    columns |= {name: survivors.column(name) for name in own}
    for name in ("license_texts", "copyrights", "copyright_holders", "output_spans"):
        columns[name] = pa.array(columns[name], RELEASED.field(name).type)
    table = pa.table({name: columns[name] for name in RELEASED.names}, schema=RELEASED)
    return table, pa.Table.from_pylist(redactions, schema=REDACTIONS)
