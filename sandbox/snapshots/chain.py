"""The chain's part of a comparison: balances of every token, and the channel reserve's channels.

The document has a native contract's storage under readable paths (`mock_rails.tempo.snapshots`), so
balances of all holders are read off it. A session v1 escrow is EVM bytecode whose slots are hashed:
its balance is seen here, and its channels in the merchants' books.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import SnapshotError
from mock_rails.tempo import addresses
from mock_rails.tempo.genesis import ACCOUNT_COUNT
from sandbox import info
from sandbox.snapshots.model import Ledger, changes, items

if TYPE_CHECKING:
    from sandbox.snapshots.model import Item

_SUPPLY: Final = "8"
_BALANCES: Final = "9/"
_SYMBOL: Final = "3"
_STATES: Final = "0/"
_DECIMALS: Final = 6
_AMOUNT_BITS: Final = 96

_CONTRACTS: Final = {
    addresses.CHANNEL_RESERVE: "channel reserve",
    addresses.SESSION_ESCROW: "session escrow",
    addresses.FEE_MANAGER: "fee manager",
    addresses.STABLECOIN_DEX: "exchange",
    addresses.ZERO_ADDRESS: "nobody",
}


def compare(before: Any, after: Any) -> tuple[list[Ledger], list[Item]]:
    """Who holds more or less of each token, and which channels the reserve has opened or closed."""
    if before["chain_id"] != after["chain_id"]:
        raise SnapshotError(
            f"The snapshots are of different chains, {before['chain_id']} and {after['chain_id']}."
        )
    first, second = before["world"]["storage"], after["world"]["storage"]
    names = _names()
    ledgers = []
    for token in sorted({*first, *second}):
        if not addresses.is_tip20(bytes.fromhex(token.removeprefix("0x"))):
            continue
        old, new = first.get(token, {}), second.get(token, {})
        moved = changes(_balances(old), _balances(new), names)
        minted = _word(new.get(_SUPPLY)) - _word(old.get(_SUPPLY))
        if moved or minted:
            symbol = str((new or old).get(_SYMBOL, {}).get("text", token))
            ledgers.append(Ledger("tempo", symbol, _DECIMALS, moved, minted, address=token))
    reserve = f"0x{addresses.CHANNEL_RESERVE.hex()}"
    channels = items(
        "tempo", "channel", _channels(first.get(reserve, {})), _channels(second.get(reserve, {}))
    )
    return ledgers, channels


def progress(before: Any, after: Any) -> tuple[tuple[int, int], int]:
    """The newest block of each, and the transactions in the second's newer blocks."""
    first, second = before["blocks"][-1]["number"], after["blocks"][-1]["number"]
    newer = [one for one in after["blocks"] if one["number"] > first]
    return (first, second), sum(len(one["receipts"]) for one in newer)


def _balances(storage: dict[str, Any]) -> dict[str, int]:
    return {
        path.removeprefix(_BALANCES): _word(value)
        for path, value in storage.items()
        if path.startswith(_BALANCES)
    }


def _channels(storage: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The reserve's open channels by id; what is closed is not there any more."""
    found = {}
    for path, value in storage.items():
        if path.startswith(_STATES):
            state, mask = _word(value), (1 << _AMOUNT_BITS) - 1
            found[path.removeprefix(_STATES)] = {
                "deposit": str(state >> _AMOUNT_BITS & mask),
                "settled": str(state & mask),
                "close_requested_at_s": state >> 2 * _AMOUNT_BITS or None,
            }
    return found


def _names() -> dict[str, str]:
    """What the development accounts and the contracts are called, by address."""
    from sandbox.client.wallet import Wallet

    roles = {at: role for role, at in info.ROLES.items()}
    names = {f"0x{address.hex()}": name for address, name in _CONTRACTS.items()}
    for at in range(ACCOUNT_COUNT):
        names[f"0x{Wallet.dev(at).address.hex()}"] = roles.get(at, f"account {at}")
    return names


def _word(value: Any) -> int:
    return 0 if value is None else int(value, 16)
