"""Paths of this machine in a configuration: resolved against its file's folder, never published whole."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Annotated, Any

from pydantic import BaseModel

_MARK = "a path of this machine"

LocalPath = Annotated[str, _MARK]
"""A path, or a glob, of this machine. Relative ones start at the folder of the configuration's file."""


def made_absolute(model: BaseModel, base: Path) -> dict[str, Any]:
    """The model as plain data, its local paths absolute."""
    return _convert(model, lambda path: str(base / path))


def made_logical(model: BaseModel) -> dict[str, Any]:
    """The model as plain data, of each local path only the last component: what may be published."""
    return _convert(model, lambda path: PurePath(path).name)


def _convert(model: BaseModel, change: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        local = _MARK in field.metadata or _MARK in repr(field.annotation)
        plain[name] = _value(value, change if local else None, change)
    return plain


def _value(value: Any, here: Any, change: Any) -> Any:
    if isinstance(value, BaseModel):
        return _convert(value, change)
    if isinstance(value, list | tuple):
        return [_value(v, here, change) for v in value]
    if isinstance(value, dict):
        return {k: _value(v, here, change) for k, v in value.items()}
    if isinstance(value, str) and here:
        return here(value)
    return value
