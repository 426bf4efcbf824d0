"""What a release owes to whom: for each file its copyright statements, licence texts and nearest NOTICE; and all as
one text to ship.

Statements stand in the released texts, licence and NOTICE texts in `attribution/`; everything is redacted alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.audit.evidence import EvidenceSets
from pipeline.audit.folder import Contents
from pipeline.audit.outcomes import by_origin
from pipeline.audit.report import Report
from pipeline.stages.license.copyrights import statements
from pipeline.stages.license.evidence import TEXT_SOURCES
from pipeline.stages.license.notices import nearest_notices
from pipeline.swhid import swhid

_OWED = ["swhid", "origin", "path", "license_expression", "or_choice"]
_OWED += ["license_texts", "notice", "copyrights", "copyright_holders"]


def attributions(folder: Path) -> Iterator[dict[str, Any]]:
    """One entry per released file. Raises IntegrityError where the folder holds no release. Memory: one row group."""
    contents = Contents(folder)
    for entry in contents.entries_of("data"):
        for piece in contents.pieces(entry, _OWED):
            yield from piece.to_pylist()


def bundle(folder: Path) -> Iterator[str]:
    """A text to ship with the release: by origin the licences, the texts that go with it and the copyright statements;
    then every licence and NOTICE text once. In pieces: memory grows with the distinct statements.
    """
    contents = Contents(folder)
    yield f"{contents.release.name} {contents.release.version}\n\nIt holds files of the following origins.\n"
    of_origin: defaultdict[str, tuple[Counter[str], set[str], set[str], set[str]]] = defaultdict(
        lambda: (Counter(), set(), set(), set())
    )
    for owed in attributions(folder):
        licenses, texts, notices, stated = of_origin[owed["origin"]]
        licenses[_license_of(owed)] += 1
        texts.update(owed["license_texts"])
        stated.update(owed["copyrights"])
        notices.update([owed["notice"]] if owed["notice"] else [])
    for origin, (licenses, texts, notices, stated) in sorted(of_origin.items()):
        yield f"\n{'=' * 100}\n{origin}\n"
        for expression, count in sorted(licenses.items()):
            yield f"  {count:,} {'file' if count == 1 else 'files'} under {expression}\n"
        yield from (f"  licence text {text}\n" for text in sorted(texts))
        yield from (f"  notice {notice}\n" for notice in sorted(notices))
        yield from (f"  {statement}\n" for statement in sorted(stated))
    for entry in contents.entries_of("licenses"):
        for piece in contents.pieces(entry):
            for row in piece.to_pylist():
                yield f"\n{'=' * 100}\n{swhid('cnt', row['blob'])}\n\n{row['text'].rstrip()}\n"


def check_owed(contents: Contents, outcomes: pa.Table, sets: EvidenceSets, complete: set[str], report: Report) -> None:
    """Find what is owed again: statements in each text, licence texts in the evidence, NOTICE files by their names."""
    check = report.check("owed", "copyright statements, licence texts and NOTICE files are those of each file")
    texts = {
        key: sorted({swhid("cnt", row.blob) for row in rows if row.source in TEXT_SOURCES})
        for key, rows in sets.items()
    }
    notices = _notices(outcomes, complete)
    for entry in contents.entries_of("data"):
        for piece in contents.pieces(entry, [*_OWED, "path_bytes", "evidence_id", "content"]):
            for row in piece.to_pylist():
                where = f"{entry.path} {row['swhid']}"
                found = statements(row["content"].encode())
                check.expect(row["copyrights"] == [s for s, _ in found], f"{where}: its copyrights are others")
                holders = sorted({holder for _, holder in found if holder})
                check.expect(row["copyright_holders"] == holders, f"{where}: its copyright_holders are others")
                expected = texts.get(row["evidence_id"], [])
                check.expect(row["license_texts"] == expected, f"{where}: its license_texts are not its evidence's")
                path = row["path"].encode() if row["path_bytes"] is None else row["path_bytes"]
                nearest = [own.get(path) for own in notices.get(row["origin"], ())]
                named = not nearest or row["notice"] in nearest
                check.expect(named, f"{where}: its notice is {row['notice']}, its folders have {nearest[:1]}")


def _notices(outcomes: pa.Table, complete: set[str]) -> dict[str, list[dict[bytes, str]]]:
    """For each origin of which nothing is hidden, the NOTICE of every path that has one: of all that was listed, and
    without what ingest refused, of which some was refused before and some after this was asked.
    """
    found: dict[str, list[dict[bytes, str]]] = {}
    for origin, rows in by_origin(outcomes):
        if origin not in complete:
            continue
        listed = [row for row in rows if row["path"] is not None and row["blob"] is not None]
        for tree in (listed, [row for row in listed if row["stage"] != "ingest"]):
            blobs = {row["path"]: row["blob"] for row in tree}
            nearest = zip(blobs, nearest_notices(list(blobs)), strict=True)
            found.setdefault(origin, []).append({p: swhid("cnt", blobs[n]) for p, n in nearest if n is not None})
    return found


def _license_of(owed: dict[str, Any]) -> str:
    chosen = f", taken as {owed['or_choice']}" if owed["or_choice"] else ""
    return f"{owed['license_expression'] or 'no known licence'}{chosen}"
