"""The step of language: tags of each surviving blob, by its kept path and its original text, as facts."""

from __future__ import annotations

import json

import pyarrow as pa

from pipeline.engine.keys import source_digest
from pipeline.engine.rows import positions
from pipeline.engine.step import Job
from pipeline.schema import SIZES, TAGS
from pipeline.stages.language.config import LanguageConfig
from pipeline.stages.language.core import tag_many, versions

_BATCH = 500


def step_versions(config: LanguageConfig) -> dict[str, str]:
    return versions()


def tag(job: Job) -> None:
    """Tag every survivor; facts of earlier runs are reused by (blob, path)."""
    config: LanguageConfig = job.settings
    survivors = job.read("near.apply/kept", ["blob", "path", "length"])
    code = source_digest(("stages/language",))  # a fact of other rules is no fact
    store = job.facts("language", versions() | {"settings": config.model_dump_json(), "code": code})
    keys = [
        (blob, path.decode("utf-8", "backslashreplace"))
        for blob, path in zip(survivors.column("blob").to_pylist(), survivors.column("path").to_pylist(), strict=True)
    ]
    facts = store.known(keys)
    missing = [i for i, key in enumerate(keys) if key not in facts]
    contents = job.read(
        "ingest.fetch/contents", ["blob", "text"], survivors.column("blob").take(pa.array(missing, pa.int64()))
    )
    fresh: dict[tuple[bytes, str], str] = {}
    places = positions(survivors.column("blob"), contents.column("blob"))
    for start in range(0, len(missing), _BATCH):
        batch = missing[start : start + _BATCH]
        texts = contents.column("text").take(places.take(pa.array(batch))).cast(pa.large_binary())
        paths = survivors.column("path").take(pa.array(batch)).to_pylist()
        tags = tag_many(list(zip(paths, (t.as_py() for t in texts), strict=True)), config)
        fresh |= {keys[i]: json.dumps(found._asdict()) for i, found in zip(batch, tags, strict=True)}
    store.add(fresh)
    facts |= fresh
    rows = [{"blob": key[0]} | json.loads(facts[key]) for key in keys]
    table = pa.Table.from_pylist(
        [{"blob": r["blob"], "language_method": r["method"], "language_confidence": r["confidence"]} | r for r in rows],
        schema=TAGS,
    )
    job.write("tags", table)
    sizes = pa.table([table.column("language"), survivors.column("length")], names=["language", "length"])
    grouped = sizes.group_by("language").aggregate([("length", "count"), ("length", "sum")]).sort_by("language")
    job.write(
        "sizes", pa.table([grouped.column(n) for n in ("language", "length_count", "length_sum")], names=SIZES.names)
    )
    job.info["facts"] = {"reused": len(keys) - len(fresh), "computed": len(fresh)}
    job.counts.taken = job.counts.passed = survivors.num_rows
