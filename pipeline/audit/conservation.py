"""Nothing vanished: every origin's tree can be put together again from the outcomes of its files."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pyarrow as pa

from pipeline.audit.folder import Contents
from pipeline.audit.outcomes import by_origin
from pipeline.audit.report import Check, Report
from pipeline.schema import LICENSE_TYPES
from pipeline.stages.optout.core import COVERED
from pipeline.stages.release.account import in_conflict
from pipeline.swhid import TreeEntry, directory_ids, swhid

# Of these a row with a name lost its name, as did rows of earlier stages with their reason; all other hidden rows
# are of origins that are hidden as a whole.
_OF_SHOWN_ORIGINS = ("optout_path", "optout_blob")


def check_totals(contents: Contents, report: Report) -> None:
    """The manifest's totals by the ledgers and by the released rows."""
    release, totals = contents.release, contents.release.totals
    check = report.check("totals", "the totals close, and are those of the rows and ledgers")
    check.expect(totals.closes, "the totals do not close")
    data = contents.data(["language", "license_expression"])
    copies, decisions = contents.ledger("copies"), contents.ledger("decisions")
    check.expect(totals.released == data.num_rows, f"{data.num_rows} rows are released, {totals.released} in the total")
    check.expect(
        totals.merged == copies.num_rows, f"{copies.num_rows} copies in the ledger, {totals.merged} in the total"
    )
    dropped: Counter[str] = Counter()
    hidden = 0
    for row in decisions.select(["origin", "stage", "rule", "count"]).to_pylist():
        dropped[f"{row['stage']}.{row['rule']}"] += row["count"]
        check.expect(row["count"] > 0, f"a decision by {row['stage']}.{row['rule']} stands for {row['count']} files")
        hidden += row["origin"] is None
    check.expect(dict(dropped) == totals.dropped, "the ledger's decisions are not the totals by rule")
    check.expect(
        not hidden or release.policies.get("optout") != "none",
        "decisions are hidden, but no opt-out registry was in force",
    )
    counted = {
        "languages": _tally(data, "language"),
        "licenses": _tally(data, "license_expression"),
        "redactions": _tally(contents.ledger("redactions"), "cls"),
        "origins": contents.ledger("repositories").num_rows,
    }
    for name, found in counted.items():
        check.expect(getattr(release, name) == found, f"release.json: {name} are {found} by the rows")


def check_conservation(contents: Contents, outcomes: pa.Table, report: Report) -> set[str]:
    """Each origin's directory id, computed anew from the paths, modes and ids of everything released, merged and
    dropped, is the id that was recorded when it was listed. Returns the origins of which nothing is hidden.

    What opted out is not named, so the tree of its origin cannot be computed; its counts still close.
    """
    counts = report.check("counts", "each origin's outcomes are those of its row, and the hidden ones make up the rest")
    once = report.check("outcomes", "every file of every origin has exactly one outcome")
    tree = report.check("trees", "each origin's directory id follows from the outcomes of its files")
    repositories: dict[str, dict[str, Any]] = {}
    for row in contents.ledger("repositories").to_pylist():
        once.expect(row["origin"] not in repositories, f"{row['origin']}: has two rows in the ledger of repositories")
        repositories[row["origin"]] = row
    complete, missing, seen = set[str](), 0, set[str]()
    for origin, rows in by_origin(outcomes):
        seen.add(origin)
        about = repositories.get(origin)
        if about is None:
            counts.problems.append(f"{origin}: has outcomes but no row in the ledger of repositories")
            continue
        deficit = _check_counts(about, rows, counts)
        missing += deficit
        if not deficit:
            complete.add(origin)
        placed = [
            TreeEntry(r["path"], r["mode"], r["blob"]) for r in rows if None not in (r["path"], r["mode"], r["blob"])
        ]
        for before, after in pairwise(placed):
            once.expect(before.path != after.path, f"{origin} {after.path!r}: has two outcomes")
        if not deficit:
            _check_tree(about, placed, tree)
    for origin in sorted(repositories.keys() - seen):
        deficit = _check_counts(repositories[origin], [], counts)
        missing += deficit
        if not deficit:
            complete.add(origin)
            _check_tree(repositories[origin], [], tree)
    hidden = sum(
        row["count"]
        for row in contents.ledger("decisions").select(["origin", "stage", "rule", "reason", "count"]).to_pylist()
        if row["origin"] is None
        and (row["reason"] == COVERED if row["stage"] != "optout" else row["rule"] in _OF_SHOWN_ORIGINS)
    )
    counts.expect(missing == hidden, f"{missing} files have no outcome, {hidden} are hidden by opt-outs")
    return complete


def check_origins(contents: Contents, report: Report) -> None:
    """What a released row says about its origin is what the ledger of repositories says."""
    check = report.check("origins", "rows say of their origin what the ledger of repositories says")
    known = {row["origin"]: row for row in contents.ledger("repositories").to_pylist()}
    same = {
        "snapshot_id": "snapshot", "revision_id": "revision", "branch_name": "branch", "revision_date": "revision_date",
        "visit_date": "visit_date", "star_events_count": "stars", "fork_events_count": "forks",
    }  # fmt: skip
    for entry in contents.entries_of("data"):
        for row in contents.table_of(entry, ["swhid", "origin", "directory_id", *same]).to_pylist():
            about = known.get(row["origin"], {})
            directory = about.get("directory")
            good = directory is not None and swhid("dir", directory) == row["directory_id"]
            good = good and all(row[mine] == about[theirs] for mine, theirs in same.items())
            check.expect(good, f"{entry.path} {row['swhid']}: does not say of {row['origin']} what its ledger says")


def _check_counts(about: dict[str, Any], rows: list[dict[str, Any]], check: Check) -> int:
    own: Counter[str] = Counter()
    for row in rows:
        own[row["outcome"]] += row["count"]
    deficit = int(about["listed"]) - own.total()
    stated = {name: about[name] for name in ("released", "merged", "dropped")}
    found = {"released": own["released"], "merged": own["merged"], "dropped": own["dropped"] + deficit}
    check.expect(
        deficit >= 0 and stated == found and about["listed"] == sum(stated.values()),
        f"{about['origin']}: its row says {stated} of {about['listed']}, its outcomes are {dict(own)}",
    )
    verdicts: Counter[str] = Counter()
    for row in rows:
        verdicts[row["license_type"] or ""] += row["count"]
    # Of what is hidden, verdicts are counted and not told.
    more = sum(about[name] - verdicts[name] for name in LICENSE_TYPES)
    check.expect(
        all(about[name] >= verdicts[name] for name in LICENSE_TYPES) and more <= deficit,
        f"{about['origin']}: its row counts verdicts that its outcomes do not have: {dict(verdicts)}",
    )
    check.expect(
        about["license_conflict"] == in_conflict(about["declared_license"], about["license_expression"]),
        f"{about['origin']}: its row is wrong on whether its declared licence is another than the found one",
    )
    return deficit


def _check_tree(about: dict[str, Any], placed: list[TreeEntry], check: Check) -> None:
    if about["directory"] is None:
        check.expect(not placed, f"{about['origin']}: has files, but no directory id")
        return
    try:
        computed = dict(directory_ids(placed))[b""]
    except ValueError as error:
        check.problems.append(f"{about['origin']}: {error}")
        return
    check.expect(
        computed == about["directory"],
        f"{about['origin']}: its outcomes make {swhid('dir', computed)}, it was listed as "
        f"{swhid('dir', about['directory'])}",
    )


def _tally(table: pa.Table, column: str) -> dict[str, int]:
    counted = table.group_by(column).aggregate([([], "count_all")])
    pairs = zip(counted.column(column).to_pylist(), counted.column("count_all").to_pylist(), strict=True)
    return {name or "": number for name, number in pairs}
