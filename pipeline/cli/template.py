"""The configuration that `init` writes: made from the model, so that it cannot drift from it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from pipeline.config import Config

_HEAD = """\
# A Permastack configuration. Lines that start with "# " before a name show the default: remove the mark to change it.
# Relative paths start at this file's folder. `permastack schema` prints the JSON Schema.

[[ingest.sources]]
kind = "git"                    # clones, bare repositories, bundles: HEAD of each
paths = ["repositories/*"]

# [[ingest.sources]]
# kind = "archives"             # wheels, sdists, tar, zip, plain folders
# path = "archives/*"
# origin = "pkg:pypi/{name}@{version}"
"""


def template() -> str:
    """TOML text with every section and setting."""
    lines = [_HEAD]
    for name, field in Config.model_fields.items():
        assert isinstance(field.annotation, type)
        _section(lines, name, field.annotation, field.description or "")
    return "\n".join(lines)


def _section(lines: list[str], name: str, model: type[BaseModel], about: str) -> None:
    lines.append(f"\n[{name}]  # {about}")
    below = []
    for key, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            below.append((f"{name}.{key}", field.annotation, field.description or ""))
        elif (name, key) != ("ingest", "sources"):
            default = field.get_default(call_default_factory=True)
            lines.append(f"# {field.description}")
            lines.append(f"# {key} = {_toml(default)}")
    for section in below:
        _section(lines, *section)


def _toml(value: Any) -> str:
    if value is None or value is PydanticUndefined:
        return '"PATH"  # not set by default'
    if isinstance(value, tuple):
        value = list(value)
    return json.dumps(value)
