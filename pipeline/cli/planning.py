"""What `plan` and `status` show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.build import make_runner
from pipeline.config import Config
from pipeline.engine.receipts import read_receipt
from pipeline.engine.runner import Runner, StepState
from pipeline.engine.step import Step
from pipeline.errors import InputError
from pipeline.stages.near.expectation import expectation, explanation

# CPU seconds per MB of archive on one core, as scripts/bench/end_to_end measures them; only for estimates.
SECONDS_PER_INPUT_MB = 2.0


def plan_rows(config: Config) -> list[dict[str, Any]]:
    """Per step how its parts stand: cached, stale (another key, damaged), new; or unknown until a step before it ran.

    `seconds` estimates the work: what the stale receipts took, else a share by the size of the inputs. near.bands says
    under `expected` what its bands can be expected to find.
    """
    runner = make_runner(config)
    rows: list[dict[str, Any]] = []
    waiting_for: str | None = None
    for step in runner.steps:
        before = _old_seconds(runner.receipt_path(step, 0).parent, step.name.partition(".")[2])
        if waiting_for is not None:
            rows.append({"step": step.name, "state": f"unknown until {waiting_for}", "seconds": before})
            continue
        state = _adopted(runner, step)
        stale = sum(Path(task["receipt"]).exists() for task in state.missing)
        row: dict[str, Any] = {
            "step": step.name,
            "state": "cached" if not state.missing else "stale" if stale else "new",
            "parts": state.parts,
            "cached": len(state.cached),
            "stale": stale,
            "new": len(state.missing) - stale,
            "seconds": before if state.missing else 0.0,
        }
        rows.append(row)
        if state.missing:
            waiting_for = step.name
    if waiting_for and all(row["seconds"] is None for row in rows if row["state"] != "cached"):
        size = sum(_size(Path(item["locator"])) for item in runner.items if item["by"] == "origin") / 1e6
        rows.append(
            {"step": "all", "state": "estimate by size of the inputs", "seconds": round(size * SECONDS_PER_INPUT_MB, 1)}
        )
    for row in rows:
        if row["step"] == "near.bands":
            row["expected"] = expectation(config.near)
    return rows


def _adopted(runner: Runner, step: Step) -> StepState:
    """The state of a step over all of its rounds, as far as they stand."""
    whole = StepState(step, runner.part_count(step.by))
    for state in runner.rounds(step):
        runner.adopt(state)
        whole.cached += state.cached
        whole.missing += state.missing
        if state.missing:
            break
    return whole


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def _old_seconds(receipts: Path, step: str) -> float | None:
    found = [receipt for path in receipts.glob(f"{step}-[0-9]*.json") if (receipt := read_receipt(path))]
    return round(sum(receipt.seconds for receipt in found), 1) if found else None


def plan_table(rows: list[dict[str, Any]]) -> str:
    lines = [f"{'step':<20} {'state':<32} {'cached':>7} {'to run':>7}  estimate"]
    for row in rows:
        cached, todo = row.get("cached"), row.get("stale", 0) + row.get("new", 0)
        seconds = row["seconds"]
        lines.append(
            f"{row['step']:<20} {row['state']:<32} {'' if cached is None else cached:>7} "
            f"{'' if cached is None else todo:>7}  {'' if seconds is None else f'{seconds:.1f} s of work'}".rstrip()
        )
    return "\n".join([*lines, *(line for row in rows if "expected" in row for line in explanation(row["expected"]))])


def status_rows(work: Path) -> dict[str, Any]:
    """Receipts in a work folder by step, and the messages of the origins. Raises InputError where it is none."""
    from pipeline.flow import FLOW

    if not (work / "lock").is_file():
        raise InputError(f"{work}: there is no work folder here yet. `permastack run` makes it.")
    steps: list[dict[str, Any]] = []
    messages: list[str] = []
    for step in FLOW:
        stage, _, name = step.name.partition(".")
        paths = sorted(work.glob(f"??-{stage}/receipts/{name}-[0-9]*.json"))
        receipts = [receipt for path in paths if (receipt := read_receipt(path))]
        row: dict[str, Any] = {"step": step.name, "parts": len(receipts)}
        row["rows"] = sum(a.rows for r in receipts for a in r.outputs.values())
        row["bytes"] = sum(a.bytes for r in receipts for a in r.outputs.values())
        row["seconds"] = round(sum(r.seconds for r in receipts), 1)
        row["peak_memory"] = max((r.peak_memory for r in receipts), default=0)
        steps.append(row)
        messages += [text for receipt in receipts for text in receipt.info.get("messages", [])]
    return {"work": str(work), "steps": steps, "messages": sorted(messages)}


def status_table(rows: dict[str, Any]) -> str:
    lines = [f"{'step':<20} {'parts':>6} {'rows':>10} {'MB':>9} {'seconds':>8} {'peak MB':>8}"]
    lines += [
        f"{r['step']:<20} {r['parts']:>6} {r['rows']:>10,} {r['bytes'] / 1e6:>9.1f} {r['seconds']:>8.1f} "
        f"{r['peak_memory'] / 1e6:>8.0f}"
        for r in rows["steps"]
    ]
    return "\n".join([*lines, *rows["messages"]])
