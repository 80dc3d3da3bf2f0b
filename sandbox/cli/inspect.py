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
  mpp-sandbox inspect pi_uLLqFB66

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
            help="An exchange (ex-12), a challenge's id, a transaction's hash, a channel's id, a"
            " PaymentIntent's or a Lightning payment's hash; its beginning is enough.",
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="Write it as JSON.")] = False,
    control_url: ControlUrl = None,
) -> None:
    """Say what happened to a payment, check by check, and what money moved.

    It shows what was asked, every check of the gate in order with what it
    expected and what came, what the chain says of the transaction, what
    happened over Lightning, and what Stripe knows of the challenge: tokens,
    PaymentIntents, and whether a call was charged twice.
    """
    with one_clear_line(), find(control_url) as devnet:
        from sandbox.cli.stripe_log import card_story
        from sandbox.inspection import render

        events = read_journal(devnet)
        finding = _found(devnet, events, what)
        transactions = _receipts(devnet, finding.transactions)
        channel = _channel(devnet, finding)
        cards = card_story(devnet.info, finding.card_challenges, events)
        if json:
            found = {name: one.to_json() for name, one in transactions.items()}
            stripe = None if cards is None else cards.to_json()
            told = {"transactions": found, "channel": channel, "stripe": stripe}
            show_json({**finding.to_json(), **told})
            return
        tokens = tokens_of(devnet.info)
        typer.echo(
            render(finding, transactions, tokens=tokens, channel=channel, cards=cards, paint=paint)
        )


def _found(devnet: RunningDevnet, events: list[dict[str, Any]], what: str) -> Finding:
    """What the journal knows; or a challenge of somebody else's merchant, whom Stripe was asked
    to charge for."""
    from mock_rails.core.errors import NotFound
    from sandbox.cli.stripe_log import full_challenge
    from sandbox.inspection import Finding, Kind
    from sandbox.inspection import find as find_in

    try:
        return find_in(events, what)
    except NotFound:
        names = full_challenge(devnet.info, what.strip())
        if len(names) != 1:
            raise
        return Finding(Kind.CHALLENGE, names[0], (), (), ())


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
