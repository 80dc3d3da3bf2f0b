"""Transaction verification: recording a payment that was made on a chain already (facts: stripe
1.7).

Stripe publishes no error codes for it. What matters to its callers is `param`: MPP servers leave
out optional parameters and try again when one of those is blamed, so the transaction's faults are
always blamed on the transaction.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.crypto import addresses, deposits, networks, options
from mock_rails.stripe.errors import InvalidRequest, NotEmulated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.deposits import Transfer
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

_GROUP: Final = "transaction_verification_options"
_NETWORK: Final = f"{options.PARAM}[{_GROUP}][network]"
_HASH: Final = f"{options.PARAM}[{_GROUP}][transaction_hash]"
_HASH_FORM: Final = re.compile(r"0x[0-9a-fA-F]{64}")


def record(op: Operation, pi: Record, wanted: Mapping[str, Any]) -> Record:
    """Charge the PaymentIntent with a transaction that has paid this account."""
    network = options.required(wanted, _GROUP, "network")
    tx_hash = options.required(wanted, _GROUP, "transaction_hash")
    transfers = _transfers(op, network, tx_hash)
    tx_hash = tx_hash.lower()
    before = addresses.paid_by(op, network, tx_hash)
    if before is not None:
        raise InvalidRequest(
            f"The transaction {tx_hash} has been recorded already, by {before['payment_intent']}.",
            code="resource_already_exists",
            param=_HASH,
        )
    ours = [one for one in transfers if _is_ours(op, one)]
    if not ours:
        raise InvalidRequest(
            f"The transaction {tx_hash} pays none of your deposit addresses on {network} in a "
            "supported token.",
            param=_HASH,
        )
    received = sum(one.amount // networks.units_per_cent(one.decimals) for one in ours)
    if received < pi["amount"]:
        raise InvalidRequest(
            f"The transaction {tx_hash} pays {received} cents, less than the amount of "
            f"{pi['amount']}.",
            param="amount",
        )
    addresses.remember(op, network, tx_hash, pi, "verification")
    paid = ours[0]
    return deposits.settle(
        op,
        pi,
        buyer=paid.sender,
        network=network,
        currency=networks.currency_of(network, paid.token, livemode=op.livemode) or "",
        tx_hash=tx_hash,
        received=received,
    )


def _transfers(op: Operation, network: str, tx_hash: str) -> list[Transfer]:
    if op.chain is None or op.chain.network != network:
        raise NotEmulated(f"looking at transactions on {network}", param=_NETWORK)
    found = None
    if _HASH_FORM.fullmatch(tx_hash):
        found = op.chain.transfers(tx_hash.lower())
    if found is None:
        raise InvalidRequest(
            f"There is no successful transaction {tx_hash[:100]} on {network}.", param=_HASH
        )
    return found


def _is_ours(op: Operation, transfer: Transfer) -> bool:
    owner = addresses.owner(op.state, transfer.network, transfer.recipient)
    return (
        owner is not None
        and owner.account == op.account
        and owner["livemode"] == op.livemode
        and networks.currency_of(transfer.network, transfer.token, livemode=op.livemode) is not None
    )
