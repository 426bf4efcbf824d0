"""The runner on a toy flow: counts that must close, faults that say where, parts that are keyed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline import flow
from pipeline.config import Config, make_config
from pipeline.engine import runner as runner_module
from pipeline.engine.cluster import InlineExecutor
from pipeline.engine.publication import publish_bytes
from pipeline.engine.runner import Runner, StageError
from pipeline.engine.step import Job, Out, Step, blob_buckets, origin_bucket, origin_buckets
from pipeline.errors import EnvironmentalError, InputError, IntegrityError

ROWS = pa.schema([pa.field("origin", pa.string()), pa.field("n", pa.int64())])
Body = Callable[[Job], None]


def _list(job: Job) -> None:
    names = [item["origin"] for item in job.items]
    job.send(
        "rows", pa.table([names, list(range(len(names)))], schema=ROWS), np.array([len(n) % 2 for n in names], np.int64)
    )
    job.counts.taken = job.counts.passed = len(names)


def _take(job: Job) -> None:
    rows = job.read("toy.list/rows")
    job.write("kept", rows)
    job.counts.taken = job.counts.passed = rows.num_rows


class Toy:
    """A flow of two steps over three origins, in a folder of its own."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, patch
        self.items = [
            {"by": "origin", "origin": name, "digest": name, "locator": f"/here/{name}"} for name in ("a", "bb", "ccc")
        ]

    def run(self, listing: Body = _list, taking: Body = _take, **kwargs: Any) -> list[int]:
        """How many parts each step ran."""
        steps = (
            Step(
                "toy.list",
                listing,
                by="origin",
                reads=(),
                writes={"rows": Out(ROWS, to="blob")},
                code=(),
                takes_items=True,
            ),
            Step("toy.take", taking, by="blob", reads=("toy.list/rows",), writes={"kept": Out(ROWS)}, code=()),
        )
        self._patch.setattr(flow, "STEPS", {step.name: step for step in steps})
        publish_bytes(self.folder / "work" / "inputs.json", b"{}")
        made: list[int] = []
        self.runner = Runner(steps, self._config(), self.items, **kwargs)
        self.runner.run(InlineExecutor(), lambda state: made.append(len(state.missing)))
        return made

    def _config(self) -> Config:
        execution = {"work": str(self.folder / "work"), "parts": 2, "buckets": 2, "cluster": {"kind": "inline"}}
        return make_config({"execution": execution}, [], self.folder, "test")


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    return Toy(tmp_path, monkeypatch)


def test_it_runs_once(toy: Toy) -> None:
    assert toy.run() == [2, 2]
    assert toy.run() == [0, 0]
    assert toy.runner.counts("toy.take").passed == 3


def test_moved_and_reordered_inputs_are_the_same_inputs(toy: Toy) -> None:
    toy.run()
    toy.items = [item | {"locator": "/elsewhere"} for item in toy.items]
    assert toy.run() == [0, 0]
    toy.items.reverse()
    assert toy.run() == [0, 0]


def test_a_changed_input_runs_its_part_alone(toy: Toy) -> None:
    toy.run()
    toy.items[0] = toy.items[0] | {"digest": "other"}
    # Its rows are the same, so what reads them stays.
    assert toy.run() == [1, 0]


def test_the_libraries_that_write_are_in_the_key(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.run()
    monkeypatch.setattr(pa, "__version__", "0.1")
    assert toy.run() == [2, 2]


def test_counts_of_a_part_must_close(toy: Toy) -> None:
    def lose_one(job: Job) -> None:
        _take(job)
        job.counts.passed -= 1

    with pytest.raises(IntegrityError, match=r"step toy\.take part \d: counts do not close"):
        toy.run(taking=lose_one)
    assert not list((toy.folder / "work").glob("*/receipts/take-*")), "a part that does not close is not done"


def test_counts_between_steps_must_close(toy: Toy) -> None:
    def take_fewer(job: Job) -> None:
        _take(job)
        job.counts.taken = job.counts.passed = 0

    with pytest.raises(IntegrityError, match=r"step toy\.take: counts do not close: 3 came in, 0 were taken"):
        toy.run(taking=take_fewer)


SECRET = "hunter" + "2"


def _raise(error: Exception) -> Body:
    def fail(job: Job) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            ValueError(SECRET),
            StageError,
            r"step toy\.take part 0 failed: ValueError at \S+:\d+\. What is finished is kept",
        ),
        (
            OSError(5, "Input/output error", "/some/file"),
            EnvironmentalError,
            r"toy\.take part 0: Input/output error \(/some/file\)",
        ),
        (MemoryError(), EnvironmentalError, r"toy\.take part 0: out of memory.*execution\.buckets"),
        (pa.ArrowMemoryError(SECRET), EnvironmentalError, r"toy\.take part 0: out of memory"),
        (InputError("as it is"), InputError, "^as it is$"),
    ],
)
def test_errors_of_a_step(toy: Toy, error: Exception, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        toy.run(taking=_raise(error))
    assert SECRET not in str(caught.value)
    assert toy.run() == [0, 2], "what was finished is kept"


def test_a_receipt_that_should_be_retried_is(toy: Toy) -> None:
    toy.run()
    assert toy.run(retry=lambda receipt: receipt.step == "toy.list" and receipt.part == 1) == [1, 0]


def test_a_step_that_writes_other_columns_is_told(toy: Toy) -> None:
    def wrong(job: Job) -> None:
        job.write("kept", pa.table({"other": [1]}))

    with pytest.raises(IntegrityError, match=r"toy\.take part 0: kept: columns are"):
        toy.run(taking=wrong)


def test_a_failed_preparation_is_told(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "_ready", set())
    step = Step("toy.one", _list, by="one", reads=(), writes={}, code=(), prepare="pipeline.no_such_module")
    runner = Runner([step], toy._config(), [])
    with pytest.raises(StageError, match=r"step toy\.one: python -m pipeline\.no_such_module failed"):
        runner.run(InlineExecutor())


def test_blob_buckets_are_the_first_bits() -> None:
    blobs = pa.chunked_array([pa.array([bytes([n]) + bytes(19) for n in (0, 63, 64, 255)], pa.binary(20))])
    assert blob_buckets(blobs, 4).tolist() == [0, 0, 1, 3]
    assert blob_buckets(blobs.slice(2), 4).tolist() == [1, 3]
    assert blob_buckets(blobs, 1).tolist() == [0, 0, 0, 0]
    assert blob_buckets(blobs, 65536).tolist() == [0, 63 << 8, 64 << 8, 255 << 8]
    assert blob_buckets(blobs.slice(0, 0), 4).tolist() == []


def test_origin_buckets_agree_with_the_single_one() -> None:
    names = [f"pkg:pypi/{n}" for n in "abcabc"] + ["é"]
    origins = pa.chunked_array([pa.array(names[:4]), pa.array(names[4:])])
    assert origin_buckets(origins, 8).tolist() == [origin_bucket(name, 8) for name in names]
    assert origin_buckets(origins.slice(0, 0), 8).tolist() == []
