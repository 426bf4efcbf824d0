"""Nothing vanished: every origin's tree can be put together again from the outcomes of its files."""

from __future__ import annotations

from collections import Counter, defaultdict

from pipeline.audit.files import Contents
from pipeline.audit.report import Report
from pipeline.swhid import TreeEntry, directory_ids, parse_swhid, swhid


def check_conservation(contents: Contents, report: Report) -> None:
    """Totals close; outcomes agree with the ledgers; and each origin's directory id, computed anew from the paths,
    modes and ids of everything released, merged and dropped, is the id that was recorded when it was listed.

    A path that opted out is not named, so the tree of its origin cannot be computed; its counts still close.
    Memory: one record per occurrence.
    """
    totals = contents.release.totals
    counts = report.check("counts", "listed = released + merged + dropped, in the manifest and by the ledgers")
    counts.expect(totals.closes, "release.json: the totals do not close")
    counts.expect(totals.released == sum(e.rows or 0 for e in contents.entries_of("data")), "released rows are not the total's")
    copies, decisions = contents.ledger("copies"), contents.ledger("decisions")
    counts.expect(totals.merged == copies.num_rows, f"{copies.num_rows} copies in the ledger, {totals.merged} in the total")
    dropped: Counter[str] = Counter()
    for row in decisions.select(["stage", "rule", "count"]).to_pylist():
        dropped[f"{row['stage']}.{row['rule']}"] += row["count"]
    counts.expect(dict(dropped) == totals.dropped, "the ledger's decisions are not the totals by rule")

    trees: defaultdict[str, list[TreeEntry]] = defaultdict(list)
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    files: Counter[tuple[str, bytes]] = Counter()

    def place(origin: str, path: bytes | None, mode: int | None, blob: bytes | None, outcome: str) -> None:
        outcomes[origin][outcome] += 1
        if path is not None and mode is not None and blob is not None:
            trees[origin].append(TreeEntry(path, mode, blob))
            files[origin, path] += 1

    for entry in contents.entries_of("data"):
        for row in contents.table_of(entry, ["origin", "path", "path_bytes", "mode", "swhid"]).to_pylist():
            path = row["path"].encode() if row["path_bytes"] is None else row["path_bytes"]
            place(row["origin"], path, row["mode"], parse_swhid(row["swhid"])[1], "released")
    for row in copies.select(["origin", "path", "mode", "blob"]).to_pylist():
        place(row["origin"], row["path"], row["mode"], row["blob"], "merged")
    hidden = 0
    for row in decisions.select(["origin", "path", "mode", "blob", "count"]).to_pylist():
        if row["origin"] is None:
            hidden += row["count"]
        else:
            place(row["origin"], row["path"], row["mode"], row["blob"], "dropped")

    once = report.check("outcomes", "every file of every origin has exactly one outcome")
    for (origin, path), times in files.items():
        once.expect(times == 1, f"{origin} {path!r}: has {times} outcomes")

    tree = report.check("trees", "each origin's directory id follows from the outcomes of its files")
    deficit = 0
    known = set()
    for row in contents.ledger("repositories").to_pylist():
        origin = row["origin"]
        known.add(origin)
        own = outcomes[origin]
        missing = row["listed"] - sum(own.values())
        deficit += missing
        counts.expect(
            row["listed"] == row["released"] + row["merged"] + row["dropped"], f"{origin}: its row's counts do not close"
        )
        counts.expect(
            missing >= 0 and all(own[name] == row[name] for name in ("released", "merged")),
            f"{origin}: its outcomes are {dict(own)}, its row says {row['released']} released, {row['merged']} merged, "
            f"{row['dropped']} dropped",
        )
        if row["directory"] is None or missing:
            continue
        try:
            computed = dict(directory_ids(trees[origin]))[b""]
        except ValueError as error:
            tree.problems.append(f"{origin}: {error}")
            continue
        tree.expect(
            computed == row["directory"],
            f"{origin}: its outcomes make {swhid('dir', computed)}, it was listed as {swhid('dir', row['directory'])}",
        )
    counts.expect(deficit <= hidden, f"{deficit} files have no outcome, but only {hidden} are hidden by opt-outs")
    for origin in sorted(outcomes.keys() - known):
        counts.problems.append(f"{origin}: has outcomes but no row in the ledger of repositories")
