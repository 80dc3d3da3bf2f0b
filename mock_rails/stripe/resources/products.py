"""Products: what a subscription is for (facts: stripe 1.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Boolean, Metadata, Object, Text
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record

TABLE: Final = "products"

_ABSENT: Final = (
    "images", "marketing_features", "package_dimensions", "shippable", "statement_descriptor",
    "tax_code", "tax_details", "url",
)  # fmt: skip
"""What Stripe's products have besides, for shops and taxes."""

CREATE: Final = Object(
    {
        "id": Text(100),
        "name": Text(250),
        "active": Boolean(),
        "description": Text(nullable=True),
        "unit_label": Text(100, nullable=True),
        "metadata": Metadata(),
    },
    required=("name",),
    absent=("default_price_data", "type", *_ABSENT),
)
UPDATE: Final = Object(
    {
        "name": Text(250),
        "active": Boolean(),
        "description": Text(nullable=True),
        "unit_label": Text(100, nullable=True),
        "default_price": Text(),
        "metadata": Metadata(),
    },
    absent=_ABSENT,
)
LIST: Final = Object(
    {**LIST_FIELDS, **CREATED, "active": Boolean()}, absent=("ids", "shippable", "type", "url")
)


def create(call: Call) -> Record:
    """A new product."""
    op, given = call.operation, call.params
    product_id = given.get("id") or op.new_id("prod")
    if op.find(TABLE, product_id) is not None:
        raise InvalidRequest(
            f"There is a product with the id {product_id} already.",
            code="resource_already_exists",
            param="id",
        )
    product = op.create(
        TABLE,
        product_id,
        {
            "object": "product",
            "active": given.get("active", True),
            "default_price": None,
            "description": given.get("description"),
            "images": [],
            "marketing_features": [],
            "metadata": Metadata.merged({}, given.get("metadata", {})),
            "name": given["name"],
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": given.get("unit_label"),
            "updated": op.at_s,
            "url": None,
        },
    )
    op.emit("product.created", product)
    return product


def update(call: Call) -> Record:
    """Change a product."""
    op, given = call.operation, dict(call.params)
    product = op.get(TABLE, call.id, param="id")
    if "metadata" in given:
        given["metadata"] = Metadata.merged(product["metadata"], given["metadata"])
    if "default_price" in given:
        price = op.get("prices", given["default_price"], param="default_price")
        if price["product"] != product.id:
            raise InvalidRequest(
                "The default price must be one of the product's own.", param="default_price"
            )
    before = {name: product[name] for name in given if product[name] != given[name]}
    op.update(product, {**given, "updated": op.at_s})
    op.emit("product.updated", product, previous=before)
    return product


def retrieve(call: Call) -> Record:
    """One product."""
    return call.operation.get(TABLE, call.id, param="id")


def list_all(call: Call) -> Page:
    """The products, the newest first."""
    active = call.params.get("active")
    return listed(call, TABLE, lambda one: active in (None, one["active"]))


def delete(call: Call) -> dict[str, Any]:
    """Take a product away, if nothing has been priced with it."""
    op = call.operation
    product = op.get(TABLE, call.id, param="id")
    if any(price["product"] == product.id for price in op.state.all("prices")):
        raise InvalidRequest("A product that has prices cannot be deleted; make it inactive.")
    op.state.remove(product)
    op.emit("product.deleted", product)
    return {"id": product.id, "object": "product", "deleted": True}


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/products", create, CREATE),
    Endpoint("GET", "/v1/products", list_all, LIST),
    Endpoint("GET", "/v1/products/{id}", retrieve),
    Endpoint("POST", "/v1/products/{id}", update, UPDATE),
    Endpoint("DELETE", "/v1/products/{id}", delete),
)
