"""Application fees: what a platform takes of its connected accounts' charges (facts: stripe 1.8).

The platform is the default account. A connected account's payment is made with a `Stripe-Account`
header; its `application_fee_amount` is booked from one balance to the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.stripe.balance import APPLICATION_FEES as TABLE
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.parameters import Object, Text
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record

_FILTERS: Final = Object({**LIST_FIELDS, **CREATED, "charge": Text()})


def retrieve(call: Call) -> Record:
    """One application fee."""
    return call.operation.get(TABLE, call.id, param="id")


def list_all(call: Call) -> Page:
    """The application fees, the newest first."""
    return listed(call, TABLE, same=("charge",))


ENDPOINTS: Final = (
    Endpoint("GET", "/v1/application_fees", list_all, _FILTERS),
    Endpoint("GET", "/v1/application_fees/{id}", retrieve),
)
