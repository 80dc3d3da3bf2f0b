"""The books: double entry, in the smallest unit of each currency (facts: stripe 1.8).

Every posting moves money between purses and sums to nothing, so nothing appears or vanishes. A
purse is one account's money of one kind, or the world's outside: what cards and chains have paid
in, what banks were paid, what Stripe has earned. Live and test money never meet.

    available   may be paid out and spent
    pending     is available after the settlement delay
    disputed    was withdrawn until a dispute is decided
    payouts     is on its way to the bank

Purses are records, so a call that fails takes its postings back, and a posting costs the same
however many were made before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from mock_rails.core.errors import ConservationError
from mock_rails.stripe.model import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.model import State
    from mock_rails.stripe.operation import Operation

TABLE: Final = "purses"
TRANSACTIONS: Final = "balance_transactions"

AVAILABLE: Final = "available"
PENDING: Final = "pending"
DISPUTED: Final = "disputed"
PAYOUTS: Final = "payouts"

CARDS: Final = "world/cards"
CHAINS: Final = "world/chains"
BANKS: Final = "world/banks"
STRIPE_FEES: Final = "stripe/fees"
SHARES: Final = "stripe/shares"
"""What platforms take of their accounts' charges, on its way between the two: always empty."""

Sums: TypeAlias = dict[tuple[bool, str, str], int]
"""Money by (livemode, currency, owner)."""


def post(op: Operation, currency: str, entries: Mapping[str, int]) -> None:
    """Move money between purses: `{"pending": 968, "stripe/fees": 32, "world/cards": -1000}`.

    The entries sum to nothing. A purse without an owner is the operation's account's.
    """
    if sum(entries.values()) != 0:
        raise ConservationError(f"a posting of {sum(entries.values())} {currency} from nowhere")
    for purse, amount in entries.items():
        owner, _, kind = purse.rpartition("/")
        owner = owner or op.account
        record_id = _id(op.livemode, currency, owner, kind)
        found = op.state.find(TABLE, record_id)
        if found is None:
            op.state.add(
                Record(
                    TABLE,
                    record_id,
                    owner,
                    {
                        "livemode": op.livemode,
                        "currency": currency,
                        "kind": kind,
                        "amount": amount,
                    },
                )
            )
        else:
            op.state.update(found, {"amount": found["amount"] + amount})


def amount_in(op: Operation, currency: str, kind: str) -> int:
    """What the operation's account has in one purse."""
    found = op.state.find(TABLE, _id(op.livemode, currency, op.account, kind))
    return 0 if found is None else int(found["amount"])


def amounts(op: Operation, kind: str) -> dict[str, int]:
    """What the operation's account has of one kind, by currency."""
    return {
        one["currency"]: one["amount"]
        for one in op.state.all(TABLE)
        if one.account == op.account and one["livemode"] == op.livemode and one["kind"] == kind
    }


def check(state: State) -> None:
    """Raise unless the books balance, and balances are what balance transactions add up to."""
    totals: Sums = {}
    balances: Sums = {}
    for purse in state.all(TABLE):
        mode, currency, amount = purse["livemode"], purse["currency"], purse["amount"]
        _add(totals, (mode, currency, ""), amount)
        if amount and f"{purse.account}/{purse['kind']}" == SHARES:
            raise ConservationError(f"{amount} {currency} of a platform's share went nowhere")
        if purse["kind"] in (AVAILABLE, PENDING):
            _add(balances, (mode, currency, f"{purse.account}/{purse['kind']}"), amount)
    for transaction in state.all(TRANSACTIONS):
        _check_transaction(transaction)
        place = f"{transaction.account}/{transaction['status']}"
        _add(
            balances,
            (transaction["livemode"], transaction["currency"], place),
            -transaction["net"],
        )
    for (_, currency, _), amount in totals.items():
        if amount:
            raise ConservationError(f"the {currency} books are off by {amount}")
    for (_, currency, place), amount in balances.items():
        if amount:
            raise ConservationError(
                f"{place} in {currency} is {amount} more than its balance transactions"
            )


def _check_transaction(transaction: Record) -> None:
    if transaction["net"] != transaction["amount"] - transaction["fee"]:
        raise ConservationError(f"{transaction.id}: net is not amount less fee")
    if transaction["fee"] != sum(one["amount"] for one in transaction["fee_details"]):
        raise ConservationError(f"{transaction.id}: the fee is not what its details add up to")


def _add(sums: Sums, key: tuple[bool, str, str], amount: int) -> None:
    sums[key] = sums.get(key, 0) + amount


def _id(livemode: bool, currency: str, owner: str, kind: str) -> str:
    return f"{'live' if livemode else 'test'}/{currency}/{owner}/{kind}"
