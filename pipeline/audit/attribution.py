"""What a release owes to whom: for each file its copyright statements, licence texts and nearest NOTICE; and all as
one text.

Made from the release's folder: statements stand in the released texts, licence texts in `attribution/`, and NOTICE
files are known by the ledgers wherever they ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.audit.evidence import evidence_sets
from pipeline.audit.folder import Contents
from pipeline.audit.outcomes import outcomes
from pipeline.stages.license.copyrights import statements
from pipeline.swhid import swhid

_TEXTS = ("license_file", "dist_info")


def attributions(folder: Path) -> Iterator[dict[str, Any]]:
    """One entry per released file. Raises IntegrityError where the folder holds no release. Memory: the ledgers, and
    one row group.
    """
    contents = Contents(folder)
    sets = evidence_sets(contents)
    texts = {
        key: sorted({swhid("cnt", row.blob) for row in rows if row.source in _TEXTS}) for key, rows in sets.items()
    }
    notices = _notices(contents)
    columns = ["swhid", "origin", "path", "path_bytes", "license_expression", "evidence_id", "content"]
    for entry in contents.entries_of("data"):
        for piece in contents.pieces(entry, columns):
            for row in piece.to_pylist():
                path = row["path"].encode() if row["path_bytes"] is None else row["path_bytes"]
                found = statements(row["content"])
                yield {
                    "swhid": row["swhid"],
                    "origin": row["origin"],
                    "path": row["path"],
                    "license_expression": row["license_expression"],
                    "license_texts": texts.get(row["evidence_id"], []),
                    "notice": _nearest(notices, row["origin"], path),
                    "copyrights": [statement for statement, _ in found],
                    "holders": sorted({holder for _, holder in found if holder}),
                }


def bundle(folder: Path) -> Iterator[str]:
    """A text to ship with the release: by origin the licences, the holders and where the notices are; then every
    licence text. In pieces, so that it need not fit into memory.
    """
    contents = Contents(folder)
    yield f"{contents.release.name} {contents.release.version}\n\nIt holds files of the following origins.\n"
    of_origin: dict[str, tuple[Counter[str], set[str], set[str], set[str]]] = {}
    for owed in attributions(folder):
        licenses, texts, notices, stated = of_origin.setdefault(owed["origin"], (Counter(), set(), set(), set()))
        licenses[owed["license_expression"]] += 1
        texts.update(owed["license_texts"])
        stated.update(owed["copyrights"])
        notices.update([owed["notice"]] if owed["notice"] else [])
    for origin, (licenses, texts, notices, stated) in sorted(of_origin.items()):
        yield f"\n{'=' * 100}\n{origin}\n"
        yield from (f"  {count:,} files under {expression}\n" for expression, count in sorted(licenses.items()))
        yield from (f"  licence text {text}\n" for text in sorted(texts))
        yield from (f"  notice {notice}\n" for notice in sorted(notices))
        yield from (f"  {statement}\n" for statement in sorted(stated))
    for entry in contents.entries_of("licenses"):
        for piece in contents.pieces(entry):
            for row in piece.to_pylist():
                yield f"\n{'=' * 100}\n{swhid('cnt', row['blob'])}\n\n{row['text'].rstrip()}\n"


def _notices(contents: Contents) -> dict[tuple[str, bytes], str]:
    """The NOTICE files by origin and folder, whatever became of them."""
    found: dict[tuple[str, bytes], str] = {}
    for row in outcomes(contents).select(["origin", "path", "blob"]).to_pylist():
        if row["path"] is None or row["blob"] is None:
            continue
        above, _, name = row["path"].rpartition(b"/")
        if name.upper() in (b"NOTICE", b"NOTICE.TXT", b"NOTICE.MD"):
            found[row["origin"], above] = swhid("cnt", row["blob"])
    return found


def _nearest(notices: dict[tuple[str, bytes], str], origin: str, path: bytes) -> str | None:
    while path:
        path = path.rpartition(b"/")[0]
        if (origin, path) in notices:
            return notices[origin, path]
    return None
