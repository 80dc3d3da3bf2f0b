"""Which address belongs to whom, and which transactions have paid for something already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.crypto import networks

if TYPE_CHECKING:
    from mock_rails.stripe.model import Record, State
    from mock_rails.stripe.operation import Operation

ADDRESSES: Final = "crypto_addresses"
"""Every address ever given out, under `network:address`, with the PaymentIntents paid there."""
TRANSACTIONS: Final = "crypto_transactions"
"""Every transaction that has paid for something, under `account:mode:network:hash`."""


def allocate(op: Operation, network: str) -> str:
    """A fresh address of this account."""
    address = networks.new_address(op, network)
    op.create(ADDRESSES, _key(network, address), {"payment_intents": []})
    return address


def permanent(op: Operation, network: str, customer: str) -> str:
    """The address that a customer always pays to on this network."""
    owner = op.get("customers", customer, param="customer")
    name = f"{network}_{'live' if op.livemode else 'test'}"
    given: dict[str, str] = owner.hidden.get("deposit_addresses", {})
    if name not in given:
        given = {**given, name: allocate(op, network)}
        op.update(owner, hidden={"deposit_addresses": given})
    return given[name]


def expect(op: Operation, network: str, address: str, pi: Record) -> None:
    """Let a PaymentIntent be paid at an address."""
    record = op.get(ADDRESSES, _key(network, address))
    op.update(record, {"payment_intents": [*record["payment_intents"], pi.id]})


def owner(state: State, network: str, address: str) -> Record | None:
    """The record of an address that was given out, whoever it belongs to."""
    return state.find(ADDRESSES, _key(network, address))


def paid_by(op: Operation, network: str, tx_hash: str) -> Record | None:
    """What a transaction has paid for at this account."""
    return op.state.find(TRANSACTIONS, _payment_key(op, network, tx_hash))


def remember(op: Operation, network: str, tx_hash: str, pi: Record, how: str) -> None:
    """Remember that a transaction has paid for a PaymentIntent: by `deposit` or `verification`."""
    if paid_by(op, network, tx_hash) is None:
        fields: dict[str, Any] = {"payment_intent": pi.id, "how": how}
        op.create(TRANSACTIONS, _payment_key(op, network, tx_hash), fields)


def _key(network: str, text: str) -> str:
    return f"{network}:{networks.same_address(network, text)}"


def _payment_key(op: Operation, network: str, tx_hash: str) -> str:
    mode = "live" if op.livemode else "test"
    return f"{op.account}:{mode}:{_key(network, tx_hash)}"
