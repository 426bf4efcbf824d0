from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.versions import versions


@pytest.mark.parametrize(
    "bad",
    [
        {"bands": 33, "rows": 8},
        {"bands": 257, "rows": 1},
        {"bands": 0},
        {"rows": 0},
        {"threshold": 0},
        {"threshold": 1.01},
        {"threshold": float("nan")},
        {"ngram": 0},
        {"max_kept_per_key": 0},
        {"engine": "spark"},
        {"treshold": 0.7},
    ],
)
def test_refuses(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NearConfig(**bad)


def test_says_what_does_not_fit() -> None:
    with pytest.raises(ValidationError, match=r"50 bands of 8 rows need 400 signature values.*lower bands or rows"):
        NearConfig(bands=50)


@pytest.mark.parametrize(("bands", "rows"), [(32, 8), (25, 10), (256, 1), (1, 256)])
def test_accepts_what_fits(bands: int, rows: int) -> None:
    assert NearConfig(bands=bands, rows=rows).bands == bands


def test_every_field_is_described() -> None:
    assert all(field.description for field in NearConfig.model_fields.values())


def test_versions_name_what_decides() -> None:
    assert set(versions()) == {"unicode", "datasketch", "numpy", "xxhash", "kernel"}
    assert all(versions().values())
