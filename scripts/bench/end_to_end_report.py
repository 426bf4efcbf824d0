"""The report of scripts/bench/end_to_end: Markdown from its figures. MB is 10^6 bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def as_markdown(results: Mapping[str, Any]) -> str:
    """The whole report."""
    parts = [
        _head(results),
        _runs(results),
        _steps(results),
        _memory(results),
        _facts(results),
        _funnel(results["totals"]),
    ]
    return "\n\n".join(parts)


def _head(results: Mapping[str, Any]) -> str:
    machine, given, execution = results["machine"], results["input"], results["execution"]
    listed = results["totals"]["listed"]
    memory = f", {machine['memory_bytes'] / 1e9:.0f} GB of memory" if machine["memory_bytes"] else ""
    sample = "" if results["sample"] == 1 else f" (a sample of {results['sample']:g} of the archives)"
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(results["machine"]["libraries"].items()))
    lines = [
        f"- machine: {machine['cores']} cores ({machine['processor']}){memory}, {machine['system']}; "
        f"load {machine['load_before']} before the first run",
        f"- Python {machine['python']}; {libraries}",
        f"- execution: {execution['workers']} workers, {execution['parts']} parts and buckets",
        f"- input: {given['archives']:,} archives, {_mb(given['archive_bytes'])} MB; {listed:,} files listed, of which "
        f"{given['text_files']:,} are text, {_mb(given['text_bytes'])} MB; "
        f"{given['unique_text_files']:,} distinct texts, {_mb(given['unique_text_bytes'])} MB",
        f"- output: {results['totals']['released']:,} files released, {_mb(results['release_bytes'])} MB on disk",
    ]
    return "\n\n".join(
        [
            "# A whole run, measured",
            f"`scripts/bench/end_to_end` made this page{sample}.",
            "\n".join(lines),
            "Rates are over all listed files and all bytes of text, also for steps that see only a part of them.",
        ]
    )


def _runs(results: Mapping[str, Any]) -> str:
    listed, size = results["totals"]["listed"], results["input"]["text_bytes"]
    rows = [
        [name, f"{run['wall']:.1f}", *_rates(listed, size, run["wall"]), f"{run['cpu']:.1f}", _cpu_rate(run, size)]
        for name, run in results["runs"].items()
    ]
    audit = results["audit"]
    rows.append(
        [
            "audit",
            f"{audit['wall']:.1f}",
            *_rates(listed, size, audit["wall"]),
            f"{audit['cpu']:.1f}",
            _cpu_rate(audit, size),
        ]
    )
    archive_mb = results["input"]["archive_bytes"] / 1e6
    cold = results["runs"]["cold"]["cpu"] / archive_mb
    return "\n\n".join(
        [
            "## Runs",
            _table(["run", "wall s", "files/s", "MB/s", "CPU s", "MB/s a core"], rows),
            f"The cold run takes {cold:.1f} CPU seconds for each MB of archive. "
            f"The three runs gave {'the same root' if results['same_root'] else 'DIFFERENT ROOTS'} "
            f"(`{results['runs']['cold']['root'][:16]}...`), and the audit found "
            f"{len(audit['problems']) or 'no'} problem{'' if len(audit['problems']) == 1 else 's'}.",
        ]
    )


def _cpu_rate(run: Mapping[str, Any], size: int) -> str:
    return f"{size / 1e6 / run['cpu']:.2f}" if run["cpu"] else ""


def _steps(results: Mapping[str, Any]) -> str:
    cold, warm = (results["runs"][name]["steps"] for name in ("cold", "cached facts"))
    listed, size = results["totals"]["listed"], results["input"]["text_bytes"]
    stages: dict[str, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    for one, two in zip(cold, warm, strict=True):
        stages.setdefault(one["step"].partition(".")[0], []).append((one, two))
    head = ["step", "parts", "cold s", "files/s", "MB/s", "CPU s", "workers s", "with facts s", "CPU s"]
    rows = []
    for stage, steps in stages.items():
        rows.append(_step_row(f"**{stage}**", steps, listed, size))
        rows += [_step_row(one["step"], [(one, two)], listed, size) for one, two in steps if len(steps) > 1]
    return "\n\n".join(
        [
            "## Steps",
            _table(head, rows),
            "Wall seconds lie between the end of one step and of the next; the first step's hold the start of the "
            "workers. CPU is that of all processes in that time, so a kernel that compiles beside an early step "
            "counts there. Workers' seconds are the wall times of all parts, from their receipts.",
        ]
    )


def _step_row(
    name: str, steps: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], listed: int, size: int
) -> list[str]:
    def total(run: int, field: str) -> float:
        return float(sum(pair[run][field] for pair in steps))

    return [
        name,
        f"{total(0, 'parts'):.0f}",
        f"{total(0, 'wall'):.1f}",
        *_rates(listed, size, total(0, "wall")),
        f"{total(0, 'cpu'):.1f}",
        f"{total(0, 'worker_seconds'):.1f}",
        f"{total(1, 'wall'):.1f}",
        f"{total(1, 'cpu'):.1f}",
    ]


def _memory(results: Mapping[str, Any]) -> str:
    runs = {**results["runs"], "audit": results["audit"]}
    roles = sorted({role for run in runs.values() for role in run["peak_memory"]} - {"all together"})
    rows = [
        [role, *(_mb(run["peak_memory"][role]) if role in run["peak_memory"] else "" for run in runs.values())]
        for role in [*roles, "all together"]
    ]
    first = max(results["runs"]["cold"]["steps"], key=lambda row: row["peak_memory"])
    return "\n\n".join(
        [
            "## Peak memory, MB",
            _table(["process", *runs], rows),
            "Of one process of its kind (resident, shared pages counted in full); `all together` counts shared pages "
            f"once. By the receipts a worker's peak in the cold run was {_mb(first['peak_memory'])} MB, reached by the "
            f"end of {first['step']}.",
        ]
    )


def _facts(results: Mapping[str, Any]) -> str:
    cold, warm = (results["runs"][name]["steps"] for name in ("cold", "cached facts"))
    rows = [
        [one["step"], *(f"{step['facts'][kind]:,}" for step in (one, two) for kind in ("computed", "reused"))]
        for one, two in zip(cold, warm, strict=True)
        if one["facts"]
    ]
    head = ["step", "cold: computed", "reused", "cached facts: computed", "reused"]
    return "\n\n".join(["## Facts", _table(head, rows)])


def _funnel(totals: Mapping[str, Any]) -> str:
    rows = [["listed", f"{totals['listed']:,}"]]
    rows += [[f"dropped: {rule}", f"-{count:,}"] for rule, count in totals["dropped"].items() if count]
    rows += [["merged as copies", f"-{totals['merged']:,}"], ["released", f"{totals['released']:,}"]]
    return "\n\n".join(["## Funnel, files", _table(["outcome", "files"], rows)])


def _rates(listed: int, size: int, seconds: float) -> list[str]:
    if seconds < 0.05:
        return ["", ""]
    return [f"{listed / seconds:,.0f}", f"{size / 1e6 / seconds:,.1f}"]


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f}" if size < 1e8 else f"{size / 1e6:,.0f}"


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] + ["---:"] * (len(names) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
