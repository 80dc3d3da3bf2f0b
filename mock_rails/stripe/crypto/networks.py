"""The networks on which stablecoins can be received, their tokens and addresses (facts: stripe
1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mock_rails.stripe.operation import Operation

NETWORKS: Final = ("base", "ethereum", "polygon", "solana", "tempo")
"""Where a PaymentIntent can ask for a deposit."""
ADDRESS_NETWORKS: Final = ("base", "solana", "tempo")
"""Where a deposit address can be had by itself."""
CURRENCIES: Final = ("usdc", "usdg", "usdp")
"""What Stripe calls the stablecoins."""

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_EVM_BYTES: Final = 20
_SOLANA_BYTES: Final = 32
_CENT: Final = 2
"""Decimals of a dollar's cents."""

_CONTRACTS: Final = {
    "base": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
    "ethereum": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
    "polygon": "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359",
    "solana": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
    "tempo": "0x20c000000000000000000000b9537d11c60e8b50",
}
"""USDC on each network; on tempo it is USDC.e."""

_TEMPO_TEST: Final = tuple(f"0x20c0{number:036x}" for number in range(4))
"""Tempo's test dollars, pathUSD first: in test mode they are taken for USDC."""


def supported_tokens(network: str, *, livemode: bool) -> list[dict[str, str]]:
    """What can be sent to an address on a network."""
    testing = network == "tempo" and not livemode
    contracts = _TEMPO_TEST if testing else (_CONTRACTS[network],)
    return [
        {"token_contract_address": contract, "token_currency": "usdc"} for contract in contracts
    ]


def currency_of(network: str, contract: str, *, livemode: bool) -> str | None:
    """What Stripe calls the token of that contract, if it takes it."""
    for token in supported_tokens(network, livemode=livemode):
        if same_address(network, token["token_contract_address"]) == same_address(
            network, contract
        ):
            return token["token_currency"]
    return None


def same_address(network: str, address: str) -> str:
    """An address in the one spelling by which it is compared: Solana's cases differ, others' do
    not."""
    return address if network == "solana" else address.lower()


def units_per_cent(decimals: int) -> int:
    """Base units of a token of so many decimals in one cent."""
    return int(10 ** (decimals - _CENT))


def new_address(op: Operation, network: str) -> str:
    """A fresh address on a network, from the seed."""
    stream = op.context.seeds.stream("stripe.addresses")
    if network != "solana":
        return "0x" + stream.bytes(_EVM_BYTES).hex()
    value = int.from_bytes(stream.bytes(_SOLANA_BYTES))
    letters = []
    while value:
        value, digit = divmod(value, len(_BASE58))
        letters.append(_BASE58[digit])
    return "".join(reversed(letters))


def shown(network: str, address: str, *, livemode: bool) -> dict[str, Any]:
    """An address as a buyer is shown it."""
    return {
        "address": address,
        "refund_address": None,
        "supported_tokens": supported_tokens(network, livemode=livemode),
    }
