"""`mpp-sandbox channels`: payment channels, from both sides, and Lightning sessions.

A channel has two books: the payer's is where `pay` remembers what it signed (the state directory),
the merchants' is what the devnet's control tells. What each says is told apart, and so is who ends
a channel.
"""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.payer import (
    Account,
    KeyEnv,
    Rpc,
    StateDir,
    clock_of,
    devnet_info,
    node_of,
    read_wallet,
    state_folder,
)
from sandbox.cli.running import ControlRefused, ControlUrl, NoDevnet, find
from sandbox.cli.writing import money, paint, say, show_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from sandbox.client.lightning.session import SessionRecord
    from sandbox.client.session import PayerChannel, SessionPayer
    from sandbox.client.wallet import Wallet

_EXAMPLES: Final = """Examples:
  mpp-sandbox channels list
  mpp-sandbox channels show 0xb734a2
  mpp-sandbox channels close 0xb734a2
  mpp-sandbox channels close 0xb734a2 --as merchant
  mpp-sandbox channels force-close 0xb734a2

The payer's book and the merchants' are told apart: a restarted devnet
forgets its channels, and the book of `pay` does not.
"""

ChannelId = Annotated[str, typer.Argument(metavar="ID", help="A channel's id, or its beginning.")]
Json = Annotated[bool, typer.Option("--json", help="Write it as JSON.")]


class Side(StrEnum):
    """Who ends a channel."""

    PAYER = "payer"
    MERCHANT = "merchant"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    channels = typer.Typer(
        help="List, show and end payment channels.", epilog=_EXAMPLES, no_args_is_help=True
    )
    channels.command("list")(listed)
    channels.command("show")(show)
    channels.command("close")(close)
    channels.command("force-close")(force_close)
    channels.command("withdraw")(withdraw)
    app.add_typer(channels, name="channels")


# -- reading --------------------------------------------------------------------------------------


def listed(json: Json = False, state_dir: StateDir = None, control_url: ControlUrl = None) -> None:
    """List the channels and the Lightning sessions that `pay` has opened, and the channels that
    the devnet's merchants know."""
    with one_clear_line():
        from sandbox.cli.channel_text import merchant_rows, payer_json, payer_rows
        from sandbox.cli.session_text import session_json, session_rows

        folder = state_folder(state_dir)
        ours, theirs = _book(folder), _merchants(control_url)
        sessions = _lightning_book(folder)
        if json:
            show_json(
                {
                    "payer": [payer_json(one) for one in ours],
                    "merchant": None if theirs is None else theirs["channels"],
                    "exposure": None if theirs is None else theirs["exposure"],
                    "lightning_sessions": [session_json(one) for one in sessions],
                }
            )
            return
        typer.echo(paint("Yours", "cyan") + f" (the payer's book in {folder})")
        typer.echo("\n".join(payer_rows(ours)))
        typer.echo()
        typer.echo(paint("Your Lightning sessions", "cyan") + " (deposits, not on the chain)")
        typer.echo("\n".join(session_rows(sessions)))
        typer.echo()
        if theirs is None:
            typer.echo(paint("The merchants'", "cyan") + " (no devnet is running)")
            return
        exposure = money(int(theirs["exposure"]))
        typer.echo(paint("The merchants'", "cyan") + f" ({exposure} delivered and not settled)")
        typer.echo("\n".join(merchant_rows(theirs["channels"])))


def show(
    channel: ChannelId,
    json: Json = False,
    state_dir: StateDir = None,
    control_url: ControlUrl = None,
) -> None:
    """Show one channel as the payer and as the merchants see it."""
    with one_clear_line():
        from sandbox.cli.channel_text import both_sides, payer_json

        found, known = _find(channel, _book(state_folder(state_dir)), _merchants(control_url))
        if json:
            show_json({"payer": found and payer_json(found), "merchant": known})
            return
        typer.echo("\n".join(both_sides(found, known)))


# -- ending ---------------------------------------------------------------------------------------


def close(
    channel: ChannelId,
    side: Annotated[
        Side | None,
        typer.Option(
            "--as", help="Who asks for it: the payer whose book has it, or else the merchant."
        ),
    ] = None,
    json: Json = False,
    account: Account = None,
    key_env: KeyEnv = None,
    rpc: Rpc = None,
    state_dir: StateDir = None,
    control_url: ControlUrl = None,
) -> None:
    """Close a channel: the merchant captures what was spent, and the payer gets the rest back."""
    with one_clear_line():
        folder = state_folder(state_dir)
        theirs = None if side is Side.PAYER else _merchants(control_url)
        ours = [] if side is Side.MERCHANT else _book(folder)
        found, known = _find(channel, ours, theirs)
        if found is None:
            assert known is not None
            if known["status"] == "closed":
                _told(known, f"{known['id']} was closed before.", json=json)
                return
            with find(control_url) as devnet:
                done = devnet.post(f"/channels/{known['id']}/close")["channel"]
            _told(
                done,
                f"The merchant closed {done['id']}: {money(int(done['settled']))} captured.",
                json=json,
            )
            return
        if found.state.value == "closed":
            _ended(found, f"0x{found.id.hex()} was closed before.", json=json)
            return
        payer = _payer_of(found, account, key_env)
        ended = _as_payer(
            lambda sessions: sessions.close_channel(found.id), payer, folder, rpc, control_url
        )
        if ended.captured is None:  # a chain that began anew, as a devnet's does
            text = f"The chain has no channel 0x{ended.id.hex()}: the book says so now."
        else:
            told = f"{money(ended.captured)} captured, {money(ended.deposit - ended.captured)} back"
            text = f"Closed 0x{ended.id.hex()}: {told}."
        _ended(ended, text, json=json)


def force_close(
    channel: ChannelId,
    json: Json = False,
    account: Account = None,
    key_env: KeyEnv = None,
    rpc: Rpc = None,
    state_dir: StateDir = None,
    control_url: ControlUrl = None,
) -> None:
    """Leave a channel without the merchant, who has 15 minutes to capture what it is due.

    Afterwards `channels withdraw` takes the rest back.
    """
    with one_clear_line():
        folder = state_folder(state_dir)
        found = _ours(channel, folder)
        payer = _payer_of(found, account, key_env)
        ended = _as_payer(
            lambda sessions: sessions.force_close(found.id), payer, folder, rpc, control_url
        )
        name = f"0x{ended.id.hex()}"
        if ended.state.value == "closed":
            text = f"{name} is closed already."
        else:
            text = f"Asked the chain to close {name}. In 16 minutes: channels withdraw {name[:10]}"
        _ended(ended, text, json=json)


def withdraw(
    channel: ChannelId,
    json: Json = False,
    account: Account = None,
    key_env: KeyEnv = None,
    rpc: Rpc = None,
    state_dir: StateDir = None,
    control_url: ControlUrl = None,
) -> None:
    """Take back what the merchant did not capture after a forced close."""
    with one_clear_line():
        folder = state_folder(state_dir)
        found = _ours(channel, folder)
        payer = _payer_of(found, account, key_env)
        ended = _as_payer(
            lambda sessions: sessions.withdraw(found.id, wait=False),
            payer,
            folder,
            rpc,
            control_url,
        )
        captured = money(ended.captured or 0)
        _ended(ended, f"Withdrew from 0x{ended.id.hex()}: {captured} was captured.", json=json)


def _as_payer(
    do: Callable[[SessionPayer], Awaitable[PayerChannel]],
    wallet: Wallet,
    folder: Path,
    rpc: str | None,
    control_url: str | None,
) -> PayerChannel:
    """Have the payer's client do something to one of its channels."""
    from mock_rails.server import run
    from sandbox.client.client import PaidClient
    from sandbox.client.session import SessionSettings

    rpc_url = node_of(rpc, devnet_info(find(control_url)))
    clock = clock_of(rpc, find(control_url))
    done: list[PayerChannel] = []

    async def work() -> None:
        async with PaidClient(
            wallet,
            rpc_url=rpc_url,
            clock=clock,
            prefer=("tempo/session",),
            state=folder,
            session=SessionSettings(close_on_exit=False),
        ) as client:
            done.append(await do(client.sessions))

    run(work())
    return done[0]


def _told(document: dict[str, Any], text: str, *, json: bool) -> None:
    if json:
        show_json(document)
    else:
        typer.echo(text)


def _ended(channel: PayerChannel, text: str, *, json: bool) -> None:
    from sandbox.cli.channel_text import payer_json

    _told(payer_json(channel), text, json=json)
    if channel.closed_tx is not None and not json:
        say(f"Transaction 0x{channel.closed_tx.hex()}")


# -- finding --------------------------------------------------------------------------------------


def _book(folder: Path) -> list[PayerChannel]:
    """The channels of all payers that keep their book there, oldest first."""
    from sandbox.client.session.book import FILE_NAME, ChannelBook

    if not (folder / FILE_NAME).is_file():
        return []
    book = ChannelBook(folder)
    try:
        return sorted(book.load(), key=lambda one: one.opened_at_s)
    finally:
        book.close()


def _lightning_book(folder: Path) -> list[SessionRecord]:
    """The Lightning sessions of all nodes that `pay` has paid from, oldest first."""
    from sandbox.client.lightning.book import FILE_NAME, LightningBook

    if not (folder / FILE_NAME).is_file():
        return []
    book = LightningBook(folder, b"")
    try:
        return book.load_all()
    finally:
        book.close()


def _merchants(control_url: str | None) -> dict[str, Any] | None:
    """What the devnet's merchants know, if one runs."""
    with suppress(NoDevnet, ControlRefused), find(control_url) as devnet:
        known: dict[str, Any] = devnet.get("/channels")
        return known
    return None


def _find(
    wanted: str, ours: list[PayerChannel], theirs: dict[str, Any] | None
) -> tuple[PayerChannel | None, dict[str, Any] | None]:
    """The channel that an id or its beginning means, as each side knows it."""
    from mock_rails.core.errors import BadInput, NotFound

    start = wanted.lower() if wanted.lower().startswith("0x") else f"0x{wanted.lower()}"
    mine = {f"0x{one.id.hex()}": one for one in ours}
    known = {one["id"]: one for one in (theirs or {"channels": []})["channels"]}
    names = [name for name in {**mine, **known} if name.startswith(start)]
    if not names:
        raise NotFound(
            f"No channel {wanted[:70]} is known here.", hint="See `mpp-sandbox channels list`."
        )
    if len(names) > 1:
        raise BadInput(f"{len(names)} channels begin with {start[:70]}.", hint="Give more of it.")
    return mine.get(names[0]), known.get(names[0])


def _ours(wanted: str, folder: Path) -> PayerChannel:
    found, _ = _find(wanted, _book(folder), None)
    assert found is not None
    return found


def _payer_of(channel: PayerChannel, account: int | None, key_env: str | None) -> Wallet:
    """The wallet that the channel belongs to; among the development accounts it is looked for."""
    from mock_rails.core.errors import BadInput
    from sandbox.client.wallet import Wallet
    from sandbox.settings import ACCOUNTS

    payer = channel.descriptor.payer
    if account is not None or key_env is not None:
        wallet = read_wallet(account, key_env)
        if wallet.address == payer:
            return wallet
    else:
        for number in range(ACCOUNTS):
            wallet = Wallet.dev(number)
            if wallet.address == payer:
                return wallet
    raise BadInput(f"The channel's payer is 0x{payer.hex()}.", hint="Give its key by --key-env.")
