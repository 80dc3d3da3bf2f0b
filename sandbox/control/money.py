"""Accounts, balances and the faucet, as the control tells and does them.

Everything goes through the chain's RPC, as it would for anybody. Amounts are base units, as text.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import BadInput, Conflict, NotFound
from mock_rails.tempo.abi import Function
from mock_rails.tempo.genesis import TOKENS
from mock_rails.tempo.tx.model import Call
from sandbox import info
from sandbox.chain import Sender, fund, token_balance
from sandbox.client.wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.chain import TempoRpc
    from sandbox.devnet import Devnet

_TRANSFER: Final = Function("transfer(address to, uint256 amount)")
_NAMES: Final = {address: role for role, address in info.ROLES.items()}
_LONGEST_AMOUNT: Final = 78


async def accounts(devnet: Devnet) -> list[dict[str, Any]]:
    """The development accounts with their roles and what they hold of every token."""
    rpc = rpc_of(devnet)
    held = [] if devnet.chain is None else [one.address for one in devnet.chain.accounts]
    balances = await asyncio.gather(*(balances_of(rpc, address) for address in held))
    return [
        {
            "index": at,
            "address": f"0x{address.hex()}",
            "role": _NAMES.get(at),
            "balances": balances[at],
        }
        for at, address in enumerate(held)
    ]


async def balances_of(
    rpc: TempoRpc, address: bytes, tokens: Iterable[bytes] = tuple(TOKENS)
) -> dict[str, str]:
    """What an account holds, by the token's name."""
    wanted = tuple(tokens)
    found = await asyncio.gather(*(token_balance(rpc, token, address) for token in wanted))
    return {TOKENS[token]: str(amount) for token, amount in zip(wanted, found, strict=True)}


async def give(
    devnet: Devnet, address: str, amount: str | None, token: str | None
) -> dict[str, Any]:
    """Give an address money: some of every token from the faucet, or an exact amount of one from
    the first development account."""
    rpc, receiver = rpc_of(devnet), read_address(address)
    if amount is None:
        if token is not None:
            raise BadInput("A token is named, and no amount.", hint="Name both, or neither.")
        hashes = await fund(rpc, receiver)
    else:
        call = Call(read_token(token), 0, _TRANSFER.call(receiver, _amount(amount)))
        context = devnet.context
        sender = Sender(rpc, Wallet.dev(0), clock=context.clock, seeds=context.seeds)
        sent = await sender.send([call])
        if not sent.success:
            raise Conflict(f"The transfer 0x{sent.hash.hex()} reverted; nothing was given.")
        hashes = [sent.hash]
    return {
        "address": f"0x{receiver.hex()}",
        "transactions": [f"0x{one.hex()}" for one in hashes],
        "balances": await balances_of(rpc, receiver),
    }


def rpc_of(devnet: Devnet) -> TempoRpc:
    """The chain's RPC, if the devnet runs."""
    if devnet.rpc is None:
        raise NotFound("The devnet has not started yet.")
    return devnet.rpc


def read_address(text: str) -> bytes:
    """An account's address, or `BadInput`."""
    try:
        address = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        address = b""
    if len(address) != 20:
        raise BadInput(f"{text[:60]!r} is no address.", hint="It is 0x and 40 hex digits.")
    return address


def read_token(text: str | None) -> bytes:
    """A token by its name or address; pathUSD where none is named."""
    by_name = {name.lower(): address for address, name in TOKENS.items()}
    if text is None:
        return next(iter(TOKENS))
    if text.lower() in by_name:
        return by_name[text.lower()]
    address = read_address(text)
    if address not in TOKENS:
        raise BadInput(f"{text[:60]!r} is no token here.", hint=f"Known: {', '.join(by_name)}.")
    return address


def _amount(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_AMOUNT and int(text):
        return int(text)
    raise BadInput(
        f"{text[:60]!r} is no amount to give.", hint="It is a whole number of base units above 0."
    )
