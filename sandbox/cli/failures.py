"""`mpp-sandbox failures`: what goes wrong with payments in the wild, told and played.

A play needs no running devnet: it brings its own, without a port.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.writing import paint, show_json

if TYPE_CHECKING:
    from sandbox.failures import Failure, Played
    from sandbox.failures.telling import Step

_ALL: Final = "all"
_HEAD: Final = ("at", "do")
"""What a fault begins with: where, and what."""
_EXAMPLES: Final = """Examples:
  mpp-sandbox failures list
  mpp-sandbox failures show duplicate-credential
  mpp-sandbox failures play duplicate-credential
  mpp-sandbox failures play all --json

The same in a test of yours: @pytest.mark.mpp(faults=["response-lost-after-settlement"])
"""

Json = Annotated[bool, typer.Option("--json", help="Write it as JSON.")]
Slug = Annotated[str, typer.Argument(metavar="FAILURE", help="Its name in the catalogue.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    failures = typer.Typer(
        help="The catalogue of real failures: read of them, and see them played.",
        epilog=_EXAMPLES,
        no_args_is_help=True,
    )
    failures.command("list")(listed)
    failures.command("show")(show)
    failures.command("play")(play)
    app.add_typer(failures, name="failures")


def listed(json: Json = False) -> None:
    """List the failures."""
    from sandbox.failures import SLUGS, find

    found = [find(slug) for slug in SLUGS]
    if json:
        show_json({"failures": [_facts(one) for one in found]})
        return
    width = max(map(len, SLUGS)) if sys.stdout.isatty() else 0
    for one in found:
        gap = "  " if width else "\t"
        typer.echo(f"{one.slug.ljust(width)}{gap}{one.title}")


def show(slug: Slug, json: Json = False) -> None:
    """Tell what a failure is, and how to make it happen."""
    from sandbox.failures import find

    with one_clear_line():
        failure = find(slug)
        if json:
            show_json(_facts(failure))
            return
        typer.echo(f"{failure.slug}: {failure.title}\n\n{failure.summary}\n")
        for fault in failure.faults:
            rest = [_words(name, value) for name, value in fault.items() if name not in _HEAD]
            typer.echo(f"Fault: {fault['at']} {fault['do']} {' '.join(rest)}".rstrip())
        if failure.faults:
            typer.echo(f"Arm it: mpp-sandbox faults arm --named {slug}")
            typer.echo(f'In a test: @pytest.mark.mpp(faults=["{slug}"])')
        typer.echo(f"See it: mpp-sandbox failures play {slug}")


def play(
    slug: Annotated[str, typer.Argument(metavar="FAILURE|all", help="Its name, or all.")],
    seed: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What everything is drawn from.")
    ] = None,
    json: Json = False,
) -> None:
    """Play a failure, and check what must hold; exit code 1 if something does not."""
    import asyncio

    from sandbox.failures import SLUGS, find
    from sandbox.failures.playing import SEED
    from sandbox.failures.playing import play as played

    with one_clear_line():
        chosen = [find(one) for one in (SLUGS if slug == _ALL else (slug,))]
        done = [asyncio.run(played(one, SEED if seed is None else seed)) for one in chosen]
        for number, one in enumerate(done):
            if json:
                show_json(one.to_json())
            else:
                _tell(one, first=number == 0)
        if not all(one.holds for one in done):
            raise typer.Exit(1)


def _words(name: str, value: object) -> str:
    """A part of a fault as `faults arm` takes it: `base_fee=3`, `when nth=1`."""
    if isinstance(value, dict):
        return " ".join(f"{key}={one}" for key, one in value.items())
    return f"{name} {value}"


def _tell(played: Played, *, first: bool) -> None:
    if not first:
        typer.echo()
    typer.echo(paint(f"{played.failure.slug}: {played.failure.title}", "cyan", bold=True))
    for step in played.steps:
        for line in step.lines():
            typer.echo(paint(line, _colour(step)))


def _colour(step: Step) -> str:
    if step.holds is not None:
        return "green" if step.holds else "red"
    return {"part": "cyan", "wire": "bright_black"}.get(step.kind.value, "reset")


def _facts(failure: Failure) -> dict[str, object]:
    return {
        "slug": failure.slug,
        "title": failure.title,
        "summary": failure.summary,
        "faults": [dict(fault) for fault in failure.faults],
    }
