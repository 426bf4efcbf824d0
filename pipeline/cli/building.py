"""Commands that make a release: init, run, plan, status, schema."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.build import Built
    from pipeline.config import Config
    from pipeline.engine.runner import StepState

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The configuration, a TOML file.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=C", help="Change one value of the configuration; may be given again."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def init(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")] = Path("permastack.toml"),
) -> None:
    """Write a configuration to edit. It names every setting, its default and what it does."""
    from pipeline.cli.template import template

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        raise ConfigError(f"{path} exists already: give another name, or remove it") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    say(f"wrote {path}. Name your sources in it, then: permastack run {path}")


def run(
    inputs: Annotated[
        list[Path] | None, typer.Argument(metavar="CONFIG | DIR", help="A configuration; with --git, repositories.")
    ] = None,
    git: Annotated[bool, typer.Option("--git", help="The arguments are clones, bare repositories or bundles.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="With --git: where the release goes.")
    ] = None,
    changes: Changes = None,
    sample: Annotated[
        str | None, typer.Option("--sample", metavar="P%", help="Take only a share of the origins, by hash.")
    ] = None,
    verify: Annotated[
        str,
        typer.Option("--verify", metavar="HOW", help="How to check what is cached: size, or full to hash all of it."),
    ] = "size",
    accept_quarantine: Annotated[
        bool, typer.Option("--accept-quarantine", help="Release without the origins that could not be read.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build a release. What an earlier run finished is reused; what changed or is damaged is made anew."""
    from pipeline.build import as_rows, build

    if verify not in ("size", "full"):
        raise ConfigError(f"--verify {verify}: expected size or full")
    config = _run_config(inputs or [], git, out, (changes or []) + _sample(sample))
    if git:
        say("reading HEAD of each repository: what is committed there, not the working tree")
    built = build(
        config,
        verify_full=verify == "full",
        accept_quarantine=accept_quarantine,
        report=(lambda state: None) if as_json else _report,
    )
    for message in built.messages[:20]:
        say(message)
    if len(built.messages) > 20:
        more = len(built.messages) - 20
        say(f"... and {more} more messages about origins (all of them: permastack status {config.execution.work})")
    if as_json:
        result = {
            "release": str(built.folder),
            "root": built.release.root,
            "fresh": built.fresh,
            "totals": built.release.totals.model_dump(),
            "steps": as_rows(built.states),
            "messages": built.messages,
        }
        print(json.dumps(result, indent=1))
        return
    print(funnel(built))
    print(f"root: {built.release.root}")
    here = Path.cwd()
    print(f"release: {built.folder.relative_to(here) if built.folder.is_relative_to(here) else built.folder}")


def _run_config(inputs: list[Path], git: bool, out: Path | None, changes: list[str]) -> Config:
    from pipeline.config import load_config, make_config

    if git:
        if not inputs or out is None:
            missing = "--out DIR" if inputs else "repositories"
            raise ConfigError(f"--git needs {missing}: permastack run --git DIR... --out DIR")
        data: dict[str, Any] = {
            "ingest": {"sources": [{"kind": "git", "paths": [str(path.resolve()) for path in inputs]}]},
            "execution": {"work": str(out.resolve() / "work"), "releases": str(out.resolve() / "releases")},
        }
        return make_config(data, changes, Path.cwd(), "--git")
    usage = "permastack run CONFIG, or permastack run --git DIR... --out DIR"
    if out is not None:
        raise ConfigError(f"--out goes with --git only; a configuration names its folders in [execution]: {usage}")
    if len(inputs) != 1:
        raise ConfigError(f"expected one configuration file, found {len(inputs)}: {usage}")
    if inputs[0].is_dir():
        raise ConfigError(
            f"{inputs[0]} is a folder, expected a configuration file; to read it as a repository: {usage}"
        )
    return load_config(inputs[0], changes)


def _sample(text: str | None) -> list[str]:
    if text is None:
        return []
    try:
        share = float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise ConfigError(f"--sample {text}: expected a share such as 1% or 0.01") from None
    if not 0 < share <= 1:
        raise ConfigError(f"--sample {text}: expected a share above 0 and up to 100%, such as 1% or 0.01")
    return [f"ingest.sample={share!r}"]


def _report(state: StepState) -> None:
    if state.missing:
        parts = f"{len(state.missing):>4} parts run, {len(state.cached):>4} cached"
        say(f"{state.step.name:<20} {parts}  {state.seconds:6.1f} s")


def funnel(built: Built) -> str:
    """What became of every listed occurrence, stage by stage, as a table."""
    totals = built.release.totals
    lines = [("listed", totals.listed, "")]
    stages = list(dict.fromkeys(step.stage for step in built.runner.steps))
    for stage in stages:
        if stage == "exact":
            lines.append(("  exact: merged as copies", -totals.merged, "ledger/copies"))
        for name, count in totals.dropped.items():
            if name.partition(".")[0] == stage and count:
                lines.append((f"  {stage}: {name.partition('.')[2]}", -count, "ledger/decisions"))
    lines.append(("released", totals.released, "data"))
    width = max(len(label) for label, _, _ in lines)
    return "\n".join(f"{label:<{width}}  {count:>10,}  {where}".rstrip() for label, count, where in lines)


def plan(config: ConfigFile, changes: Changes = None, as_json: AsJson = False) -> None:
    """Say what a run would do. Per step: how many parts are cached, must run, or depend on what is not known yet."""
    from pipeline.cli.planning import plan_rows, plan_table
    from pipeline.config import load_config

    rows = plan_rows(load_config(config, changes))
    print(json.dumps(rows, indent=1) if as_json else plan_table(rows))


def status(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG | DIR", help="The configuration, or the folder given to --out.")
    ],
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Say how far a run is. Per step: what is finished in the work folder; and what the sources had to say."""
    from pipeline.cli.planning import status_rows, status_table
    from pipeline.config import load_config

    if config.is_dir():
        work = config / "work" if (config / "work").is_dir() else config
    else:
        work = Path(load_config(config, changes).execution.work)
    rows = status_rows(work)
    print(json.dumps(rows, indent=1) if as_json else status_table(rows))


def schema() -> None:
    """Print the configuration's JSON Schema, for editors."""
    from pipeline.config import json_schema

    print(json_schema())


def say(text: str) -> None:
    """A message for people: on stderr, control characters shown and not obeyed."""
    print("\n".join(map(printable, text.split("\n"))), file=sys.stderr)


def printable(line: str) -> str:
    """A line for a terminal: what is not printable is shown as Python would write it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
