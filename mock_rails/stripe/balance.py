"""An account's balance: what each payment, refund, dispute and payout does to it (stripe 1.8, 3).

Every change is one balance transaction and one posting of the ledger, made together, so the sum of
the nets *is* the balance. Money comes in as `pending` and is released on the day its settlement
delay ends, all of an account's money of that day at once. A refund is taken from where the charge's
money is. A dispute is taken from what is available, which it may overdraw.

The delay of money that was earned on a test clock passes on that clock; if the clock is deleted
before, the money stays pending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from mock_rails.stripe import agenda, fees, ledger
from mock_rails.stripe.calendar import business_days_after
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.ledger import AVAILABLE, CARDS, CHAINS, DISPUTED, PENDING, TRANSACTIONS
from mock_rails.stripe.model import Record
from mock_rails.stripe.settings import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mock_rails.stripe.operation import Operation

RELEASE: Final = "balance.release"
APPLICATION_FEES: Final = "application_fees"
_RELEASES: Final = "balance_releases"
_NO_CLOCK: Final = "sandbox"


# -- payments --------------------------------------------------------------------------------------


def book_charge(
    op: Operation,
    charge: Record,
    *,
    kind: Literal["card", "link", "crypto"],
    funds_at_once: bool = False,
) -> Record:
    """Book what a charge has captured, less the processing fee; returns the balance transaction,
    which `charge.balance_transaction` names from now on."""
    amount, currency = charge["amount_captured"], charge["currency"]
    country = ((charge["payment_method_details"] or {}).get("card") or {}).get("country")
    _, fee_details = fees.processing_fee(op, kind, amount, currency, country=country)
    days = 0 if funds_at_once else op.settings.settlement_days
    available_on = business_days_after(op.at_s, days)
    share = charge["application_fee_amount"]
    if share:
        fee_details.append(_collect(op, charge, share, available_on))
    transaction = transact(
        op,
        kind=("charge" if kind == "card" else "payment", "charge"),
        amount=amount,
        currency=currency,
        source=charge.id,
        against=_outside(charge),
        fee_details=fee_details,
        description=charge["description"],
        available_on=available_on,
    )
    op.update(charge, {"balance_transaction": transaction.id})
    return transaction


def _collect(op: Operation, charge: Record, share: int, available_on: int) -> dict[str, Any]:
    """The platform's share of a charge on a connected account: booked to the platform, and what
    the charge's `fee_details` say of it."""
    if op.account == DEFAULT_ACCOUNT:
        raise InvalidRequest(
            "An application_fee_amount can only be taken from a payment on a connected account "
            "(with a Stripe-Account header).",
            param="application_fee_amount",
        )
    platform = op.of(DEFAULT_ACCOUNT, livemode=op.livemode)
    fee = platform.create(
        APPLICATION_FEES,
        op.new_id("fee"),
        {
            "object": "application_fee",
            "account": op.account,
            "amount": share,
            "amount_refunded": 0,
            "application": charge["application"],
            "balance_transaction": None,
            "charge": charge.id,
            "currency": charge["currency"],
            "fee_source": {"charge": charge.id, "type": "charge"},
            "originating_transaction": None,
            "refunded": False,
        },
    )
    transaction = transact(
        platform,
        kind=("application_fee", "platform_earning"),
        amount=share,
        currency=charge["currency"],
        source=fee.id,
        against=ledger.SHARES,
        description="Application fee",
        available_on=available_on,
    )
    platform.update(fee, {"balance_transaction": transaction.id})
    platform.emit("application_fee.created", fee)
    op.update(charge, {"application_fee": fee.id})
    return {
        "amount": share,
        "application": charge["application"],
        "currency": charge["currency"],
        "description": "Application fee",
        "type": "application_fee",
    }


def book_refund(op: Operation, refund: Record, charge: Record) -> Record:
    """Book a refund; the charge's fee is not given back. Sets `refund.balance_transaction`."""
    transaction = transact(
        op,
        kind=("refund" if _is_card(charge) else "payment_refund", "refund"),
        amount=-refund["amount"],
        currency=refund["currency"],
        source=refund.id,
        against=_outside(charge),
        description=_refund_text(charge),
        beside=op.find(TRANSACTIONS, charge["balance_transaction"]),
    )
    op.update(refund, {"balance_transaction": transaction.id})
    return transaction


def unbook_refund(op: Operation, refund: Record, charge: Record) -> Record:
    """Take back a refund that failed or was cancelled: sets `failure_balance_transaction`."""
    transaction = transact(
        op,
        kind=("refund_failure" if _is_card(charge) else "payment_failure_refund", "refund_failure"),
        amount=refund["amount"],
        currency=refund["currency"],
        source=refund.id,
        against=_outside(charge),
        description=_refund_text(charge),
        beside=op.find(TRANSACTIONS, charge["balance_transaction"]),
    )
    op.update(refund, {"failure_balance_transaction": transaction.id})
    return transaction


# -- disputes --------------------------------------------------------------------------------------


def withdraw_disputed(op: Operation, dispute: Record, charge: Record) -> Record:
    """Take a disputed amount, and the dispute fee, until the dispute is decided."""
    amount, currency = dispute["amount"], dispute["currency"]
    _, fee_details = fees.single_fee(op, "dispute", amount, currency)
    return transact(
        op,
        kind=("adjustment", "dispute"),
        amount=-amount,
        currency=currency,
        source=dispute.id,
        against=DISPUTED,
        fee_details=fee_details,
        description=f"Chargeback withdrawal for {charge.id}",
    )


def reinstate_disputed(op: Operation, dispute: Record, charge: Record) -> Record:
    """Give back what a dispute that was won has taken; the dispute fee is kept."""
    return transact(
        op,
        kind=("adjustment", "dispute_reversal"),
        amount=dispute["amount"],
        currency=dispute["currency"],
        source=dispute.id,
        against=DISPUTED,
        description=f"Chargeback reversal for {charge.id}",
    )


def lose_disputed(op: Operation, dispute: Record, charge: Record) -> None:
    """Hand what was withdrawn to the buyer: the account's balance was debited before."""
    amount = dispute["amount"]
    ledger.post(op, dispute["currency"], {DISPUTED: -amount, _outside(charge): amount})


# -- every change ----------------------------------------------------------------------------------


def transact(
    op: Operation,
    *,
    kind: tuple[str, str],
    amount: int,
    currency: str,
    source: str | None,
    against: str,
    fee_details: Sequence[Mapping[str, Any]] = (),
    description: str | None = None,
    available_on: int | None = None,
    beside: Record | None = None,
) -> Record:
    """One balance transaction of a `kind` (type and reporting category), and its posting.

    `amount` comes from the purse `against`, or goes to it where negative; fees go to Stripe and to
    the platform. The money is available at once, or on a day, or with the transaction that this
    one stands beside.
    """
    waiting = beside.hidden["waiting"] if beside and beside["status"] == PENDING else None
    if waiting is not None:
        assert beside is not None
        available_on = beside["available_on"]
    elif available_on is None:
        available_on = op.at_s
    elif available_on > op.at_s:
        waiting = _waiting(op, available_on)
    status = AVAILABLE if waiting is None else PENDING
    fee = sum(one["amount"] for one in fee_details)
    entries = {status: amount - fee, against: -amount}
    for one in fee_details:
        purse = ledger.SHARES if one["type"] == "application_fee" else ledger.STRIPE_FEES
        entries[purse] = entries.get(purse, 0) + one["amount"]
    ledger.post(op, currency, entries)
    transaction = op.create(
        TRANSACTIONS,
        op.new_id("txn"),
        {
            "object": "balance_transaction",
            "amount": amount,
            "available_on": available_on,
            "balance_type": "payments",
            "currency": currency,
            "description": description,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [dict(one) for one in fee_details],
            "net": amount - fee,
            "reporting_category": kind[1],
            "source": source,
            "status": status,
            "type": kind[0],
        },
        {"waiting": waiting},
    )
    if waiting is not None:
        _release_later(op, transaction, waiting)
    return transaction


def _release_later(op: Operation, transaction: Record, waiting: str) -> None:
    """Put it among those of its account and day, with one entry on the agenda for all of them."""
    op.state.add(Record(waiting, transaction.id, op.account, {}))
    if op.state.find(_RELEASES, waiting) is None:
        op.state.add(Record(_RELEASES, waiting, op.account, {}))
        op.schedule(transaction["available_on"], RELEASE, waiting=waiting)


def _release(op: Operation, args: Mapping[str, Any]) -> None:
    """Make available what an account has earned on one day."""
    table = args["waiting"]
    release = op.state.find(_RELEASES, table)
    assert release is not None
    op.state.remove(release)
    sums: dict[str, int] = {}
    for waiting in op.state.all(table):
        op.state.remove(waiting)
        transaction = op.get(TRANSACTIONS, waiting.id)
        op.update(transaction, {"status": AVAILABLE})
        currency = transaction["currency"]
        sums[currency] = sums.get(currency, 0) + transaction["net"]
    for currency, net in sums.items():
        ledger.post(op, currency, {PENDING: -net, AVAILABLE: net})
    op.emit("balance.available", Record("balance", "balance", op.account, shown(op)))


agenda.handles(RELEASE, _release)


def _waiting(op: Operation, available_on: int) -> str:
    """The table that holds an account's transactions that become available at that time: a table
    each, so that the release reads these and no others."""
    mode = "live" if op.livemode else "test"
    return f"waiting/{mode}/{op.account}/{op.test_clock or _NO_CLOCK}/{available_on}"


def _is_card(charge: Record) -> bool:
    return bool((charge["payment_method_details"] or {}).get("type") == "card")


def _outside(charge: Record) -> str:
    """Whose purse the buyer's money is in."""
    kind = (charge["payment_method_details"] or {}).get("type")
    return CHAINS if kind == "crypto" else CARDS


def _refund_text(charge: Record) -> str:
    return f"REFUND FOR {'CHARGE' if _is_card(charge) else 'PAYMENT'}" + (
        f" ({charge['description']})" if charge["description"] else ""
    )


# -- the balance object ----------------------------------------------------------------------------


def shown(op: Operation) -> dict[str, Any]:
    """The balance object. All of this rail's money is of the source type `card`, as Stripe files
    what is neither a bank debit nor FPX."""
    available, pending = ledger.amounts(op, AVAILABLE), ledger.amounts(op, PENDING)
    currencies = sorted({*available, *pending} or {"usd"})
    return {
        "object": "balance",
        "available": [_amount(one, available) for one in currencies],
        "connect_reserved": [_amount(one, {}) for one in currencies],
        "instant_available": [
            _amount(one, {one: max(0, available.get(one, 0))}) for one in currencies
        ],
        "livemode": op.livemode,
        "pending": [_amount(one, pending) for one in currencies],
        "refund_and_dispute_prefunding": {
            "available": [_amount(one, {}) for one in currencies],
            "pending": [_amount(one, {}) for one in currencies],
        },
    }


def _amount(currency: str, amounts: Mapping[str, int]) -> dict[str, Any]:
    amount = amounts.get(currency, 0)
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
