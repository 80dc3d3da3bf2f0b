"""What a started chain says about itself: for people a banner, for programs one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.tempo.genesis import TOKENS

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain


def summary(chain: Chain, url: str, ws_url: str) -> dict[str, Any]:
    """Everything a client needs to pay on this chain."""
    return {
        "rail": chain.name,
        "url": url,
        "ws_url": ws_url,
        "chain_id": chain.chain_id,
        "block_number": chain.head.number,
        "block_time_ms": chain.block_time_ms,
        "mnemonic": chain.settings.mnemonic,
        "accounts": [
            {"address": f"0x{one.address.hex()}", "private_key": f"0x{one.key.hex()}"}
            for one in chain.accounts
        ],
        "tokens": {name: f"0x{address.hex()}" for address, name in TOKENS.items()},
    }


def lines(facts: dict[str, Any]) -> list[str]:
    """The banner of a chain with this summary."""
    cadence = facts["block_time_ms"]
    mining = "a block for every payment" if cadence is None else f"a block every {cadence} ms"
    accounts = facts["accounts"]
    return [
        "Tempo-compatible chain",
        "",
        f"  RPC        {facts['url']}    {facts['ws_url']}",
        f"  Chain id   {facts['chain_id']}",
        f"  Blocks     {mining}; the newest is {facts['block_number']}",
        "",
        "  Accounts with PUBLIC development keys: never send anything of value to them",
        *(f"  ({at}) {one['address']}  {one['private_key']}" for at, one in enumerate(accounts)),
        f"  Mnemonic   {facts['mnemonic']}",
        "",
        "  Tokens (6 decimals; they also pay the fees)",
        *(f"  {name:<10} {address}" for name, address in facts["tokens"].items()),
        "",
        "  Try it: give the first account money, then point any MPP SDK at the RPC address",
        f"  curl {facts['url']} -d '{_FUND % accounts[0]['address']}'",
    ]


_FUND = '{"jsonrpc":"2.0","id":1,"method":"tempo_fundAddress","params":["%s"]}'
