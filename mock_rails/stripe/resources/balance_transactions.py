"""Balance transactions: every change of a balance, with its fees (facts: stripe 1.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Object, Text
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record

TABLE: Final = "balance_transactions"
_SAME: Final = ("type", "source", "currency")
_FILTERS: Final = Object(
    {**LIST_FIELDS, **CREATED, **dict.fromkeys(_SAME, Text()), "payout": Text()}
)


def retrieve(call: Call) -> Record:
    """One balance transaction."""
    return call.operation.get(TABLE, call.id, param="id")


def list_all(call: Call) -> Page:
    """The balance transactions, the newest first."""
    if call.params.get("payout"):
        payout = call.operation.get("payouts", call.params["payout"], param="payout")
        if not payout["automatic"]:
            raise InvalidRequest(
                "Balance transactions can be filtered by automatic payouts only; "
                f"{payout.id} was asked for by hand, so no transactions belong to it.",
                param="payout",
            )
    return listed(call, TABLE, same=_SAME)


ENDPOINTS: Final = (
    Endpoint("GET", "/v1/balance_transactions", list_all, _FILTERS),
    Endpoint("GET", "/v1/balance_transactions/{id}", retrieve),
    Endpoint("GET", "/v1/balance/history", list_all, _FILTERS),
    Endpoint("GET", "/v1/balance/history/{id}", retrieve),
)
