"""`mpp-sandbox inspect`: what happened to one payment, check by check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.running import ControlRefused, ControlUrl, RunningDevnet, find
from sandbox.cli.writing import paint, show_json

if TYPE_CHECKING:
    from sandbox.inspection import Finding, Transaction

_PAGE: Final = 1_000
_MOST_RECEIPTS: Final = 20

_EXAMPLES: Final = """Examples:
  mpp-sandbox inspect ex-12
  mpp-sandbox inspect 0x7e438d0c --json

The ids are in the output of `pay`, `watch --json` and `channels list`.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    # A challenge's id may begin with a dash.
    takes_any = {"ignore_unknown_options": True}
    app.command("inspect", epilog=_EXAMPLES, context_settings=takes_any)(inspect)


def inspect(
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="An exchange (ex-12), a challenge's id, a transaction's hash or a channel's id;"
            " its beginning is enough.",
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="Write it as JSON.")] = False,
    control_url: ControlUrl = None,
) -> None:
    """Say what happened to a payment, check by check, and what money moved.

    It shows what was asked, every check of the gate in order with what it
    expected and what came, and what the chain says of the transaction.
    """
    with one_clear_line(), find(control_url) as devnet:
        from sandbox.inspection import find as find_in
        from sandbox.inspection import render

        finding = find_in(read_journal(devnet), what)
        transactions = _receipts(devnet, finding.transactions)
        channel = _channel(devnet, finding)
        if json:
            found = {name: one.to_json() for name, one in transactions.items()}
            show_json({**finding.to_json(), "transactions": found, "channel": channel})
            return
        tokens = tokens_of(devnet.info)
        typer.echo(render(finding, transactions, tokens=tokens, channel=channel, paint=paint))


def read_journal(devnet: RunningDevnet) -> list[dict[str, Any]]:
    """All events that the devnet still has."""
    events: list[dict[str, Any]] = []
    after = 0
    while True:
        page = devnet.get("/journal", after=after, limit=_PAGE)
        events += page["events"]
        if not page["events"] or page["next_after"] >= page["last_offset"]:
            return events
        after = page["next_after"]


def tokens_of(info: dict[str, Any]) -> dict[str, str]:
    """The names of a devnet's tokens, by address."""
    tokens = (info.get("tempo") or {}).get("tokens", {})
    return {address.lower(): name for name, address in tokens.items()}


def _receipts(devnet: RunningDevnet, hashes: list[str]) -> dict[str, Transaction]:
    url = (devnet.info.get("tempo") or {}).get("url")
    if url is None or not hashes:
        return {}
    import asyncio

    from sandbox.chain import TempoRpc, receipt
    from sandbox.inspection import Transaction

    async def read() -> dict[str, Transaction]:
        rpc = TempoRpc(url)
        try:
            found = [await receipt(rpc, bytes.fromhex(one[2:])) for one in hashes[-_MOST_RECEIPTS:]]
        finally:
            await rpc.aclose()
        read_ones = [Transaction.of(one) for one in found if one is not None]
        return {one.hash: one for one in read_ones}

    return asyncio.run(read())


def _channel(devnet: RunningDevnet, finding: Finding) -> dict[str, Any] | None:
    from sandbox.inspection import Kind

    if finding.kind is not Kind.CHANNEL:
        return None
    try:
        found: dict[str, Any] = devnet.get(f"/channels/{finding.id}")
    except ControlRefused:
        return None  # forgotten, while the journal still knows of it
    return found
