"""Balance transactions: every change of a balance, with its fees (facts: stripe 1.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Object, Text
from mock_rails.stripe.wire.lists import LIST_FIELDS, listed
from mock_rails.stripe.wire.ranges import TimeRange, within

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record

TABLE: Final = "balance_transactions"
_EQUAL: Final = ("type", "source", "currency")
_FILTERS: Final = Object(
    {
        **LIST_FIELDS,
        "type": Text(),
        "source": Text(),
        "currency": Text(),
        "payout": Text(),
        "created": TimeRange(),
    }
)


def retrieve(call: Call) -> Record:
    """One balance transaction."""
    return call.operation.get(TABLE, call.id, param="id")


def list_all(call: Call) -> Page:
    """The balance transactions, the newest first."""
    given = call.params
    if given.get("payout"):
        payout = call.operation.get("payouts", given["payout"], param="payout")
        if not payout["automatic"]:
            raise InvalidRequest(
                "Balance transactions can be filtered by automatic payouts only; "
                f"{payout.id} was asked for by hand, so no transactions belong to it.",
                param="payout",
            )

    def matches(one: Record) -> bool:
        return within(one["created"], given.get("created")) and all(
            one[name] == given[name] for name in _EQUAL if name in given
        )

    return listed(call, TABLE, matches)


ENDPOINTS: Final = (
    Endpoint("GET", "/v1/balance_transactions", list_all, _FILTERS),
    Endpoint("GET", "/v1/balance_transactions/{id}", retrieve),
    Endpoint("GET", "/v1/balance/history", list_all, _FILTERS),
    Endpoint("GET", "/v1/balance/history/{id}", retrieve),
)
