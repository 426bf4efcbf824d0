"""Paths of this machine in a configuration: resolved against its file's folder, never published whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path, PurePath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel

_MARK = "a path of this machine"
_MARK_URL = "a path of this machine or a URL"
_MARK_TOML = "a name, or the path of a TOML file of this machine"


def _usable(path: str) -> str:
    if not path:
        raise ValueError("path is empty: write one, or leave the key out")
    if "\0" in path:
        raise ValueError("path holds a NUL character")
    return path


LocalPath = Annotated[str, _MARK, AfterValidator(_usable)]
"""A path, or a glob, of this machine. Relative ones start at the folder of the configuration's file, `~` at home."""

PathOrUrl = Annotated[str, _MARK_URL, AfterValidator(_usable)]
"""A folder or file of this machine, or its URL as fsspec writes it (s3://, https://, memory://)."""

NameOrTomlPath = Annotated[str, _MARK_TOML, AfterValidator(_usable)]
"""The name of something that is shipped, or a path of this machine that ends in `.toml`."""


def made_absolute(model: BaseModel, base: Path) -> dict[str, Any]:
    """The model as plain data, its local paths absolute."""

    def absolute(path: str) -> str:
        return path if "://" in path else os.path.normpath(base / os.path.expanduser(path))

    return _convert(model, absolute)


def made_logical(model: BaseModel) -> dict[str, Any]:
    """The model as plain data, of each local path and location only the last component: what may be published.

    Of a service's address only its kind.
    """
    return _convert(model, lambda path: "tcp" if path.startswith("tcp://") else PurePath(path).name)


def _convert(model: BaseModel, change: Callable[[str], str]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        # Where a path is optional or one of several, the mark is within the annotation.
        marks = f"{field.metadata} {field.annotation}"
        value = getattr(model, name)
        if _MARK_TOML in marks and not value.endswith(".toml"):
            plain[name] = value
        else:
            local = _MARK in marks or _MARK_TOML in marks
            plain[name] = _value(value, change if local else None, change)
    return plain


def _value(value: Any, here: Callable[[str], str] | None, change: Callable[[str], str]) -> Any:
    if isinstance(value, BaseModel):
        return _convert(value, change)
    if isinstance(value, list | tuple):
        return [_value(v, here, change) for v in value]
    if isinstance(value, dict):
        return {k: _value(v, here, change) for k, v in value.items()}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and here:
        return here(value)
    return value
