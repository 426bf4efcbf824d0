"""Commands that read: inspect, audit, explain, languages."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.building import AsJson, Changes, printable, say
from pipeline.errors import AuditError, ConfigError, InputError

ReleaseFolder = Annotated[Path, typer.Argument(metavar="RELEASE", help="The folder of a release.")]


def inspect(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")],
    only: Annotated[
        str | None, typer.Option("--only", metavar="A,B", help="Some of license,redact,language; default: all.")
    ] = None,
    redacted_dir: Annotated[
        Path | None, typer.Option("--redacted-dir", metavar="DIR", help="Also write the redacted texts below DIR.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="A configuration; default: the defaults.")
    ] = None,
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Show what the detectors see in files. Licence, secrets and personal data, language; --json: a line per file."""
    from pipeline.config import load_config, make_config
    from pipeline.inspection.inspect import DETECTORS, inspect_files

    chosen = set(only.split(",")) if only else set(DETECTORS)
    if not chosen <= set(DETECTORS):
        raise ConfigError(f"--only {only}: expected some of {','.join(DETECTORS)}")
    settings = load_config(config, changes) if config else make_config({}, changes or [], Path.cwd(), "--set")
    empty = True
    for row in inspect_files(paths, settings, chosen, redacted_dir):
        empty = False
        print(json.dumps(row) if as_json else "\n".join(printable(line) for line in _inspected_lines(row)))
    if empty:
        say("no file was found there")


def _inspected_lines(row: dict[str, Any]) -> Iterator[str]:
    yield row["path"]
    if "skipped" in row:
        yield f"  skipped   {row['skipped']['rule']}: {row['skipped']['reason']}"
        return
    guessed = ", a guess" if row["encoding_method"] == "guess" else ""
    yield f"  swhid     {row['swhid']}  ({row['src_encoding']}{guessed})"
    if "license" in row:
        found = row["license"]
        yield f"  license   {found['verdict']}: {found['reason']}"
        for e in found["evidence"]:
            lines = f" lines {e['start_line']}-{e['end_line']}" if e["start_line"] else ""
            yield f"            {e['expression']} by {e['source']} {e['path'] or 'of this file'}{lines} ({e['rule']})"
    for span in row.get("redactions", ()):
        shown = span["surrogate"].splitlines()[0]
        yield f"  redact    line {span['line']}: {span['class']} at bytes {span['start']}-{span['end']} -> {shown}"
    if "language" in row:
        flags = [name for name in ("generated", "vendor") if row[f"is_{name}"]]
        how = f"by {row['language_method']}" if row["language"] else "no detector is sure"
        share = f" with confidence {row['language_confidence']}" if row["language_confidence"] is not None else ""
        yield f"  language  {row['language'] or 'unknown'} {how}{share}{''.join(f', {flag}' for flag in flags)}"


def languages(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this one; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the languages that files are tagged with. Linguist's id, type, group and colour; --json: a line for each."""
    from difflib import get_close_matches

    from pipeline.stages.language.languages import languages as known

    found = known()
    if name is not None and name not in found:
        near = get_close_matches(name, found, 1)
        raise ConfigError(f"{name}: no language is called so" + (f"; did you mean {near[0]}?" if near else ""))
    for language in found.values() if name is None else [found[name]]:
        if as_json:
            print(json.dumps(language._asdict(), ensure_ascii=False))
        else:
            group = f", counted with {language.group}" if language.group else ""
            names = " ".join((*language.extensions, *language.filenames))
            print(
                printable(f"{language.name} ({language.id}, {language.type}{group}, {language.color or '-'}): {names}")
            )


def audit(
    release: ReleaseFolder,
    registry: Annotated[
        Path | None,
        typer.Option("--registry", metavar="FILE", help="Also hold the release against this opt-out registry."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", metavar="FILE", help="Also compare the root with this published release.json."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Also check that commitments have this key.")
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also scan released text again for secrets.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a release from its folder alone. Digests, counts, licences, ids, and that nothing vanished."""
    from pipeline.audit.verify import audit_release

    check_is_folder(release)
    report = audit_release(release, registry=registry, manifest=manifest, key=key, deep=deep)
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
    check_is_folder(release)
    targets = _lines_of(from_file) if from_file else [" ".join(target or [])]
    explainer = Explainer(release)
    missing = False
    for wanted in targets:
        for found in explainer.explain(wanted):
            missing |= found["outcome"] == "unknown"
            print(json.dumps(found) if as_json else explanation_text(found))
    if missing and not from_file:
        raise typer.Exit(1)


def check_is_folder(release: Path) -> None:
    if not release.is_dir():
        found = "a file" if release.exists() else "nothing of that name"
        raise InputError(f"{release}: expected the folder of a release, found {found}: correct the path")


def _lines_of(file: Path) -> list[str]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except OSError as error:
        raise InputError(f"--from {file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"--from {file}: is not UTF-8 (byte {error.start}); expected one target a line") from error
    return [line for line in text.splitlines() if line.strip()]


def duplicates(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The configuration of a finished run.")],
    changes: Changes = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Also write a page with plots (HTML).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report what a run dropped as near-duplicates. Clusters, drops, the largest with differences, and recall."""
    from pipeline.config import load_config
    from pipeline.engine.publication import publish_bytes
    from pipeline.site.duplicates import page, report_of

    loaded = load_config(config, changes)
    found = report_of(loaded)
    if out is not None:
        publish_bytes(out, page(found, f"{loaded.dataset.name} {loaded.dataset.version}").encode())
        say(f"wrote {out}")
    if as_json:
        print(json.dumps(found, indent=1))
        return
    print(f"{found['dropped']:,} files went for {found['clusters']:,} that stay")
    for row in found["recall"]:
        shares = ["unknown" if row[name] is None else f"{row[name]:.1%}" for name in ("expected", "measured")]
        print(
            f"  {row['from']:.2f} to {row['to']:.2f}: {row['pairs']:>8,} pairs; of all that are so alike, expected "
            f"{shares[0]}, measured {shares[1]}"
        )
    for row in found["largest"]:
        print(f"  {row['files']:>6,} files: swh:1:cnt:{row['kept']}")
