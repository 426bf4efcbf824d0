"""The report of a run's near-duplicates: as data, and as a page with plots and sample differences."""

from __future__ import annotations

import difflib
import html
import itertools
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipeline.build import make_runner
from pipeline.config import Config
from pipeline.engine.artefacts import read_slice
from pipeline.engine.rows import stack
from pipeline.engine.runner import Runner
from pipeline.errors import InputError
from pipeline.schema import BLOB, DUPLICATES, SURVIVORS

_ABOUT = pa.schema([SURVIVORS.field(name) for name in ("blob", "path", "license_expression")])
_DIFF_LINES = 30
_LINE = 160
_NAME = 36


def report_of(config: Config) -> dict[str, Any]:
    """What a finished run dropped as near-duplicates. Raises InputError where it is not finished.

    Texts of the examples are redacted by the run's own detectors, because what was dropped never came to that stage.
    """
    from pipeline.stages.near.key_store import KeyStore, blob_array
    from pipeline.stages.near.report import summary

    runner = make_runner(config)
    _adopt(runner, config)
    pairs = _read(runner, "near.apply/duplicates")
    pairs = pairs.filter(pa.compute.equal(pairs.column("kind"), "near")) if pairs.num_rows else DUPLICATES.empty_table()
    both = pa.chunked_array([*pairs.column("dropped").chunks, *pairs.column("kept").chunks], BLOB)
    keys, missing = KeyStore(config.execution.facts_folder, config.near).known(both)
    # The facts may have been cleared since.
    keys = pa.concat_tables([keys, *_signed(runner, config, pa.chunked_array([blob_array(missing)]))])
    found = summary(pairs, _about(runner, config, pairs), keys, config.near)
    (components,) = runner.receipts("near.components")
    found["giant_components"] = components.info.get("giant_components", [])
    found["budget_hits"] = sum(int(r.info.get("budget_hits", 0)) for r in runner.receipts("near.choose"))
    texts = _texts(runner, config, [bytes.fromhex(row[end]) for row in found["largest"] for end in ("kept", "example")])
    for row in found["largest"]:
        row["difference"] = difference(texts[row["kept"]], texts[row["example"]])
    return found


def _adopt(runner: Runner, config: Config) -> None:
    for step in runner.steps:
        for state in runner.rounds(step):
            runner.adopt(state)
            if state.missing:
                raise InputError(
                    f"{config.execution.work}: step {step.name} is not finished for this configuration: run it first"
                )
        if step.name == "language.tag":
            return


def _pieces(runner: Runner, name: str, blobs: pa.ChunkedArray | None = None) -> Iterator[pa.Table]:
    step = next(s for s in runner.steps if s.name == name.partition("/")[0])
    for receipt in runner.receipts(step.name):
        for piece in receipt.pieces(name.partition("/")[2], runner.part_folder(step, receipt.part)):
            yield read_slice(piece, blobs=blobs)


def _read(runner: Runner, name: str) -> pa.Table:
    return pa.concat_tables(_pieces(runner, name)).combine_chunks()


def _about(runner: Runner, config: Config, pairs: pa.Table) -> pa.Table:
    """`blob`, `license_expression` and `language` of what was dropped.

    The run tagged what stayed. What went is tagged here, by its path and text, as the run would have done.
    """
    from pipeline.stages.language.core import tag

    dropped = pairs.column("dropped")
    kept = (table.select(_ABOUT.names) for table in _pieces(runner, "exact.keep/kept", dropped))
    about = stack([_ABOUT.empty_table(), *kept])
    paths = dict(zip(about.column("blob").to_pylist(), about.column("path").to_pylist(), strict=True))
    languages = {}
    for here in _pieces(runner, "ingest.fetch/contents", dropped):
        for blob, text in zip(here.column("blob").to_pylist(), here.column("text").to_pylist(), strict=True):
            languages[blob] = tag(paths[blob], text.encode(), config.language).language
    found = [languages.get(blob) for blob in paths]
    return about.append_column("language", pa.array(found, pa.string()))


def _signed(runner: Runner, config: Config, blobs: pa.ChunkedArray) -> Iterator[pa.Table]:
    from pipeline.stages.near.bands import band_rows

    for here in _pieces(runner, "ingest.fetch/contents", blobs) if len(blobs) else ():
        yield band_rows(here.column("blob"), here.column("text"), config.near)


def _texts(runner: Runner, config: Config, wanted: list[bytes]) -> dict[str, str]:
    from pipeline.stages.redact.core import Scanner
    from pipeline.stages.redact.spans import redact

    column, scanner, texts = pa.chunked_array([pa.array(wanted, BLOB)]), Scanner(config.redact), dict[str, str]()
    for here in _pieces(runner, "ingest.fetch/contents", column) if wanted else ():
        for blob, text in zip(here.column("blob").to_pylist(), here.column("text").to_pylist(), strict=True):
            data = text.encode()
            texts[blob.hex()] = redact(data, scanner.scan(data, b"")).decode("utf-8", "replace")
    return texts


def difference(kept: str, dropped: str) -> list[str]:
    """The first lines of a unified difference, each cut to a bounded length. Texts beyond 1,000 lines are cut first."""
    lines = difflib.unified_diff(
        kept.splitlines()[:1000], dropped.splitlines()[:1000], "kept", "dropped", "", "", 2, ""
    )
    return [line[:_LINE] for line in itertools.islice(lines, _DIFF_LINES)]


def page(found: dict[str, Any], title: str) -> str:
    """The report as one HTML file that loads nothing."""
    largest = "".join(
        f"<h3>{row['files']:,} files, kept <code>{row['kept']}</code></h3>\n<p>Least alike, by {row['jaccard']:.3f}: "
        f"<code>{row['example']}</code></p>\n<pre>{html.escape(chr(10).join(row['difference']))}</pre>\n"
        for row in found["largest"]
    )
    return (
        "<!doctype html>\n<html lang=en><meta charset=utf-8>\n"
        '<meta name=viewport content="width=device-width,initial-scale=1">\n'
        f"<title>{html.escape(title)}: near-duplicates</title>\n<style>body{{font:16px/1.5 system-ui,sans-serif;"
        "max-width:60rem;margin:2rem auto;padding:0 1rem}pre{background:#f4f4f4;padding:.5rem;overflow-x:auto;"
        "font-size:.8rem}svg{width:100%;height:auto}text{font:12px system-ui,sans-serif}</style>\n"
        f"<h1>{html.escape(title)}: near-duplicates</h1>\n<p>{found['dropped']:,} files went for {found['clusters']:,} "
        f"that stay; for {found['budget_hits']:,} files a comparison was left out by the budget.{_cut(found)}</p>\n"
        f"<h2>Files in a cluster</h2>\n{bars(by_size(found['cluster_sizes']))}"
        f"<h2>Dropped by language</h2>\n{bars(_first(found['dropped_by_language']))}"
        f"<h2>Dropped by licence</h2>\n{bars(_first(found['dropped_by_license']))}"
        "<h2>Found, of pairs that are alike</h2>\n<p>By similarity. Line: expected of the bands. Dots: measured, by "
        f"how many pairs both halves of the bands found.</p>\n{curve(found['recall'])}"
        f"<h2>Largest clusters</h2>\n{largest}</html>\n"
    )


def _cut(found: dict[str, Any]) -> str:
    """What is to say of giant components, where there are any."""
    large = found["giant_components"]
    files, pieces = (sum(row[name] for row in large) for name in ("files", "pieces"))
    if not large:
        return ""
    return f" {len(large):,} giant components of {files:,} files in all were decided in {pieces:,} pieces."


def by_size(counts: dict[str, int]) -> list[tuple[str, int]]:
    """How many clusters of 2, 3 to 4, 5 to 8 files and so on.

    >>> by_size({"2": 7, "3": 1, "4": 2, "9": 1})
    [('2', 7), ('3 to 4', 3), ('5 to 8', 0), ('9 to 16', 1)]
    """
    places = {int(size): (int(size) - 1).bit_length() for size in counts}
    rows = []
    for place in range(1, max(places.values(), default=0) + 1):
        here = sum(counts[str(size)] for size, at in places.items() if at == place)
        rows.append(("2" if place == 1 else f"{2 ** (place - 1) + 1:,} to {2**place:,}", here))
    return rows


def _first(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(name or "(none)", count) for name, count in list(counts.items())[:25]]


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def bars(rows: list[tuple[str, int]]) -> str:
    """A bar chart as SVG."""
    if not rows:
        return "<p>None.</p>\n"
    most = max(count for _, count in rows)
    drawn = "".join(
        f'<text x=270 y={20 * i + 14} text-anchor=end>{html.escape(_short(name))}</text>'
        f'<rect x=280 y={20 * i + 3} width={400 * count / most:.1f} height=14 fill="#2b6cb0"/>'
        f"<text x={286 + 400 * count / most:.1f} y={20 * i + 14}>{count:,}</text>"
        for i, (name, count) in enumerate(rows)
    )  # fmt: skip
    return f'<svg viewBox="0 0 760 {20 * len(rows) + 6}" role=img>{drawn}</svg>\n'


def curve(rows: list[dict[str, Any]]) -> str:
    """Expected and measured recall as SVG."""

    def at(row: dict[str, Any], share: float) -> tuple[float, float]:
        low, high = rows[0]["from"], rows[-1]["to"]
        middle = (row["from"] + row["to"]) / 2
        return 60 + 660 * (middle - low) / max(high - low, 1e-9), 220 - 200 * share

    line = " ".join("{:.1f},{:.1f}".format(*at(r, r["expected"])) for r in rows if r["expected"] is not None)
    dots = "".join(
        '<circle cx={:.1f} cy={:.1f} r=5 fill="#c05621"/>'.format(*at(r, r["measured"]))
        for r in rows
        if r["measured"] is not None
    )
    marks = "".join(
        f"<text x=50 y={224 - 200 * share:.0f} text-anchor=end>{share:.0%}</text>"
        f'<line x1=60 x2=720 y1={220 - 200 * share:.0f} y2={220 - 200 * share:.0f} stroke="#ddd"/>'
        for share in (0, 0.5, 1)
    )
    names = "".join(
        f"<text x={at(r, 0)[0]:.0f} y=240 text-anchor=middle>{r['from']:.2f} to {r['to']:.2f}</text>" for r in rows
    )
    shape = f'<polyline points="{line}" fill=none stroke="#2b6cb0" stroke-width=2 />'
    return f'<svg viewBox="0 0 760 250" role=img>{marks}{shape}{dots}{names}</svg>\n'
