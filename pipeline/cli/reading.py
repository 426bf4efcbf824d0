"""Commands that read: inspect, audit, explain."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.building import AsJson, Changes, say
from pipeline.errors import AuditError, ConfigError

ReleaseFolder = Annotated[Path, typer.Argument(help="The folder of a release.")]


def inspect(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    only: Annotated[
        str | None, typer.Option("--only", metavar="A,B", help="Some of license,redact,language; default: all.")
    ] = None,
    redacted_dir: Annotated[
        Path | None, typer.Option("--redacted-dir", metavar="DIR", help="Also write the redacted texts below DIR.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="A configuration; default: the defaults.")] = None,
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Show what the detectors see in files: licence, secrets and personal data, language."""
    from pipeline.inspection import DETECTORS, inspect_files
    from pipeline.config import load_config, make_config

    chosen = set(only.split(",")) if only else set(DETECTORS)
    if not chosen <= set(DETECTORS):
        raise ConfigError(f"--only {only}: expected some of {','.join(DETECTORS)}")
    settings = load_config(config, changes) if config else make_config({}, changes or [], Path.cwd(), "--set")
    for row in inspect_files(paths, settings, chosen, redacted_dir):
        if as_json:
            print(json.dumps(row))
        else:
            _print_inspected(row)


def _print_inspected(row: dict[str, object]) -> None:
    print(row["path"])
    for key, value in row.items():
        if key == "redactions" and isinstance(value, list):
            for span in value:
                print(f"  redact    {span['class']} {span['start']}-{span['end']} by {span['detector']} -> {span['surrogate']!r}")
        elif key == "license" and isinstance(value, dict):
            print(f"  license   {value['verdict']}: {value['expression']}")
        elif key != "path":
            print(f"  {key:<9} {value}")


def audit(
    release: ReleaseFolder,
    registry: Annotated[
        Path | None, typer.Option("--registry", help="Also hold the release against this opt-out registry.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="Also compare the root with this published release.json.")
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also scan released text again for secrets.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a release from its folder alone: digests, counts, licences, ids, and that nothing vanished."""
    from pipeline.audit.verify import audit_release

    report = audit_release(release, registry=registry, manifest=manifest, deep=deep)
    if as_json:
        print(json.dumps(report.as_json(), indent=1))
    else:
        for check in report.checks:
            print(f"{'ok  ' if not check.problems else 'FAIL'} {check.name}: {check.about}")
            for problem in check.problems[:10]:
                print(f"       {problem}")
            if len(check.problems) > 10:
                print(f"       ... and {len(check.problems) - 10} more")
    if report.problems:
        raise AuditError(f"{release}: {len(report.problems)} violations found")
    say(f"{release}: no violation found by {len(report.checks)} checks")


def explain(
    release: ReleaseFolder,
    target: Annotated[
        list[str] | None, typer.Argument(help="A SWHID, or an origin and a path.", metavar="SWHID | ORIGIN PATH")
    ] = None,
    from_file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Targets, one a line; - for standard input.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what became of a content or of a file, and why."""
    from pipeline.audit.explain import Explainer, explanation_text

    if (not target) == (from_file is None) or len(target or []) > 2:
        raise ConfigError("expected a SWHID, or an origin and a path, or --from FILE")
    if from_file:
        text = sys.stdin.read() if str(from_file) == "-" else from_file.read_text("utf-8")
        targets = [line for line in text.splitlines() if line.strip()]
    else:
        targets = [" ".join(target or [])]
    explainer = Explainer(release)
    missing = False
    for wanted in targets:
        for found in explainer.explain(wanted):
            missing |= found["outcome"] == "unknown"
            print(json.dumps(found) if as_json else explanation_text(found))
    if missing and not from_file:
        raise typer.Exit(1)
