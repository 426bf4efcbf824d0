"""The runner: walks the flow, runs the parts whose receipts do not stand, and checks that counts close.

One mechanism serves resume, cache, changed configuration and damage: a part's key is computed from what it
depends on, and it runs unless a receipt with that key stands over outputs that are still there.
"""

from __future__ import annotations

import importlib
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from pipeline.config import Config
from pipeline.engine.artefacts import Slice
from pipeline.engine.blame import place_of
from pipeline.engine.cluster import Executor
from pipeline.engine.keys import PACKAGE, digest_of, source_digest
from pipeline.engine.progress import tracked
from pipeline.engine.receipts import Counts, Receipt, read_receipt
from pipeline.engine.step import PART_PER_ITEM, Job, Partitioning, Step, origin_bucket
from pipeline.errors import EnvironmentalError, IntegrityError, PermastackError
from pipeline.local_path import made_logical

# Modules whose source decides every step's result.
SHARED_CODE = (
    *("schema.py", "swhid.py", "rank.py", "errors.py"),
    *("engine/step.py", "engine/artefacts.py", "engine/packs.py", "engine/rows.py"),
)

_ALL = -1

# Modules of `Step.prepare` that have run for this process, whose caches last as long as it.
_ready: set[str] = set()


class StageError(PermastackError):
    """A step failed on a part: a fault of the program, or of what it was given."""


@dataclass
class StepState:
    """What the runner knows about a step's parts, in one round or, for a step that has been run, in all."""

    step: Step
    parts: int
    round: int = 0
    cached: list[Receipt] = field(default_factory=list)
    missing: list[dict[str, Any]] = field(default_factory=list)  # tasks
    seconds: float = 0.0  # of this run


class Runner:
    """Runs a flow for a configuration.

    `items` are the discovered inputs: plain data with `by`, the partitioning of the steps that take them, and
    `digest`, which enter keys, and `locator`, a path of this machine, which does not. Those by origin have its name as
    `origin`; of those by stripe or revision each is a part. `sizes` are the numbers of parts that depend on the
    inputs. `flow` names the module whose `STEPS` a worker looks a step up in.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        config: Config,
        items: Sequence[dict[str, Any]],
        *,
        sizes: Mapping[Partitioning, int] | None = None,
        flow: str = "pipeline.flow",
        verify_full: bool = False,
        retry: Callable[[Receipt], bool] = lambda receipt: False,
    ) -> None:
        self.steps = [step for step in steps if step.when(config)]
        self._sizes = dict(sizes or {})
        self._flow = flow
        self.config = config
        self.verify_full = verify_full
        self._retry = retry
        self.items = sorted(items, key=lambda item: (item["by"], str(item.get("origin"))))
        self._single = {by: [item for item in self.items if item["by"] == by] for by in PART_PER_ITEM}
        self._work = Path(config.execution.work)
        self._receipts: dict[str, list[Receipt]] = {}
        self._readable: dict[tuple[str, str, Partitioning, int | None], dict[int, list[Slice]]] = {}
        self._preparing: dict[str, subprocess.Popen[bytes]] | None = None
        # In the order of their last steps: some stages have a first word before the one ahead of them ends.
        stages = list(dict.fromkeys(step.stage for step in reversed(steps)))[::-1]
        self._folders = {stage: self._work / f"{number:02d}-{stage}" for number, stage in enumerate(stages, 1)}

    # --- where things are ---

    def part_folder(self, step: Step, part: int, number: int = 0) -> Path:
        folder = self._folders[step.stage] / step.name.partition(".")[2] / f"{part:05d}"
        return folder / f"round-{number:04d}" if number else folder

    def receipt_path(self, step: Step, part: int, number: int = 0) -> Path:
        name = f"{step.name.partition('.')[2]}-{part:05d}" + (f"-round-{number:04d}" if number else "")
        return self._folders[step.stage] / "receipts" / f"{name}.json"

    def receipts(self, step: str) -> list[Receipt]:
        return self._receipts[step]

    def counts(self, step: str) -> Counts:
        total = Counts()
        for receipt in self._receipts[step]:
            total.add(receipt.counts)
        return total

    # --- planning ---

    def part_count(self, by: Partitioning) -> int:
        execution = self.config.execution
        if by == "shard":
            return int(self._receipts["release.plan"][0].info["shards"])
        fixed: dict[Partitioning, int] = {"origin": execution.parts, "one": 1}
        fixed |= {by: len(items) for by, items in self._single.items()} | self._sizes
        return fixed.get(by, execution.buckets)

    def rounds(self, step: Step) -> Iterator[StepState]:
        """The state of a step, round by round: one round unless it reads what it sends itself.

        Each state must be run, or adopted, before the next is asked for.
        """
        self._receipts[step.name] = []
        self._readable = {key: pieces for key, pieces in self._readable.items() if key[0] != step.name}
        number = 0
        while number == 0 or any(
            receipt.outputs[name].rows
            for receipt in self._receipts[step.name]
            for name in step.own_exchanges
            if receipt.round == number - 1
        ):
            yield self.state(step, number)
            number += 1

    def state(self, step: Step, number: int = 0) -> StepState:
        """Which parts of a step stand and which must run. Needs the receipts of the steps that it reads."""
        state = StepState(step, self.part_count(step.by), number)
        settings = step.settings(self.config)
        fixed = {
            "step": step.name,
            "code": source_digest((*SHARED_CODE, *step.code)),
            "settings": _logical(settings),
            # Intermediate files are pyarrow's too.
            "versions": step.versions(settings) | {"pyarrow": pa.__version__},
        }
        for part in range(state.parts):
            inputs = {name: self._pieces(step, name, part, number) for name in step.reads}
            if number and not any(inputs[f"{step.name}/{output}"] for output in step.own_exchanges):
                continue  # nothing was sent to it
            items = self._items(step, part, state.parts)
            key = digest_of(
                fixed
                | {
                    "inputs": {name: [[p.sha256, p.rows] for p in pieces] for name, pieces in inputs.items()},
                    "items": [{k: v for k, v in item.items() if k != "locator"} for item in items],
                    "partition": [*self._partition_identity(step, part), *([number] if number else [])],
                }
            )
            receipt = read_receipt(self.receipt_path(step, part, number))
            if (
                receipt is not None
                and receipt.key == key
                and receipt.outputs_stand(self.part_folder(step, part, number), self.verify_full)
                and not self._retry(receipt)
            ):
                state.cached.append(receipt)
                continue
            state.missing.append(
                {
                    "flow": self._flow,
                    "step": step.name,
                    "part": part,
                    "round": number,
                    "key": key,
                    "config": self.config.model_dump(mode="json"),
                    "parts": {by: self.part_count(by) for by in self._partitionings(step)},
                    "inputs": {name: [asdict(p) for p in pieces] for name, pieces in inputs.items()},
                    "items": items,
                    "folder": str(self.part_folder(step, part, number)),
                    "receipt": str(self.receipt_path(step, part, number)),
                    "locators": str(self._work / "inputs.json"),
                }
            )
        return state

    def _partitionings(self, step: Step) -> list[Partitioning]:
        wanted = {step.by, *(out.to for out in step.writes.values() if out.to and out.to != "slice")}
        return sorted(wanted)

    def _items(self, step: Step, part: int, parts: int) -> list[dict[str, Any]]:
        if not step.takes_items:
            return []
        if step.by in self._single:
            return [self._single[step.by][part]]
        mine = [item for item in self.items if item["by"] == step.by]
        return [item for item in mine if step.by != "origin" or origin_bucket(item["origin"], parts) == part]

    def _partition_identity(self, step: Step, part: int) -> list[object]:
        # An exchange's slices depend on how many there are: the writer's key must know.
        return [part, {by: self.part_count(by) for by in self._partitionings(step)}]

    def _pieces(self, step: Step, name: str, part: int, number: int) -> list[Slice]:
        source, _, output = name.partition("/")
        writer = next((s for s in self.steps if s.name == source), None)
        if writer is None:
            return []
        # A step that reads itself sees more with each round; others are read when they are complete.
        round_ = number if writer is step else None
        key = (source, output, step.by, round_)
        if key not in self._readable:
            self._readable[key] = self._readable_pieces(writer, output, step.by, round_)
        pieces = self._readable[key]
        return pieces.get(part, []) if _ALL not in pieces else pieces[_ALL]

    def _readable_pieces(
        self, writer: Step, output: str, by: Partitioning, number: int | None
    ) -> dict[int, list[Slice]]:
        """What readers by `by` see of an output: by part, or under _ALL what every part sees."""
        exchanged, alike = writer.writes[output].to == by, writer.by == by
        found: dict[int, list[Slice]] = {}
        for receipt in self._receipts[writer.name]:
            if exchanged and number is not None and receipt.round != number - 1:
                continue
            folder = self.part_folder(writer, receipt.part, receipt.round)
            for piece in receipt.pieces(output, folder):
                found.setdefault(piece.bucket if exchanged else receipt.part if alike else _ALL, []).append(piece)
        return found

    # --- running ---

    def run(self, executor: Executor, report: Callable[[StepState], None] = lambda state: None) -> None:
        """Run what must run. Raises what a step raises; IntegrityError where counts do not close."""
        try:
            self._run(executor, report)
        finally:
            for process in (self._preparing or {}).values():
                process.kill()
                process.wait()

    def _run(self, executor: Executor, report: Callable[[StepState], None]) -> None:
        before = -1
        for step in self.steps:
            whole = StepState(step, self.part_count(step.by))
            for state in self.rounds(step):
                if state.missing:
                    self._prepare(step)
                started = time.monotonic()
                results = executor.run(run_part, state.missing)
                for task, _ in tracked(results, len(state.missing), step.name):
                    receipt = read_receipt(Path(task["receipt"]))
                    if receipt is None:
                        raise EnvironmentalError(
                            f"{task['receipt']}: the worker finished but its receipt cannot be read here. "
                            "Workers must share the work folder."
                        )
                    self._receipts[step.name].append(receipt)
                self.adopt(state)
                whole.cached += state.cached
                whole.missing += state.missing
                whole.seconds += time.monotonic() - started
                whole.round = state.round
            self._drop_strangers(whole)
            before = self._check_counts(step, before)
            report(whole)

    def _prepare(self, step: Step) -> None:
        """Start what later steps want ready, once anything runs at all; wait for what this step needs."""
        if self._preparing is None:
            later = (s.prepare for s in self.steps[self.steps.index(step) :] if s.prepare and s.prepare not in _ready)
            self._preparing = {
                module: subprocess.Popen(
                    [sys.executable, "-m", module],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    cwd=PACKAGE.parent,
                )
                for module in later
            }
        if step.prepare in self._preparing:
            if self._preparing[step.prepare].wait() != 0:
                raise StageError(f"step {step.name}: python -m {step.prepare} failed; its words are above")
            _ready.add(step.prepare)

    def adopt(self, state: StepState) -> None:
        """Take what stands of a step's round; `plan` and `status`, which run nothing, need no more."""
        known = [*self._receipts[state.step.name], *state.cached]
        self._receipts[state.step.name] = sorted(known, key=lambda receipt: (receipt.round, receipt.part))

    def _check_counts(self, step: Step, before: int) -> int:
        if not step.counts:
            return before
        total = self.counts(step.name)
        if not total.closes or before not in (-1, total.taken):
            raise IntegrityError(
                f"step {step.name}: counts do not close: {before} came in, {total.taken} were taken, "
                f"{total.passed} passed on, {total.merged} merged, {sum(total.dropped.values())} dropped. "
                "This is a fault of the program or of its intermediate files: run again with --verify full."
            )
        return total.passed

    def _drop_strangers(self, whole: StepState) -> None:
        """Remove parts and rounds left from a run with more of them."""
        step = whole.step
        for folder in self.part_folder(step, 0).parent.glob("[0-9]*"):
            part = int(folder.name)
            first = 0 if part >= whole.parts else whole.round + 1
            strange = [r for r in folder.glob("round-*") if int(r.name.removeprefix("round-")) >= first]
            for below in strange:
                self.receipt_path(step, part, int(below.name.removeprefix("round-"))).unlink(missing_ok=True)
                shutil.rmtree(below, ignore_errors=True)
            if part >= whole.parts:
                self.receipt_path(step, part).unlink(missing_ok=True)
                shutil.rmtree(folder, ignore_errors=True)


def use_numba_cache(config: Config) -> None:
    """Keep compiled kernels in the work folder. Works only before numba is imported."""
    # numba does not notice a change in a function that a compiled one calls: other source, other folder.
    source = source_digest(("engine/compiled.py", "stages/near", "stages/language"))[:16]
    os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(config.execution.work) / "numba" / source))


def _logical(settings: Any) -> Any:
    if isinstance(settings, dict):
        return {name: _logical(value) for name, value in settings.items()}
    return made_logical(settings) if isinstance(settings, BaseModel) else settings


def _schema(steps: Mapping[str, Step], name: str) -> Any:
    step, _, output = name.partition("/")
    return steps[step].writes[output].schema


def run_part(task: Mapping[str, Any]) -> None:
    """Run one part, in whatever process. The receipt is removed first and written last."""
    config = Config.model_validate(task["config"])
    use_numba_cache(config)
    # Only here, after numba knows where its cache lies; and by name, because the engine knows no flow.
    steps: dict[str, Step] = importlib.import_module(task["flow"]).STEPS
    step = steps[task["step"]]
    receipt_path = Path(task["receipt"])
    receipt_path.unlink(missing_ok=True)
    started = time.monotonic()
    job = Job(
        step=step,
        part=task["part"],
        round=task["round"],
        parts=task["parts"],
        settings=step.settings(config),
        folder=Path(task["folder"]),
        execution=config.execution,
        inputs={name: [Slice(**piece) for piece in pieces] for name, pieces in task["inputs"].items()},
        schemas={name: _schema(steps, name) for name in step.reads},
        items=task["items"],
        locators_file=Path(task["locators"]),
    )
    try:
        step.run(job)
        job.finish()
    except PermastackError:
        raise
    except MemoryError as error:
        raise EnvironmentalError(
            f"step {step.name} part {job.part}: out of memory. Make parts smaller (execution.buckets, "
            "execution.parts), then run again: what is finished is kept."
        ) from error
    except OSError as error:
        raise EnvironmentalError(
            f"step {step.name} part {job.part}: {error.strerror or type(error).__name__}"
            f"{f' ({error.filename})' if error.filename else ''}. Mend it, then run again: what is finished is kept."
        ) from error
    except Exception as error:
        raise StageError(_describe(step, job.part, error)) from (error if os.environ.get("PERMASTACK_DEBUG") else None)
    if step.counts and not job.counts.closes:
        raise IntegrityError(f"step {step.name} part {job.part}: counts do not close: {job.counts}")
    Receipt(
        step=step.name,
        part=job.part,
        round=job.round,
        key=task["key"],
        outputs=job.outputs,
        counts=job.counts,
        info=job.info,
        seconds=round(time.monotonic() - started, 3),
        peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    ).write(receipt_path)


def _describe(step: Step, part: int, error: Exception) -> str:
    # The error's own words may quote what it failed on, which may be a secret: only its kind and place are told.
    return (
        f"step {step.name} part {part} failed: {type(error).__name__} at {place_of(error)}. What is finished is kept. "
        "Set PERMASTACK_DEBUG=1 to see everything (it may show text of the input)."
    )
