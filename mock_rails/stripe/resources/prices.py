"""Prices: what a product costs, once or every so often (facts: stripe 1.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.currencies import check_currency
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Boolean, Choice, Integer, Metadata, Object, Text
from mock_rails.stripe.resources import products
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record

TABLE: Final = "prices"

_MOST_INTERVALS: Final = {"day": 3 * 365, "week": 156, "month": 36, "year": 3}
"""Three years at most between two payments."""

_RECURRING: Final = Object(
    {
        "interval": Choice(tuple(_MOST_INTERVALS)),
        "interval_count": Integer(1),
        "usage_type": Choice(("licensed",)),
    },
    required=("interval",),
)
CREATE: Final = Object(
    {
        "currency": Text(3),
        "unit_amount": Integer(0, 99_999_999),
        "product": Text(),
        "product_data": Object(
            {"id": Text(100), "name": Text(250), "metadata": Metadata()}, required=("name",)
        ),
        "recurring": _RECURRING,
        "active": Boolean(),
        "nickname": Text(nullable=True),
        "lookup_key": Text(200),
        "metadata": Metadata(),
    },
    required=("currency", "unit_amount"),
    exclusive=(("product", "product_data"),),
    absent=(
        "billing_scheme", "currency_options", "custom_unit_amount", "tax_behavior", "tiers",
        "tiers_mode", "transfer_lookup_key", "transform_quantity", "unit_amount_decimal",
    ),
)  # fmt: skip
UPDATE: Final = Object(
    {"active": Boolean(), "nickname": Text(nullable=True), "metadata": Metadata()},
    absent=("currency_options", "lookup_key", "tax_behavior", "transfer_lookup_key"),
)
LIST: Final = Object(
    {
        **LIST_FIELDS,
        **CREATED,
        "active": Boolean(),
        "currency": Text(3),
        "product": Text(),
        "type": Choice(("one_time", "recurring")),
    },
    absent=("lookup_keys", "recurring"),
)


def create(call: Call) -> Record:
    """A new price."""
    op, given = call.operation, call.params
    recurring = _recurring(given.get("recurring"))
    price = op.create(
        TABLE,
        op.new_id("price"),
        {
            "object": "price",
            "active": given.get("active", True),
            "billing_scheme": "per_unit",
            "currency": check_currency(given["currency"]),
            "custom_unit_amount": None,
            "lookup_key": given.get("lookup_key"),
            "metadata": Metadata.merged({}, given.get("metadata", {})),
            "nickname": given.get("nickname"),
            "product": _product(call).id,
            "recurring": recurring,
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time" if recurring is None else "recurring",
            "unit_amount": given["unit_amount"],
            "unit_amount_decimal": str(given["unit_amount"]),
        },
    )
    op.emit("price.created", price)
    return price


def _product(call: Call) -> Record:
    """The product that is priced: one that exists, or one that is made on the way."""
    op, given = call.operation, call.params
    if "product" in given:
        return op.get(products.TABLE, given["product"], param="product")
    if "product_data" not in given:
        raise InvalidRequest(
            "Missing required param: product.", code="parameter_missing", param="product"
        )
    return products.create(Call(op, given["product_data"], {}, "/v1/products"))


def _recurring(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    count, interval = given.get("interval_count", 1), given["interval"]
    if count > _MOST_INTERVALS[interval]:
        raise InvalidRequest(
            f"At most three years may lie between two payments: {_MOST_INTERVALS[interval]} "
            f"times a {interval}.",
            param="recurring[interval_count]",
        )
    return {
        "interval": interval,
        "interval_count": count,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def update(call: Call) -> Record:
    """Change what may be changed: not the amount, for it has been agreed to."""
    op, given = call.operation, dict(call.params)
    price = op.get(TABLE, call.id, param="price")
    if "metadata" in given:
        given["metadata"] = Metadata.merged(price["metadata"], given["metadata"])
    before = {name: price[name] for name in given if price[name] != given[name]}
    op.update(price, given)
    op.emit("price.updated", price, previous=before)
    return price


def retrieve(call: Call) -> Record:
    """One price."""
    return call.operation.get(TABLE, call.id, param="price")


def list_all(call: Call) -> Page:
    """The prices, the newest first."""
    names = ("active", "currency", "product", "type")
    wanted = {name: call.params[name] for name in names if name in call.params}
    return listed(call, TABLE, lambda one: all(one[name] == wanted[name] for name in wanted))


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/prices", create, CREATE),
    Endpoint("GET", "/v1/prices", list_all, LIST),
    Endpoint("GET", "/v1/prices/{id}", retrieve),
    Endpoint("POST", "/v1/prices/{id}", update, UPDATE),
)
