"""`mpp-sandbox snapshot`: the whole devnet as a file, and where the money went between two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.running import ControlUrl, find
from sandbox.cli.writing import show_json

if TYPE_CHECKING:
    from sandbox.cli.running import RunningDevnet

_EXAMPLES: Final = """Examples:
  mpp-sandbox snapshot save before.json
  mpp-sandbox pay http://127.0.0.1:8402/quote
  mpp-sandbox snapshot diff before.json
  mpp-sandbox snapshot load before.json

A file holds the clock, the seeds, the armed faults, all rails and the
merchants' channels. It holds development keys: only its owner may read it.
"""

Json = Annotated[bool, typer.Option("--json", help="Write it as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    snapshot = typer.Typer(
        help="Save and load the whole devnet; compare two states.",
        epilog=_EXAMPLES,
        no_args_is_help=True,
    )
    snapshot.command("save")(save)
    snapshot.command("load")(load)
    snapshot.command("diff")(diff)
    app.add_typer(snapshot, name="snapshot")


def save(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write it.")],
    json: Json = False,
    control_url: ControlUrl = None,
) -> None:
    """Save the running devnet's state to a file: the old file, or all of the new one."""
    with one_clear_line(), find(control_url) as devnet:
        from mock_rails.core import snapshot

        document = _running(devnet)
        snapshot.save(file, document, indented=True)
        found = {
            "file": file,
            "digest": snapshot.digest(document),
            "holds": sorted(document["rails"]),
        }
        if json:
            show_json(found)
        else:
            typer.echo(f"Saved the devnet to {file}.")


def load(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `save` has written.")],
    json: Json = False,
    control_url: ControlUrl = None,
) -> None:
    """Set the running devnet to a file's state: all of it, or nothing if any part refuses."""
    with one_clear_line():
        from mock_rails.core import snapshot

        data = snapshot.canonical_bytes(snapshot.load(file))
        with find(control_url) as devnet:
            done = devnet.upload("/snapshot", data)
        if json:
            show_json(done)
            return
        typer.echo(f"The devnet is what it was in {file}.")
        if done["faults"]:
            typer.echo(f"Faults armed: {done['faults']} (see `mpp-sandbox faults list`).")


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A snapshot file.")],
    after: Annotated[
        str | None, typer.Argument(metavar="[B]", help="Another; else the running devnet.")
    ] = None,
    json: Json = False,
    control_url: ControlUrl = None,
) -> None:
    """Say where the money went from one state to another: who has more, who less, what changed.

    Two files are compared without a devnet. The exit code is 1 only if money appeared
    or vanished unexplained, or a file cannot be read.
    """
    with one_clear_line():
        from mock_rails.core import snapshot
        from sandbox.snapshots import compare
        from sandbox.snapshots.text import lines

        first = snapshot.load(before)
        if after is None:
            with find(control_url) as devnet:
                second = _running(devnet)
        else:
            second = snapshot.load(after)
        found = compare(first, second)
        if json:
            show_json(found.to_json())
        else:
            typer.echo("\n".join(lines(found)).strip("\n"))
        if not found.is_conserved:
            raise typer.Exit(1)


def _running(devnet: RunningDevnet) -> dict[str, Any]:
    """The devnet's state; not by orjson, for amounts may be longer than 64 bits."""
    from mock_rails.core import snapshot

    return snapshot.parse(devnet.fetch("/snapshot"), "The devnet's answer")
