"""What follows from a released row alone: its signals, its language's description, and which subsets it is in."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.audit.folder import Contents
from pipeline.audit.report import Report
from pipeline.schema import RELEASED, SIGNALS
from pipeline.stages.language.languages import about, described
from pipeline.stages.language.notebooks import output_spans
from pipeline.stages.language.signals import signals
from pipeline.stages.release.subsets import added, with_subsets
from pipeline.stages.screen.config import ScreenConfig
from pipeline.stages.screen.parsing import is_installed, parser_versions, parses


def check_signals(contents: Contents, report: Report) -> None:
    """Count every text's signals again, and apply every subset's filters again. Memory: one row group.

    The description of languages is judged only where this installation has the same data of linguist.
    """
    counted = report.check("signals", "the signals of a row are those of its text")
    subset = report.check("subsets", "a row is in a subset where the subset's filters say so, and the funnels add up")
    same_data = contents.release.versions.get("linguist") == about()["commit"]
    known = report.check("languages", "id, type and group are those of the language")
    parsed = report.check("parses", "what is said to parse does, and nothing else") if _can_parse(contents) else None
    stripped = report.check("notebooks", "the spans of outputs are those of the notebook's text")
    funnels = []
    for entry in contents.entries_of("data"):
        own = []
        for piece in contents.pieces(entry):
            ids = piece.column("swhid").to_pylist()
            again = signals(piece.column("content"), piece.column("language"))
            for name in SIGNALS.names:
                for row in _different(piece.column(name), again.column(name)):
                    counted.problems.append(
                        f"{entry.path} {ids[row]}: {name} is {again.column(name)[row]}, not {piece.column(name)[row]}"
                    )
            outputs = [
                output_spans(bytes(text.as_buffer())) if notebook else None
                for text, notebook in zip(piece.column("content"), piece.column("is_notebook").to_pylist(), strict=True)
            ]
            for row, (stated, spans) in enumerate(zip(piece.column("output_spans").to_pylist(), outputs, strict=True)):
                stripped.expect(stated == spans, f"{entry.path} {ids[row]}: its outputs are at {spans}, not {stated}")
            if parsed is not None:
                found = [
                    parses(bytes(text.as_buffer()), language)
                    for text, language in zip(
                        piece.column("content"), piece.column("language").to_pylist(), strict=True
                    )
                ]
                for row in _different(piece.column("parses"), pa.array(found, pa.bool_())):
                    parsed.problems.append(f"{entry.path} {ids[row]}: parses is not {found[row]}")
            if same_data:
                for name, values in described(piece.column("language").to_pylist()).items():
                    for row in _different(piece.column(name), pa.array(values, RELEASED.field(name).type)):
                        known.problems.append(f"{entry.path} {ids[row]}: {name} is not that of its language")
            filtered, funnel = with_subsets(piece.select(RELEASED.names), contents.subsets)
            for name in sorted(set(filtered.column_names) - set(RELEASED.names)):
                for row in _different(piece.column(name), filtered.column(name)):
                    subset.problems.append(f"{entry.path} {ids[row]}: {name} is not what the filters give")
            own.append(funnel)
        total = added(own) if own else {}
        subset.expect(
            (entry.model_dump().get("subsets") or {}) == total, f"{entry.path}: the manifest has another funnel"
        )
        funnels.append(total)
    subset.expect(contents.release.subsets == added(funnels), "release.json: the funnels are not those of the rows")


def _can_parse(contents: Contents) -> bool:
    """Whether the release's texts were parsed, by the versions that are installed here."""
    if not contents.release.configuration.get("screen", {}).get("parse") or not is_installed():
        return False
    here = parser_versions(ScreenConfig(parse=True))
    return all(contents.release.versions.get(name) == version for name, version in here.items())


def _different(stated: pa.ChunkedArray, found: pa.Array | pa.ChunkedArray) -> list[int]:
    same = pc.fill_null(pc.equal(stated, found), False)
    both_null = pc.and_(pc.is_null(stated), pc.is_null(found))
    rows: list[int] = pc.indices_nonzero(pc.invert(pc.or_(same, both_null))).to_pylist()
    return rows
