"""What a release says of benchmarks and malware: an auditor has neither, but sees whether it is of one piece."""

from __future__ import annotations

from typing import Any

from pipeline.audit.folder import Contents
from pipeline.audit.report import Report
from pipeline.stages.screen.clamd import NOT_SCANNED
from pipeline.stages.screen.parsing import GRAMMARS

_COLUMNS = (
    "swhid", "is_contaminated", "benchmark", "benchmark_item", "benchmark_share", "parses", "is_malware", "malware",
    "language",
)  # fmt: skip


def check_screens(contents: Contents, report: Report) -> None:
    """Every row is screened for what the manifest names, and for nothing else. Memory: these columns of a shard."""
    benchmarks = report.check(
        "benchmarks", "a flag follows from its share, and a benchmark is one that was screened for"
    )
    malware = report.check("malware", "files are flagged where they were scanned, and only there, by a signature")
    unparsed = report.check("unparsed", "nothing is said to parse or not where nothing was parsed")
    settings = contents.release.configuration.get("screen", {})
    names = {n.removeprefix("benchmark ") for n in contents.release.policies if n.startswith("benchmark ")}
    least = float(settings.get("benchmark_share", 1))
    scanned = contents.release.versions.get("clamav", NOT_SCANNED) != NOT_SCANNED
    benchmarks.expect(names == set(settings.get("benchmarks", {})), "the manifest has digests of other benchmarks")
    for row in contents.data(list(_COLUMNS)).to_pylist():
        where = row["swhid"]
        benchmarks.expect(_fits(row, names, least), f"{where}: is_contaminated is {row['is_contaminated']} by "
                          f"{row['benchmark_share']} of {row['benchmark']}")  # fmt: skip
        flag = row["malware"] is not None if scanned else None
        malware.expect(row["is_malware"] == flag and (scanned or row["malware"] is None),
                       f"{where}: is_malware is {row['is_malware']} by {row['malware']}")  # fmt: skip
        could = settings.get("parse") and row["language"] in GRAMMARS
        unparsed.expect(could or row["parses"] is None, f"{where}: parses is {row['parses']}")


def _fits(row: dict[str, Any], names: set[str], least: float) -> bool:
    flag, name, item, share = (row[key] for key in _COLUMNS[1:5])
    if not names:
        return flag is name is item is share is None
    if share is None or flag != (share >= least) or not 0 <= share <= 1:
        return False
    return name is item is None and share == 0 if name is None else name in names and item is not None and item >= 0
