"""`mpp-sandbox record -o FILE -- CMD`: a devnet for a program, and what came to it in a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.options import Options, read_settings, takes_devnet_options
from sandbox.cli.writing import say

if TYPE_CHECKING:
    from sandbox.devnet import Devnet

_EXAMPLES: Final = """Examples:
  mpp-sandbox record -o bug.mpp -- python client.py
  mpp-sandbox record -o bug.mpp --fault '{"at": "tempo.submit", "do": "drop"}' -- npm test
  mpp-sandbox replay bug.mpp

The file holds the devnet before the first request, and then every request to its
ports with its answer and its time. Payment credentials are in it (they were used,
for test money); API keys other than the sandbox's, cookies and private keys are not.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    settings = {"ignore_unknown_options": True, "allow_interspersed_args": False}
    app.command("record", epilog=_EXAMPLES, context_settings=settings)(record)


@takes_devnet_options
def record(
    given: Options,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to write the capture.")
    ],
    command: Annotated[list[str], typer.Argument(metavar="-- CMD…", help="What to run.")],
    fault: Annotated[
        list[str] | None, typer.Option(metavar="JSON", help="Arm this before; several may be.")
    ] = None,
) -> None:
    """Run a command beside a devnet, as exec does, and write down all that came to its ports.

    The exit code is the command's.
    """
    with one_clear_line():
        from mock_rails.server import run

        base = given["port_base"] or os.environ.get("MPP_SANDBOX_PORT_BASE") or "0"
        settings = read_settings({**given, "port_base": base})
        faults = [_fault(one) for one in fault or ()]
        from sandbox.cli.execute import run_beside
        from sandbox.recording import Recorded
        from sandbox.recording import record as record_run

        done: list[Recorded] = []

        async def work(devnet: Devnet) -> int:
            return await run_beside(devnet, command)

        async def all_of_it() -> None:
            done.append(await record_run(settings, work, command=command, faults=faults))

        run(all_of_it())
        capture = done[0].capture
        capture.save(output)
    count = len(capture.steps)
    say(f"Recorded {count} request{'' if count == 1 else 's'} in {output}.")
    for note in capture.notes:
        say(f"Note: {note}.")
    raise typer.Exit(capture.exit_code)


def _fault(text: str) -> dict[str, object]:
    """A fault as JSON."""
    import json

    from mock_rails.core.errors import FaultError

    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise FaultError(
            f"{text[:60]!r} is no fault.", hint='Write {"at": "tempo.submit", "do": "drop"}.'
        )
    return found
