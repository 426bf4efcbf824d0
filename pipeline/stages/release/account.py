"""The account of an origin: every listed occurrence has exactly one outcome, and hidden ones have no name."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.commitment import Key, commitment
from pipeline.errors import IntegrityError
from pipeline.schema import DECISIONS, LICENSE_TYPES, REPOSITORIES, TOTALS
from pipeline.stages.license.spellings import normalise
from pipeline.stages.optout.core import COVERED, excluded_by
from pipeline.stages.optout.registry import Registry

_KEYS = ["origin", "path"]


def check_outcomes(listed: pa.Table, released: pa.Table, copies: pa.Table, dropped: pa.Table) -> None:
    """Raise IntegrityError unless released, copies and dropped together are exactly the listed occurrences."""
    expected = listed.select(_KEYS).sort_by([(key, "ascending") for key in _KEYS]).combine_chunks()
    outcomes = pa.concat_tables([t.select(_KEYS).cast(expected.schema) for t in (released, copies, dropped)])
    found = outcomes.sort_by([(key, "ascending") for key in _KEYS]).combine_chunks()
    if not found.equals(expected):
        raise IntegrityError(
            f"{expected.num_rows} occurrences were listed and {found.num_rows} outcomes found, or not for the same "
            "paths: something was lost or counted twice. This is a fault of the program: please report it."
        )


def repositories(
    origins: pa.Table, expressions: dict[str, str | None], released: pa.Table, copies: pa.Table, dropped: pa.Table
) -> pa.Table:
    """One row per origin (schema REPOSITORIES) with its counts. `dropped` includes what ingest refused."""

    def counted(table: pa.Table) -> dict[str, int]:
        grouped = table.group_by("origin").aggregate([([], "count_all")])
        return dict(zip(grouped.column("origin").to_pylist(), grouped.column("count_all").to_pylist(), strict=True))

    names = origins.column("origin").to_pylist()
    columns = {name: origins.column(name) for name in origins.column_names if name in REPOSITORIES.names}
    columns["license_expression"] = pa.array([expressions.get(name) for name in names], pa.string())
    for outcome, table in (("released", released), ("merged", copies), ("dropped", dropped)):
        numbers = counted(table)
        columns[outcome] = pa.array([numbers.get(name, 0) for name in names], pa.int64())
    of_verdicts = pa.schema([dropped.schema.field("origin"), dropped.schema.field("license_type")])
    judged = pa.concat_tables([t.select(of_verdicts.names).cast(of_verdicts) for t in (released, copies, dropped)])
    for verdict in LICENSE_TYPES:
        numbers = counted(judged.filter(pc.equal(judged.column("license_type"), verdict)))
        columns[verdict] = pa.array([numbers.get(name, 0) for name in names], pa.int64())
    declared = origins.column("declared_license").to_pylist()
    conflicts = [in_conflict(said, expressions.get(name)) for name, said in zip(names, declared, strict=True)]
    columns["license_conflict"] = pa.array(conflicts, pa.bool_())
    return pa.table({name: columns[name] for name in REPOSITORIES.names}, schema=REPOSITORIES)


def in_conflict(declared: str | None, detected: str | None) -> bool:
    """Whether what metadata says of a repository and what holds at its root are both known, and differ.

    >>> in_conflict("mit", "MIT"), in_conflict("MIT", "GPL-2.0-only"), in_conflict("NOASSERTION", "MIT")
    (False, True, False)
    """
    said = normalise(declared) if declared else None
    return said is not None and detected is not None and str(said) != detected


def totals(released: pa.Table, copies: pa.Table, dropped: pa.Table) -> pa.Table:
    """Outcomes and their counts (schema TOTALS): released, merged, and each stage.rule."""
    names = pc.binary_join_element_wise(dropped.column("stage"), dropped.column("rule"), ".").to_pylist()
    counts: dict[str, int] = {"released": released.num_rows, "merged": copies.num_rows}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return pa.table([list(counts), list(counts.values())], schema=TOTALS)


def hide(decisions: pa.Table, registry: Registry, key: Key | None) -> pa.Table:
    """`decisions` with no name in what opted out: of the stage optout, and what an earlier stage dropped already."""
    rules = excluded_by(decisions, registry)
    # What an earlier stage dropped of an origin that shows says so, so that an audit can count what is missing there.
    alone = pc.is_in(rules, value_set=pa.array(["optout_path", "optout_blob"]))
    reasons = pc.if_else(alone, COVERED, decisions.column("reason"))
    decisions = decisions.set_column(decisions.column_names.index("reason"), DECISIONS.field("reason"), reasons)
    is_hidden = pc.or_(pc.equal(decisions.column("stage"), "optout"), pc.is_valid(rules))
    hidden, shown = decisions.filter(is_hidden), decisions.filter(pc.invert(is_hidden))
    rows = zip(*(hidden.column(name).to_pylist() for name in ("origin", "path", "blob")), strict=True)
    commitments = [
        commitment(key, "optout", origin, path or b"", blob or b"") if key else None for origin, path, blob in rows
    ]
    keep = {"stage", "rule", "reason", "count"}
    columns = [
        pa.array(commitments, f.type)
        if f.name == "commitment"
        else (hidden.column(f.name) if f.name in keep else pa.nulls(hidden.num_rows, f.type))
        for f in DECISIONS
    ]
    return pa.concat_tables([_without_hidden_neighbours(shown, registry), pa.table(columns, schema=DECISIONS)])


def _without_hidden_neighbours(decisions: pa.Table, registry: Registry) -> pa.Table:
    """A decision may name another place of the content; not if that opted out."""
    pairs = zip(*(decisions.column(name).to_pylist() for name in ("other_origin", "other_path")), strict=True)
    secret = pa.array(
        [o is not None and bool(registry.origin_rule(o) or registry.path_excluded(o, p)) for o, p in pairs], pa.bool_()
    )
    for name in ("other_origin", "other_path"):
        field = DECISIONS.field(name)
        column = pc.if_else(secret, pa.scalar(None, field.type), decisions.column(name))
        decisions = decisions.set_column(DECISIONS.get_field_index(name), field, column)
    return decisions


def without_hidden_names(repositories: pa.Table, registry: Registry) -> pa.Table:
    """A repository may be a fork of another, or have had its name; neither is named if it opted out."""

    def shown(name: str | None) -> bool:
        return name is not None and not registry.origin_rule(name)

    parents = [parent if shown(parent) else None for parent in repositories.column("fork_of").to_pylist()]
    aliases = repositories.column("aliases").to_pylist()
    named = {"fork_of": parents, "aliases": [names and list(filter(shown, names)) for names in aliases]}
    for column, values in named.items():
        field = REPOSITORIES.field(column)
        place = REPOSITORIES.get_field_index(column)
        repositories = repositories.set_column(place, field, pa.array(values, field.type))
    return repositories


def merge_hidden(decisions: pa.Table) -> pa.Table:
    """Hidden rows that say the same become one with their count, so that no order of work shows in a release."""
    hidden = decisions.filter(pc.is_null(decisions.column("origin")))
    shown = decisions.filter(pc.is_valid(decisions.column("origin")))
    keys = ["stage", "rule", "reason", "commitment"]
    grouped = hidden.group_by(keys).aggregate([("count", "sum")]).rename_columns([*keys, "count"])
    columns = [
        grouped.column(f.name) if f.name in grouped.column_names else pa.nulls(grouped.num_rows, f.type)
        for f in DECISIONS
    ]
    return pa.concat_tables([shown, pa.table(columns, schema=DECISIONS)])
