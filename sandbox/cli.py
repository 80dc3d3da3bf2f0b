"""The command line: `mpp-sandbox up` starts the devnet and prints what to do with it.

Nothing of the rails is imported before a command runs, so that `--help` answers at once.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated, Any

import typer

from mock_rails import __version__

app = typer.Typer(
    name="mpp-sandbox",
    help="A local devnet for the Machine Payments Protocol: no container, no account, no network.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and leave.",
            is_eager=True,
            callback=_print_version,
        ),
    ] = False,
) -> None:
    """Options that need no command; the callbacks act on them."""


@app.command()
def up(
    tempo_port: Annotated[
        str, typer.Option(metavar="PORT", help="Port of the Tempo chain; 0 picks a free one.")
    ] = "8545",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    chain_id: Annotated[str, typer.Option(metavar="ID", help="Chain id.")] = "1337",
    block_time: Annotated[
        str | None,
        typer.Option(metavar="SECONDS", help="A block this often; else one for each transaction."),
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(metavar="BLOCKS", help="Keep this many blocks and their states (4096)."),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Load at start, save at stop.")
    ] = None,
    seed: Annotated[str, typer.Option(help="Seed of everything random.")] = "mpp-sandbox",
    fee_payer: Annotated[
        int | None,
        typer.Option(metavar="N", help="Development account N sponsors whoever asks."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Start the devnet and keep it running until Ctrl-C."""
    from mock_rails.arguments import (
        parse_chain_id,
        parse_duration_ms,
        parse_history,
        parse_port,
    )
    from mock_rails.core.errors import SandboxError
    from mock_rails.server import exposure_warning, is_loopback
    from mock_rails.standalone import TempoOptions, run_tempo
    from sandbox import banner

    def announce(facts: dict[str, Any]) -> None:
        parts = {"tempo": facts}
        typer.echo(banner.json_line(parts) if json else banner.text(parts))

    if not is_loopback(host):
        typer.secho(exposure_warning(host), fg=typer.colors.RED, bold=True, err=True)
    try:
        options = TempoOptions(
            host=host,
            port=parse_port(tempo_port),
            chain_id=parse_chain_id(chain_id),
            block_time_ms=None if block_time is None else parse_duration_ms(block_time),
            history=None if history is None else parse_history(history),
            seed=seed,
            state=state,
            fee_payer=fee_payer,
        )
        run_tempo(options, announce)
    except SandboxError as error:
        typer.echo(f"mpp-sandbox: {error}", err=True)
        raise typer.Exit(1) from None


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
