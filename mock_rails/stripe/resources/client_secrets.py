"""Client secrets: with one, a buyer's browser may see and confirm what it is for (stripe 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.stripe.errors import InvalidRequest

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Call
    from mock_rails.stripe.model import Record


def found(call: Call, table: str, noun: str) -> Record:
    """The object of the path; who has only a publishable key must know its secret."""
    record = call.operation.get(table, call.id, param="intent")
    secret = call.params.get("client_secret")
    if secret is None and call.publishable:
        raise InvalidRequest(
            "Missing required param: client_secret.",
            code="parameter_missing",
            param="client_secret",
        )
    if secret is not None and secret != record["client_secret"]:
        raise InvalidRequest(
            "The client_secret provided does not match the client_secret associated with the "
            f"{noun}.",
            code="resource_missing",
            param="client_secret",
        )
    return record
