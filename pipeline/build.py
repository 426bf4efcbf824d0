"""Building a release: discover the inputs, run the flow, and put the result where it belongs, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.engine.keys import digest_of
from pipeline.engine.lock import locked
from pipeline.engine.publication import publish_bytes, sweep
from pipeline.engine.receipts import Receipt
from pipeline.engine.runner import Runner, StepState, use_numba_cache
from pipeline.errors import ConfigError, EnvironmentalError, InputError
from pipeline.manifest.model import Release, read_release


@dataclass(frozen=True)
class Built:
    """What a run left: the release, where it lies, what each step did, and what the sources had to say."""

    release: Release
    folder: Path
    fresh: bool  # whether the folder was written by this run
    states: list[StepState]
    messages: list[str]
    runner: Runner


def release_folder(config: Config) -> Path:
    return Path(config.execution.releases) / config.dataset.name / config.dataset.version


def check_reviews_go_on(config: Config) -> None:
    """Raise ConfigError where the release before was made with reviews, and these would be dropped in silence."""
    if config.release.previous is None or config.license.reviews is not None:
        return
    before = read_release(Path(config.release.previous))
    if "reviews" in before.policies:
        raise ConfigError(
            f"license.reviews is not set, and the release before, {before.name} {before.version}, was made with "
            "reviews: name their file. To go on without, name an empty one"
        )


def make_runner(config: Config, *, verify_full: bool = False, accept_quarantine: bool = False) -> Runner:
    """A runner over the flow and the discovered inputs. Raises InputError where there is nothing to read."""
    use_numba_cache(config)
    from pipeline.flow import FLOW
    from pipeline.stages.ingest.steps import discover
    from pipeline.stages.screen.steps import check

    if not config.ingest.sources:
        raise InputError(
            "the configuration has no source: add an [[ingest.sources]] section (see `permastack init`), "
            "or use `permastack run --git DIR... --out DIR`"
        )
    check_reviews_go_on(config)
    check(config.screen)
    items, sizes = discover(config)
    origins = [item for item in items if item["by"] == "origin"]
    if not items:
        raise InputError(
            f"no origin is left of the sources at ingest.sample = {config.ingest.sample}: take a larger sample"
        )
    for first, second in pairwise(sorted(origins, key=lambda item: str(item["origin"]))):
        if first["origin"] == second["origin"]:
            raise InputError(
                f"two sources have the origin {first['origin']!r}: {first['locator']} and {second['locator']}. "
                "Expected one input per origin: remove one, or give one of them another name."
            )
    retry = _never if accept_quarantine else _quarantined
    return Runner(FLOW, config, items, sizes=sizes, verify_full=verify_full, retry=retry)


def _quarantined(receipt: Receipt) -> bool:
    return bool(receipt.info.get("quarantined"))


def _never(receipt: Receipt) -> bool:
    return False


def build(
    config: Config,
    *,
    verify_full: bool = False,
    accept_quarantine: bool = False,
    report: Callable[[StepState], None] = lambda state: None,
) -> Built:
    """Run what must run and publish the release.

    Raises BusyError where another run has the work folder, EnvironmentalError where inputs are quarantined
    and that is not accepted, and what steps raise.
    """
    from pipeline.engine.cluster import executor_for
    from pipeline.engine.services import stop
    from pipeline.stages.release.place import place

    work = Path(config.execution.work)
    with locked(work):
        sweep(work)
        runner = make_runner(config, verify_full=verify_full, accept_quarantine=accept_quarantine)
        lying = {item["origin"]: item for item in runner.items if item["by"] == "origin"}
        publish_bytes(work / "inputs.json", json.dumps(lying).encode())
        states: list[StepState] = []

        def note(state: StepState) -> None:
            states.append(state)
            report(state)

        try:
            with executor_for(config.execution.cluster) as executor:
                runner.run(executor, note)
        finally:
            stop("pipeline.stages.license.scancode")
        _check_quarantine(runner, accept_quarantine)
        files = released_files(runner)
        release = read_release(files["release.json"][0])
        folder = release_folder(config)
        fresh = place(files, release, folder, full=verify_full)
        messages = [text for receipt in _of_ingest(runner) for text in receipt.info.get("messages", ())]
        return Built(release, folder, fresh, states, sorted(messages), runner)


def released_files(runner: Runner) -> dict[str, tuple[Path, int, str]]:
    """Every file of the release: its path there, and where it lies now, its size and its sha256."""
    from pipeline.flow import STEPS

    files: dict[str, tuple[Path, int, str]] = {}
    shards, manifest = STEPS["release.shards"], STEPS["release.manifest"]
    for receipt in runner.receipts("release.shards"):
        artefact = receipt.outputs["shard.parquet"]
        files[receipt.info["path"]] = (
            runner.part_folder(shards, receipt.part) / artefact.file, artefact.bytes, artefact.sha256,
        )  # fmt: skip
    (receipt,) = runner.receipts("release.manifest")
    for name, artefact in receipt.outputs.items():
        path = "index/released.parquet" if name == "released.parquet" else name
        files[path] = (runner.part_folder(manifest, 0) / artefact.file, artefact.bytes, artefact.sha256)
    return files


def _of_ingest(runner: Runner) -> list[Receipt]:
    return [receipt for step in runner.steps if step.stage == "ingest" for receipt in runner.receipts(step.name)]


def _check_quarantine(runner: Runner, accepted: bool) -> None:
    quarantined = sorted({text for receipt in _of_ingest(runner) for text in receipt.info.get("quarantined", ())})
    if quarantined and not accepted:
        listed = "\n  ".join(quarantined[:10])
        raise EnvironmentalError(
            f"{len(quarantined)} origins or contents could not be read (quarantine {digest_of(quarantined)[:16]}), "
            f"so no release was made:\n  {listed}\n"
            "Mend them and run again, or run with --accept-quarantine to leave them out: "
            "the ledger will say so."
        )


def as_rows(states: list[StepState]) -> list[dict[str, Any]]:
    """What each step did, for `--json`."""
    return [
        {
            "step": s.step.name,
            "parts": s.parts,
            "cached": len(s.cached),
            "run": len(s.missing),
            "seconds": round(s.seconds, 2),
        }
        for s in states
    ]
