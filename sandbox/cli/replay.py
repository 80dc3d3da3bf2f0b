"""`mpp-sandbox replay FILE`: a recorded run once more, step by step, until it goes another way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.writing import refuse_usage, say, show_json

if TYPE_CHECKING:
    from sandbox.recording import Capture, Replayed

_EXAMPLES: Final = """Examples:
  mpp-sandbox replay bug.mpp
  mpp-sandbox replay bug.mpp --until 12
  mpp-sandbox replay bug.mpp --against http://127.0.0.1:3000
  mpp-sandbox replay bug.mpp --pytest test_bug.py

The exit code is 1 if an answer is not the recorded one. --until leaves the devnet
running as that step left it, until Ctrl-C.
"""

Json = Annotated[bool, typer.Option("--json", help="Write it as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay", epilog=_EXAMPLES)(replay)


def replay(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `record` has written.")],
    until: Annotated[
        int | None, typer.Option(min=1, metavar="STEP", help="Stop there and keep it running.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask another paid API instead.")
    ] = None,
    pytest: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write a test of it, and play nothing.")
    ] = None,
    json: Json = False,
) -> None:
    """Play a capture again, and say at which step it went another way, and how."""
    if sum(one is not None for one in (until, against, pytest)) > 1:
        refuse_usage("--until, --against and --pytest exclude each other.")
    with one_clear_line():
        from mock_rails.server import run
        from sandbox.recording import Capture

        capture = Capture.load(file)
        if pytest is not None:
            _write_test(capture, pytest)
            return
        codes: list[int] = []
        if against is not None:
            run(_against(capture, against, codes, as_json=json))
        else:
            run(_play(capture, until, codes, as_json=json))
    raise typer.Exit(codes[0])


async def _play(capture: Capture, until: int | None, codes: list[int], *, as_json: bool) -> None:
    from sandbox.recording.replay import replaying

    async with replaying(capture, until=until) as (devnet, outcome):
        _tell(outcome, as_json=as_json)
        codes.append(0 if outcome.divergence is None else 1)
        if until is None:
            return
        from mock_rails.server import serve
        from sandbox import banner

        info = devnet.info()
        typer.echo(banner.json_line(info) if as_json else banner.text(info, devnet.balances))
        await serve([], ready=lambda: say("It is as that step left it. Ctrl-C ends it."))


def _tell(outcome: Replayed, *, as_json: bool) -> None:
    if as_json:
        show_json(outcome.to_json())
    else:
        typer.echo(outcome.report())


async def _against(capture: Capture, url: str, codes: list[int], *, as_json: bool) -> None:
    from sandbox.recording.against import compare_with

    found = await compare_with(capture, url)
    if as_json:
        show_json({"differences": [one.to_json() for one in found]})
    else:
        for one in found:
            typer.echo(str(one))
        if not found:
            typer.echo("It answered every request of the paid API alike.")
    codes.append(1 if found else 0)


def _write_test(capture: Capture, path: str) -> None:
    from pathlib import Path

    from mock_rails.core.errors import BadInput
    from sandbox.recording.test_file import test_file

    try:
        Path(path).write_text(test_file(capture))
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from None
    typer.echo(f"Wrote {path}: `pytest {path}` fails until the bug is gone.")
