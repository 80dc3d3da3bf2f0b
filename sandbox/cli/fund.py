"""`mpp-sandbox fund`: money for any address, from the faucet."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.running import ControlUrl, RunningDevnet, find
from sandbox.cli.writing import money, refuse_usage, shorten, show_json

_EXAMPLES: Final = """Examples:
  mpp-sandbox fund 0x1234567890abcdef1234567890abcdef12345678
  mpp-sandbox fund 3 --amount 2.50 --token AlphaUSD

Without an address it is the payer, account 0.
"""
_DECIMALS: Final = 6


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(fund)


def fund(
    who: Annotated[
        str,
        typer.Argument(
            metavar="[ADDRESS|N]", help="An address, or a development account's number."
        ),
    ] = "0",
    amount: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="So much, such as 2.50; else a faucet's.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of which token (pathUSD).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write it as JSON.")] = False,
    control_url: ControlUrl = None,
) -> None:
    """Give an account money: some of every token, or an exact amount of one."""
    if token is not None and amount is None:
        refuse_usage("--token wants an --amount; without both, every token is given.")
    with one_clear_line():
        order: dict[str, Any] = {}
        if amount is not None:
            from mock_rails.core.errors import BadInput
            from sandbox.client.amounts import parse_amount

            units = parse_amount(amount, _DECIMALS)
            if not units:
                raise BadInput("Nothing is no amount to give.", hint="Write 2.50 or 0.01.")
            order = {"amount": str(units), "token": token or "pathUSD"}
        with find(control_url) as devnet:
            done = devnet.post("/fund", {"address": _address(devnet, who), **order})
        if json:
            show_json(done)
        else:
            typer.echo("\n".join(told(done)))


def told(done: dict[str, Any]) -> list[str]:
    """What was done, in words."""
    count = len(done["transactions"])
    how = (
        f"{count} transactions" if count > 1 else f"transaction {shorten(done['transactions'][0])}"
    )
    held = [f"  {name:<10} {money(int(held))}" for name, held in done["balances"].items()]
    return [f"Funded {done['address']} ({how}). It now holds", *held]


def _address(devnet: RunningDevnet, who: str) -> str:
    """The address that is meant; the devnet judges those that are written out."""
    if not (who.isascii() and who.isdigit() and len(who) < 4):
        return who
    from mock_rails.core.errors import BadInput

    known = (devnet.info.get("tempo") or {}).get("accounts", [])
    if int(who) >= len(known):
        raise BadInput(
            f"There is no development account {who}.",
            hint=f"They are numbered 0 to {len(known) - 1}." if known else None,
        )
    return str(known[int(who)]["address"])
