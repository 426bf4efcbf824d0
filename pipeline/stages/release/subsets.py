"""Named subsets: which released rows are in, by filters over their columns, and what each filter removes.

A subset is a set of named filters (see `expressions`); a row is in where all of them are true. It becomes the boolean
column `in_NAME`, and a funnel: of each filter how many rows fail it, and how many fail it alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any, Literal, TypedDict

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.schema import RELEASED
from pipeline.stages.release.expressions import Expression, ExpressionError

_WIDE = ("HTML", "JSON", "Markdown", "Roff", "Roff Manpage", "SMT", "TeX", "Text", "XML")
_DATA = ("Graphviz (DOT)", "JSON", "Text", "Web Ontology Language", "YAML")
_PROSE = ("cmakelists", "description", "notes", "readme", "todo")

_TRAIN = {
    "too_many_lines": "n_lines <= 100000",
    "long_lines": "max_line_length <= 1000 and mean_line_length <= 100"
    f" or language in {_WIDE} and max_line_length <= 100000",
    "generated": "not is_generated and not says_generated",
    "few_letters": "alpha_share >= 0.25"
    " or language in ('Motorola 68K Assembly', 'WebAssembly') and alnum_share >= 0.25",
    "encoded_data": "longest_encoded <= 1024 and encoded_share <= 0.5",
    "long_data": f"n_lines <= 512 or language not in {_DATA}",
    "html_without_text": "language not in ('HTML',) or visible_characters >= 100 and visible_share >= 0.2",
    "other_text": "language not in ('Text',) or contains(lower(file_name(path)), 'requirement')"
    f" or stem(lower(path)) in {_PROSE}",
}

READY_MADE: dict[str, tuple[str, dict[str, str]]] = {
    "full": ("Every released row.", {}),
    "train": ("The Stack v2's filters at its thresholds (arXiv 2402.19173, section 2.1).", _TRAIN),
    "strict": (
        "For training on code alone: written by hand, in a known language, little repetition.",
        _TRAIN
        | {
            "guessed_text": "encoding_method not in ('guess',)",
            "no_language": "language is not None",
            "not_permissive": "license_type in ('permissive',)",
            "vendored": "not is_vendor",
            "short": "n_tokens >= 10",
            "encoded_share": "encoded_share <= 0.1",
            "repetitive": "duplicate_line_share <= 0.6",
        },
    ),
}


class SubsetConfig(BaseModel):
    """A named subset."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field(default="", description="One line for the card")
    like: Literal["full", "train", "strict"] | None = Field(
        default=None, description="A ready-made subset whose filters hold too, where `filters` gives none of their name"
    )
    transform: Literal["without_outputs"] | None = Field(
        default=None,
        description="What readers do with its texts; without_outputs: notebooks lose their outputs, by output_spans",
    )
    filters: dict[str, str] = Field(
        default_factory=dict,
        description="By name, expressions over columns; a row is in the subset where all of them are true",
    )

    @field_validator("filters")
    @classmethod
    def _are_expressions(cls, filters: dict[str, str]) -> dict[str, str]:
        for name, text in filters.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", name):
                raise ValueError(f"filter {name!r}: expected a name of small letters, digits and _, such as few_lines")
            try:
                _expression(text)
            except ExpressionError as error:
                raise ValueError(f"filter {name}: {error}") from None
        return dict(sorted(filters.items()))

    @model_validator(mode="before")
    @classmethod
    def _with_those_of_like(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("like") in READY_MADE and isinstance(given.get("filters", {}), dict):
            return given | {"filters": READY_MADE[given["like"]][1] | given.get("filters", {})}
        return given


class Funnel(TypedDict):
    """What a subset's filters remove: rows that are in, and by filter those that fail it, and that fail it alone."""

    rows: int
    fail: dict[str, int]
    fail_alone: dict[str, int]


def ready_made() -> dict[str, SubsetConfig]:
    return {name: SubsetConfig(description=about, filters=filters) for name, (about, filters) in READY_MADE.items()}


def column(name: str) -> str:
    """The column of a subset."""
    return f"in_{name}"


def released_schema(names: list[str]) -> pa.Schema:
    """RELEASED and the columns of these subsets, before the text."""
    at = RELEASED.get_field_index("content")
    fields = list(RELEASED)
    own = [pa.field(column(name), pa.bool_(), nullable=False) for name in sorted(names)]
    return pa.schema([*fields[:at], *own, *fields[at:]])


def with_subsets(table: pa.Table, subsets: dict[str, SubsetConfig]) -> tuple[pa.Table, dict[str, Funnel]]:
    """Rows of RELEASED with their subsets' columns, and of each subset its funnel. Pure: no row depends on another."""
    columns = {name: table.column(name) for name in table.column_names}
    funnels: dict[str, Funnel] = {}
    for name, subset in subsets.items():
        failed = {rule: ~_passes(text, table) for rule, text in subset.filters.items()}
        times = sum((mask.astype(np.int64) for mask in failed.values()), np.zeros(table.num_rows, np.int64))
        columns[column(name)] = pa.array(times == 0)
        funnels[name] = Funnel(
            rows=int((times == 0).sum()),
            fail={rule: int(mask.sum()) for rule, mask in failed.items()},
            fail_alone={rule: int((mask & (times == 1)).sum()) for rule, mask in failed.items()},
        )
    schema = released_schema(list(subsets))
    return pa.table({name: columns[name] for name in schema.names}, schema=schema), funnels


@functools.lru_cache(maxsize=1024)
def _expression(text: str) -> Expression:
    return Expression(text, RELEASED)


def _passes(text: str, table: pa.Table) -> NDArray[np.bool_]:
    return np.asarray(_expression(text).passes(table).to_numpy(zero_copy_only=False), np.bool_)


def added(funnels: Iterable[dict[str, Funnel]]) -> dict[str, Funnel]:
    """The funnels of all shards together, by name."""
    total: dict[str, Funnel] = {}
    for shard in funnels:
        for name, funnel in shard.items():
            sums = total.setdefault(name, Funnel(rows=0, fail={}, fail_alone={}))
            sums["rows"] += funnel["rows"]
            for counts, more in ((sums["fail"], funnel["fail"]), (sums["fail_alone"], funnel["fail_alone"])):
                for rule, number in more.items():
                    counts[rule] = counts.get(rule, 0) + number
    return dict(sorted(total.items()))


def subsets_of(configuration: dict[str, Any]) -> dict[str, SubsetConfig]:
    """The subsets that the configuration in a manifest states. ValueError where one cannot be used."""
    stated = configuration.get("release", {}).get("subsets", {})
    return {name: SubsetConfig.model_validate(subset) for name, subset in stated.items()}
