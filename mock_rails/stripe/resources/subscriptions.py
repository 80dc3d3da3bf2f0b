"""Subscriptions: their wire (facts: stripe 1.9). What they do is in `billing/subscriptions.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.billing import subscriptions
from mock_rails.stripe.billing.subscriptions import TABLE
from mock_rails.stripe.clocks import on_clock_of
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, Missing, NotEmulated
from mock_rails.stripe.parameters import (
    Anything,
    Boolean,
    Choice,
    Integer,
    ListOf,
    Metadata,
    Object,
    Text,
)
from mock_rails.stripe.version import BASIL
from mock_rails.stripe.wire import views
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

_MOST_ITEMS: Final = 20
_MOST_QUANTITY: Final = 999_999

_LATER: Final = (
    "add_invoice_items", "application_fee_percent", "backdate_start_date", "billing_cycle_anchor",
    "billing_cycle_anchor_config", "cancel_at", "days_until_due", "default_tax_rates", "discounts",
    "on_behalf_of", "pending_invoice_item_interval", "transfer_data", "trial_end",
    "trial_from_plan", "trial_period_days",
)  # fmt: skip
"""Parameters that Stripe has and the MPP draft forbids: refused by name."""

_ABSENT: Final = (
    "automatic_tax", "billing_schedules", "billing_thresholds", "default_source",
    "invoice_settings", "payment_settings", "trial_settings",
)  # fmt: skip
"""Others that the draft does not speak of."""

_ITEM: Final = Object(
    {"price": Text(), "quantity": Integer(1, _MOST_QUANTITY), "metadata": Metadata()},
    required=("price",),
    absent=("billing_thresholds", "discounts", "price_data", "tax_rates", "trial"),
)
_CANCELLATION: Final = Object(
    {
        "comment": Text(nullable=True),
        "feedback": Choice(
            ("customer_service", "low_quality", "missing_features", "other", "switched_service",
             "too_complex", "too_expensive", "unused"),
            nullable=True,
        ),
    }
)  # fmt: skip
CREATE: Final = Object(
    {
        "customer": Text(),
        "items": ListOf(_ITEM, longest=_MOST_ITEMS),
        "default_payment_method": Text(),
        "collection_method": Choice(("charge_automatically", "send_invoice")),
        "payment_behavior": Choice(
            (
                "allow_incomplete",
                "default_incomplete",
                "error_if_incomplete",
                "pending_if_incomplete",
            )
        ),
        "proration_behavior": Choice(("always_invoice", "create_prorations", "none")),
        "cancel_at_period_end": Boolean(),
        "off_session": Boolean(),
        "description": Text(500, nullable=True),
        "metadata": Metadata(),
        **dict.fromkeys(_LATER, Anything()),
    },
    required=("customer", "items"),
    absent=(*_ABSENT, "billing_mode", "currency", "customer_account"),
)
UPDATE: Final = Object(
    {
        "default_payment_method": Text(nullable=True),
        "cancel_at_period_end": Boolean(),
        "cancellation_details": _CANCELLATION,
        "description": Text(500, nullable=True),
        "metadata": Metadata(),
        "proration_behavior": Choice(("always_invoice", "create_prorations", "none")),
        "items": Anything(),
        **dict.fromkeys(_LATER, Anything()),
    },
    absent=(
        *_ABSENT, "collection_method", "off_session", "pause_collection", "payment_behavior",
        "proration_date",
    ),
)  # fmt: skip
CANCEL: Final = Object(
    {"invoice_now": Boolean(), "prorate": Boolean(), "cancellation_details": _CANCELLATION}
)
LIST: Final = Object(
    {
        **LIST_FIELDS,
        **CREATED,
        "customer": Text(),
        "price": Text(),
        "status": Choice(
            ("active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due",
             "paused", "trialing", "unpaid")
        ),
        "test_clock": Text(),
    },
    absent=(
        "automatic_tax", "collection_method", "current_period_end", "current_period_start",
        "customer_account", "plan",
    ),
)  # fmt: skip


def create(call: Call) -> Record:
    """A new subscription, its first invoice and its first payment."""
    given = call.params
    _refuse_later(given)
    if given.get("collection_method") == "send_invoice":
        raise NotEmulated("invoices that are sent and not charged", param="collection_method")
    if given.get("payment_behavior") == "pending_if_incomplete":
        raise NotEmulated("pending updates", param="payment_behavior")
    customer = call.operation.get("customers", given["customer"], param="customer")
    op = on_clock_of(call.operation, customer)
    lines = _lines(op, given["items"])
    _check_method(op, customer, given)
    metadata = Metadata.merged({}, given.get("metadata", {}))
    return subscriptions.start(op, customer, {**given, "metadata": metadata}, lines)


def _refuse_later(given: Mapping[str, Any]) -> None:
    for name in _LATER:
        if name in given:
            raise NotEmulated(f"the subscription parameter {name}", param=name)


def _lines(op: Operation, items: list[dict[str, Any]]) -> list[tuple[Record, int, dict[str, str]]]:
    if not items:
        raise InvalidRequest("A subscription needs at least one item.", param="items")
    lines: list[tuple[Record, int, dict[str, str]]] = []
    for at, item in enumerate(items):
        param = f"items[{at}][price]"
        price = op.get("prices", item["price"], param=param)
        if not price["active"]:
            raise InvalidRequest("The price specified is inactive.", param=param)
        if price["recurring"] is None:
            raise InvalidRequest(
                "The price is for a single payment; a subscription needs a recurring one.",
                param=param,
            )
        first = lines[0][0] if lines else price
        for name in ("currency", "recurring"):
            if price[name] != first[name]:
                raise InvalidRequest(
                    f"All prices of a subscription have the same {name}.", param=param
                )
        metadata = Metadata.merged({}, item.get("metadata", {}))
        lines.append((price, item.get("quantity", 1), metadata))
    return lines


def _check_method(op: Operation, customer: Record, given: Mapping[str, Any]) -> None:
    """The payment method must be the customer's own; without one nothing can be charged."""
    chosen = given.get("default_payment_method")
    if chosen is not None:
        method = op.get("payment_methods", chosen, param="default_payment_method")
        if method["customer"] != customer.id:
            raise InvalidRequest(
                f"The customer does not have a payment method with the ID {chosen}. The payment "
                "method must be attached to the customer.",
                code="resource_missing",
                param="default_payment_method",
            )
        return
    default = customer["invoice_settings"]["default_payment_method"]
    if default is None and given.get("payment_behavior") != "default_incomplete":
        raise InvalidRequest(
            "This customer has no attached payment source or default payment method. Please "
            "consider adding a default payment method.",
            code="resource_missing",
        )


def update(call: Call) -> Record:
    """Change how it is paid or when it ends; other items would need prorations."""
    given = dict(call.params)
    _refuse_later(given)
    if "items" in given:
        raise NotEmulated("other items in a running subscription", param="items")
    subscription = call.operation.get(TABLE, call.id, param="id")
    customer = call.operation.get("customers", subscription["customer"])
    op = on_clock_of(call.operation, customer)
    if given.get("default_payment_method") is not None:
        _check_method(op, customer, given)
    given.pop("proration_behavior", None)
    if "metadata" in given:
        given["metadata"] = Metadata.merged(subscription["metadata"], given["metadata"])
    if "cancel_at_period_end" in given:
        ends = given["cancel_at_period_end"]
        end_s = subscription["items"]["data"][0]["current_period_end"]
        given |= {"cancel_at": end_s if ends else None, "canceled_at": op.at_s if ends else None}
    if "cancellation_details" in given:
        given["cancellation_details"] = {
            **subscription["cancellation_details"], **given["cancellation_details"]
        }  # fmt: skip
    subscriptions.change(op, subscription, given)
    return subscription


def cancel(call: Call) -> Record:
    """End it now."""
    if call.params.get("prorate"):
        raise NotEmulated("prorations", param="prorate")
    subscription = call.operation.get(TABLE, call.id, param="id")
    customer = call.operation.get("customers", subscription["customer"])
    op = on_clock_of(call.operation, customer)
    subscriptions.cancel(op, subscription, call.params.get("cancellation_details"))
    return subscription


def retrieve(call: Call) -> Record:
    """One subscription."""
    return call.operation.get(TABLE, call.id, param="id")


def list_all(call: Call) -> Page:
    """The subscriptions that have not ended, or those of a status, the newest first."""
    given = call.params
    status = given.get("status")

    def matches(one: Record) -> bool:
        if status == "ended":
            right = one["status"] in ("canceled", "incomplete_expired")
        elif status is None:
            right = one["status"] not in ("canceled", "incomplete_expired")
        else:
            right = status in ("all", one["status"])
        return (
            right
            and given.get("customer") in (None, one["customer"])
            and given.get("test_clock") == one["test_clock"]
            and any(
                given.get("price") in (None, item["price"]["id"]) for item in one["items"]["data"]
            )
        )

    return listed(call, TABLE, matches)


def list_items(call: Call) -> dict[str, Any]:
    """The items of a subscription."""
    subscription = call.operation.get(TABLE, call.params["subscription"], param="subscription")
    items: dict[str, Any] = subscription["items"]
    return items


def retrieve_item(call: Call) -> dict[str, Any]:
    """One item, whichever subscription it is of."""
    op = call.operation
    for subscription in filter(op.may_see, op.state.newest(TABLE)):
        for item in subscription["items"]["data"]:
            if item["id"] == call.id:
                found: dict[str, Any] = item
                return found
    raise Missing("subscription_item", call.id, param="id")


def _before_basil(op: Operation, subscription: dict[str, Any]) -> dict[str, Any]:
    """A subscription as versions before 2025-03-31 have it: with the period on itself."""
    item = subscription["items"]["data"][0]
    names = ("current_period_end", "current_period_start")
    return {**subscription, **{name: item[name] for name in names}}


views.older("subscription", BASIL, _before_basil)

ENDPOINTS: Final = (
    Endpoint("POST", "/v1/subscriptions", create, CREATE),
    Endpoint("GET", "/v1/subscriptions", list_all, LIST),
    Endpoint("GET", "/v1/subscriptions/{id}", retrieve),
    Endpoint("POST", "/v1/subscriptions/{id}", update, UPDATE),
    Endpoint("DELETE", "/v1/subscriptions/{id}", cancel, CANCEL),
    Endpoint(
        "GET",
        "/v1/subscription_items",
        list_items,
        Object({**LIST_FIELDS, "subscription": Text()}, required=("subscription",)),
    ),
    Endpoint("GET", "/v1/subscription_items/{id}", retrieve_item),
)
