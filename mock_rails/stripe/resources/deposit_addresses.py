"""Deposit addresses that belong to no PaymentIntent: money that arrives there is recorded by
transaction verification (facts: stripe 1.7 b). Their ids are `cda_…`; Stripe publishes none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.stripe.crypto import addresses, networks
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.parameters import Choice, Metadata, Object, Text
from mock_rails.stripe.wire.lists import LIST_FIELDS, listed

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.parameters import Kind

TABLE: Final = "deposit_addresses"

_NETWORK: Final = Choice(networks.ADDRESS_NETWORKS)
_FILTERS: Final[dict[str, Kind]] = {
    "address": Text(),
    "customer": Text(),
    "customer_account": Text(),
    "network": _NETWORK,
}

CREATE: Final = Object(
    {"network": _NETWORK, "customer": Text(), "metadata": Metadata()}, required=("network",)
)


def create(call: Call) -> Record:
    """A new address, for everybody or for one customer."""
    op, given = call.operation, call.params
    customer, network = given.get("customer"), given["network"]
    if customer is not None:
        op.get("customers", customer, param="customer")
    return op.create(
        TABLE,
        op.new_id("cda"),
        {
            "object": "crypto.deposit_address",
            "address": addresses.allocate(op, network),
            "customer": customer,
            "customer_account": None,
            "metadata": Metadata.merged({}, given.get("metadata", {})),
            "network": network,
            "supported_tokens": networks.supported_tokens(network, livemode=op.livemode),
        },
    )


def retrieve(call: Call) -> Record:
    """One address."""
    return call.operation.get(TABLE, call.id, param="id")


def list_all(call: Call) -> Page:
    """The addresses, the newest first."""
    wanted = {name: call.params[name] for name in _FILTERS if name in call.params}
    return listed(
        call, TABLE, lambda one: all(one[name] == value for name, value in wanted.items())
    )


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/crypto/deposit_addresses", create, CREATE),
    Endpoint("GET", "/v1/crypto/deposit_addresses", list_all, Object({**LIST_FIELDS, **_FILTERS})),
    Endpoint("GET", "/v1/crypto/deposit_addresses/{id}", retrieve),
)
