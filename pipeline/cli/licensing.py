"""Commands about licences: what another policy would do, what goes with what, and what people read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.building import AsJson, printable, say
from pipeline.cli.reading import ReleaseFolder, check_is_folder
from pipeline.errors import InputError

license_app = typer.Typer(no_args_is_help=True, help="Ask about the licences of a release.")
review_app = typer.Typer(no_args_is_help=True, help="Have people read what the detectors doubt.")


@license_app.command("what-if")
def what_if(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="A shipped policy's name, or a .toml file.")],
    folder: Annotated[
        Path, typer.Argument(metavar="RELEASE | WORK", help="The folder of a release, or the work folder of a run.")
    ],
    mode: Annotated[
        str | None, typer.Option("--mode", metavar="MODE", help="strict, standard or stack-v2; default: as built.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what another licence policy or mode would change. From stored evidence; nothing is read anew."""
    from typing import get_args

    from pipeline.audit import what_if as core
    from pipeline.errors import ConfigError
    from pipeline.stages.license.config import Mode
    from pipeline.stages.license.policy import load

    if mode is not None and mode not in get_args(Mode):
        raise ConfigError(f"--mode {mode}: expected {', '.join(get_args(Mode)[:-1])} or {get_args(Mode)[-1]}")
    check_is_folder(folder)
    judged_by = load(policy)
    found = core.what_if(core.stored_in(folder), judged_by, {"mode": mode} if mode else None)
    print(json.dumps(found.as_json(), indent=1) if as_json else printed(core.what_if_text(found)))


@license_app.command("compat")
def compat(
    release: ReleaseFolder,
    outbound: Annotated[str, typer.Option("--outbound", metavar="ID", help="The SPDX id of the licence of the work.")],
    as_json: AsJson = False,
) -> None:
    """Say which released files may go into a work under a licence. By OSADL's matrix; unknown ones are listed."""
    from pipeline.audit import compatibility as core

    check_is_folder(release)
    found = core.compatibility(release, outbound)
    print(json.dumps(found.as_json(), indent=1) if as_json else printed(core.compatibility_text(found)))


@license_app.command("notice")
def notice(
    release: ReleaseFolder,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line for each released file instead.")] = False,
) -> None:
    """Print what a release owes to whom, to ship with it. Copyright statements, licence texts and NOTICE files."""
    from pipeline.audit.attribution import attributions, bundle

    check_is_folder(release)
    if as_json:
        for entry in attributions(release):
            print(json.dumps(entry))
        return
    for piece in bundle(release):
        print(printed(piece), end="")


@review_app.command("export")
def export(
    release: ReleaseFolder,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = 100,
) -> None:
    """Print what a person should look at, as JSON lines. Contested, doubtful and far-reaching contents first."""
    from pipeline.audit.reviewing import for_review

    check_is_folder(release)
    found = for_review(release)
    for entry in found[:limit]:
        print(json.dumps(entry))
    say(f"{min(limit, len(found)):,} of {len(found):,} contents on which verdicts hang")


@review_app.command("sign")
def sign(
    verdicts: Annotated[Path, typer.Argument(metavar="VERDICTS", help="JSON lines of what was read.")],
    key: Annotated[
        Path, typer.Option("--key", metavar="FILE", help="Your OpenSSH private key (Ed25519, without a passphrase).")
    ],
) -> None:
    """Print reviews signed with your key, as JSON lines. They must be your own."""
    from pipeline.stages.license.reviews import load_reviews
    from pipeline.stages.license.signatures import sign as signature_of

    for review in load_reviews(verdicts).all:
        print(review.model_copy(update={"signature": signature_of(review.message(), key)}).line())


@review_app.command("import")
def import_(
    verdicts: Annotated[Path, typer.Argument(metavar="VERDICTS", help="JSON lines of what was read.")],
    into: Annotated[
        Path, typer.Argument(metavar="REVIEWS", help="The file that license.reviews names; it may be new.")
    ],
    reviewers: Annotated[
        Path | None,
        typer.Option("--reviewers", metavar="FILE", help="The reviewers' public keys: the file license.reviewers."),
    ] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Take reviews that nobody signed.")] = False,
) -> None:
    """Add signed reviews to a file of reviews. Prints how far readers agree; a run applies what they agree on."""
    from pipeline.stages.license.config import LicenseConfig
    from pipeline.stages.license.reviews import Reviews, reviews_of

    def checked(path: Path) -> Reviews:
        keys = str(reviewers) if reviewers else None
        return reviews_of(LicenseConfig(reviews=str(path), reviewers=keys, unsigned_reviews=unsigned))

    before = checked(into) if into.exists() else Reviews()
    given = checked(verdicts)
    both = Reviews([*before.all, *given.all])
    fresh = both.all[len(before.all) :]
    try:
        with into.open("a", encoding="utf-8") as file:
            file.writelines(review.line() + "\n" for review in fresh)
    except OSError as error:
        raise InputError(f"{into}: cannot be written: {error.strerror}") from error
    agreed, shared, differing = both.agreement()
    print(f"{len(fresh)} reviews added to {into}, {len(given.all) - len(fresh)} were there")
    print(f"two or more people read {shared} contents: they agree on {agreed}")
    for pair in both.pairs():
        kappa = "not defined" if pair.kappa is None else f"{pair.kappa:.2f}"
        names = " and ".join(map(printable, pair.readers))
        print(f"  {names} read {pair.shared} both: they agree on {pair.agreed}, Cohen's kappa {kappa}")
    for subject in differing:
        print(f"  they differ on {subject}: no review of it is applied")


def printed(text: str) -> str:
    """For a terminal: control characters shown and not obeyed."""
    return "\n".join(map(printable, text.split("\n")))
