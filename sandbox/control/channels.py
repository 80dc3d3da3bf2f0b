"""The merchants' payment channels, as the control tells and ends them. Amounts are text."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mpp.errors import PaymentError

from mock_rails.core.errors import BadInput, Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.devnet import Devnet
    from sandbox.methods.tempo_session import Channel
    from sandbox.server.session import SessionServer


async def listed(devnet: Devnet) -> dict[str, Any]:
    """All channels that the merchants remember, and what they stand to lose."""
    channels = await _sessions(devnet).channels()
    return {
        "channels": [to_json(channel) for channel in channels],
        "exposure": str(sum(channel.exposure for channel in channels)),
    }


async def one(devnet: Devnet, channel_id: str) -> dict[str, Any]:
    """One channel."""
    wanted = _read_id(channel_id)
    channel = await _sessions(devnet).channel(wanted)
    if channel is None:
        raise NotFound(f"The merchants know no channel 0x{wanted.hex()}.")
    return to_json(channel)


async def settle(devnet: Devnet, channel_id: str) -> dict[str, Any]:
    """Capture what a channel's vouchers authorise and leave it open."""
    await one(devnet, channel_id)
    with _in_our_words():
        result = await _sessions(devnet).settle(_read_id(channel_id))
    return {"transaction": f"0x{result.hash.hex()}", "channel": await one(devnet, channel_id)}


async def close(devnet: Devnet, channel_id: str) -> dict[str, Any]:
    """Capture what is due and give the rest back to the payer."""
    await one(devnet, channel_id)
    with _in_our_words():
        await _sessions(devnet).close(_read_id(channel_id))
    return {"channel": await one(devnet, channel_id)}


def to_json(channel: Channel) -> dict[str, Any]:
    """A channel for people and programs, without its voucher's signature."""
    return {
        "id": f"0x{channel.id.hex()}",
        "protocol": channel.protocol.value,
        "status": channel.status.value,
        "payer": f"0x{channel.descriptor.payer.hex()}",
        "payee": f"0x{channel.descriptor.payee.hex()}",
        "token": f"0x{channel.descriptor.token.hex()}",
        "deposit": str(channel.deposit),
        "accepted": str(channel.accepted),
        "spent": str(channel.spent),
        "settled": str(channel.settled),
        "exposure": str(channel.exposure),
        "units": channel.units,
        "opened_at_s": channel.opened_at_s,
        "close_requested_at_s": channel.close_requested_at_s or None,
        "opened_tx": channel.opened_tx and f"0x{channel.opened_tx.hex()}",
        "closed_tx": channel.closed_tx and f"0x{channel.closed_tx.hex()}",
    }


@contextmanager
def _in_our_words() -> Iterator[None]:
    """A channel that has come to its end, and the like: the state forbids it."""
    try:
        yield
    except PaymentError as error:
        raise Conflict(str(error)) from None


def _sessions(devnet: Devnet) -> SessionServer:
    if devnet.merchants is None:
        raise NotFound("No merchants run in this devnet.", hint="Start it without --only.")
    return devnet.merchants.sessions


def _read_id(text: str) -> bytes:
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != 32:
        raise BadInput(f"{text[:80]!r} is no channel's id.", hint="It is 0x and 64 hex digits.")
    return found
