"""The near stage's own steps over texts of a Parquet file: what comes before them in a run is stood in for.

A text's rank is its id. `texts` says which rows are taken, so that a run can follow another with some more of them.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline import schema as s
from pipeline.config import make_config
from pipeline.engine.artefacts import read_slice
from pipeline.engine.cluster import executor_for
from pipeline.engine.rows import constant, ids
from pipeline.engine.runner import Runner, StepState
from pipeline.engine.step import Job, Out, Step
from pipeline.flow import FLOW
from pipeline.stages.near import steps as near

A_PART = 25_000
BEFORE = ("feed.texts", "feed.prior", "ingest.fetch", "exact.keep", "optout.apply")


def texts(path: Path, count: int) -> pa.Array:
    """The ids of `count` texts, the same first ones whatever the count, spread evenly over all ids."""
    blobs = pq.read_table(path, columns=["blob"]).column("blob").cast(s.BLOB)
    spread = ids(blobs).view(np.uint8).reshape(-1, 20)[:, 8:16].copy().view(np.uint64)[:, 0]
    return blobs.take(pa.array(np.argsort(spread, kind="stable")[:count])).combine_chunks()


def _feed(job: Job) -> None:
    item = next(item for item in job.items if item["kind"] == "texts")
    wanted = texts(Path(item["locator"]), item["count"])
    for batch in pq.ParquetFile(item["locator"]).iter_batches(1000):
        table = pa.table([batch.column("blob").cast(s.BLOB), batch.column("text")], names=["blob", "text"])
        table = table.filter(pc.is_in(table.column("blob"), value_set=wanted))
        table = table.append_column("src_encoding", constant("utf-8", table.num_rows, pa.string()))
        table = table.append_column("sha256", constant(bytes(32), table.num_rows, pa.binary(32)))
        job.send_by_blob("contents", table)


def _fetch(job: Job) -> None:
    job.write("contents", job.read("feed.texts/contents").sort_by("blob"))


def _keep(job: Job) -> None:
    blobs = job.read("ingest.fetch/contents", ["blob"]).column("blob")
    known = {"blob": blobs, "path": blobs.cast(pa.binary())}
    plain: dict[str, Any] = {"origin": "texts", "license_type": "permissive", "n_copies": 0}
    columns = []
    for field in s.KEPT:
        if field.name in known:
            columns.append(known[field.name])
        elif field.nullable and field.name not in plain:
            columns.append(pa.nulls(len(blobs), field.type))
        else:
            columns.append(constant(plain.get(field.name, _empty(field.type)), len(blobs), field.type))
    job.write("kept", pa.table(columns, schema=s.KEPT))


def _empty(kind: pa.DataType) -> Any:
    if pa.types.is_boolean(kind):
        return False
    return 0 if pa.types.is_integer(kind) else bytes(20) if pa.types.is_fixed_size_binary(kind) else ""


def _prior(job: Job) -> None:
    """What an earlier run, whose folder is given, kept and dropped: as a release says it."""
    item = next((item for item in job.items if item["kind"] == "prior"), None)
    if item is None:
        return
    for path in sorted(Path(item["locator"]).glob("*-near/apply/*/kept.parquet")):
        table = pq.read_table(path, columns=["blob", "cluster"]).rename_columns(near.PRIORS.names)
        job.send_by_blob("released", table.cast(near.PRIORS))
    for path in sorted(Path(item["locator"]).glob("*-near/apply/*/duplicates.parquet")):
        table = pq.read_table(path).append_column("normalised", pa.array([False] * pq.read_metadata(path).num_rows))
        job.send_by_blob("pairs", table.select(near.PRIOR_PAIRS.names).cast(near.PRIOR_PAIRS), "kept")


_OF_A_RUN: dict[str, Any] = {"run": _prior, "takes_items": True, "versions": lambda settings: {}}
_STEPS = (
    Step("feed.texts", _feed, by="one", reads=(), takes_items=True, code=(), counts=False,
         writes={"contents": Out(s.CONTENTS, to="blob")}),
    Step("ingest.fetch", _fetch, by="blob", reads=("feed.texts/contents",), code=(), counts=False,
         writes={"contents": Out(s.CONTENTS, packed="text")}),
    Step("exact.keep", _keep, by="blob", reads=("ingest.fetch/contents",), code=(), counts=False,
         writes={"kept": Out(s.KEPT)}),
    Step("optout.apply", lambda job: None, by="blob", reads=(), code=(), counts=False,
         writes={"guards": Out(s.BLOBS)}),
    *(
        # Compiling goes before what is measured; an earlier run stands in for an earlier release.
        dataclasses.replace(step, prepare=None, **(_OF_A_RUN if step.name == "near.recall" else {}))
        for step in FLOW if step.stage == "near"
    ),
)  # fmt: skip
STEPS = {step.name: step for step in _STEPS}


def runner(
    folder: Path,
    corpus: Path,
    count: int,
    *,
    prior: Path | None = None,
    facts: Path | None = None,
    parts: tuple[int, int] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Runner:
    """What runs the stage over `count` texts of `corpus`; with `prior`, the folder of an earlier run, after it.

    `parts` are those of the steps by origin and by blob, band and component, or one for about `A_PART` texts;
    `settings` are those of `[near]`.
    """
    parts = parts or (1, 1 << max(round(math.log2(count / A_PART)), 0))
    data = {
        "near": {**(settings or {}), **({"prior": str(prior)} if prior else {})},
        "execution": {
            "work": str(folder),
            "facts": str(facts or folder / "facts"),
            "parts": parts[0],
            "buckets": parts[1],
            "cluster": {"kind": "inline"},
        },
    }
    items = [{"by": "one", "kind": "texts", "locator": str(corpus), "digest": str(corpus), "count": count}]
    if prior is not None:
        items.append({"by": "one", "kind": "prior", "locator": str(prior), "digest": str(prior), "count": 0})
    return Runner(_STEPS, make_config(data, [], folder, "near_dedup"), items, flow="near_dedup_flow")


def run(made: Runner, only: Collection[str] = STEPS.keys()) -> dict[str, float]:
    """CPU seconds of each step of `only`, children's included; 0 for one whose results stand."""
    made.steps = [step for step in made.steps if step.name in only]
    seconds: dict[str, float] = {}

    def spent() -> float:
        return sum(os.times()[:4])

    last = spent()

    def note(state: StepState) -> None:
        nonlocal last
        now = spent()
        seconds[state.step.name] = now - last
        last = now

    with executor_for(made.config.execution.cluster) as executor:
        made.run(executor, note)
    return seconds


def text_bytes(made: Runner) -> int:
    """Of all texts of a run."""
    pieces = ((made.part_folder(STEPS["ingest.fetch"], r.part), r) for r in made.receipts("ingest.fetch"))
    slices = (piece for folder, receipt in pieces for piece in receipt.pieces("contents", folder))
    return sum(pc.sum(pc.binary_length(read_slice(piece, ["text"]).column("text"))).as_py() for piece in slices)


def released(folder: Path) -> tuple[pa.Table, pa.Table]:
    """What stays, with its cluster, and what goes for what, of a run that lies in `folder`."""
    kept = [pq.read_table(path, columns=["blob", "cluster"]) for path in folder.glob("*-near/apply/*/kept.parquet")]
    pairs = [pq.read_table(path) for path in folder.glob("*-near/apply/*/duplicates.parquet")]
    return pa.concat_tables(kept).sort_by("blob"), pa.concat_tables(pairs).sort_by("dropped")
