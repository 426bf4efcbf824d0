"""The parts of docs/ that the program itself knows: each command's help, and every setting.

`python -m pipeline.cli.reference docs` writes them anew into the pages between their marks; a test compares.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from pipeline.cli import app
from pipeline.config import Config

PAGES = ("commands.md", "configuration.md")
_WIDTH = 100
_MARKED = re.compile(r"(?P<open><!-- (?P<what>\w+)(?: (?P<name>[\w -]+?))? -->\n).*?(?P<close><!-- end -->)", re.DOTALL)


def command_names() -> list[str]:
    """Every command of the program, in the order in which help lists them; those of a group as `GROUP NAME`."""
    group: Any = typer.main.get_command(app)
    found = []
    for name, command in group.commands.items():
        found += [f"{name} {below}" for below in getattr(command, "commands", ())] or [name]
    return found


def help_of(name: str) -> str:
    """What `permastack NAME --help` prints on a terminal of 100 columns."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("permastack", [name.split(" ")[0]], resilient_parsing=True)
    kind = type(context)
    for word in name.split(" "):
        command = command.commands[word]
        context = kind(command, info_name=word, parent=context, terminal_width=_WIDTH, max_content_width=_WIDTH)
    return str(command.get_help(context))


def settings_table(section: str) -> str:
    """The settings of a section as a Markdown table, with their defaults."""
    schema = Config.model_json_schema()
    node = schema["$defs"][schema["properties"][section]["$ref"].rpartition("/")[2]]
    lines = ["| key | default | what it does |", "|---|---|---|"]
    return "\n".join([*lines, *_rows(schema, node, "")])


def _rows(schema: dict[str, Any], node: dict[str, Any], prefix: str) -> Iterator[str]:
    for key, field in node["properties"].items():
        reference = field.get("$ref")
        if reference:
            yield from _rows(schema, schema["$defs"][reference.rpartition("/")[2]], f"{prefix}{key}.")
            continue
        if "additionalProperties" in field:
            default = "(none)"
        elif "default" not in field or "const" in field:
            default = "(needed)"
        else:
            default = "(not set)" if field["default"] is None else f"`{json.dumps(field['default'])}`"
        choices = _choices(field)
        about = field["description"].rstrip(".") + (f". One of {choices}" if choices else "") + "."
        yield f"| `{prefix}{key}` | {default} | {about.replace('|', chr(92) + '|')} |"


def _choices(field: dict[str, Any]) -> str:
    return ", ".join(f"`{choice}`" for choice in field.get("enum", field.get("items", {}).get("enum", [])))


def model_table(name: str) -> str:
    """The settings of a part of the configuration that a section may hold several of."""
    schema = Config.model_json_schema()
    return "\n".join(["| key | default | what it does |", "|---|---|---|", *_rows(schema, schema["$defs"][name], "")])


def refreshed(page: str) -> str:
    """A page with all that stands between marks made anew. Raises KeyError for a mark that names nothing."""

    def anew(found: re.Match[str]) -> str:
        made = {
            "help": lambda name: f"```text\n{help_of(name)}\n```",
            "settings": settings_table,
            "source": lambda kind: model_table(f"{kind.capitalize()}Source"),
            "model": model_table,
        }[found["what"]](found["name"])
        return f"{found['open']}{made}\n{found['close']}"

    return _MARKED.sub(anew, page)


if __name__ == "__main__":
    for page in PAGES:
        path = Path(sys.argv[1]) / page
        path.write_text(refreshed(path.read_text("utf-8")), "utf-8")
