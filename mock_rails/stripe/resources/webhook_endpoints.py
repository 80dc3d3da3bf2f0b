"""Webhook endpoints: where events are sent (facts: stripe 1.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, Missing
from mock_rails.stripe.parameters import Boolean, ListOf, Metadata, Object, Text
from mock_rails.stripe.version import Version
from mock_rails.stripe.webhooks.queue import ENDPOINTS as TABLE
from mock_rails.stripe.wire.lists import LIST_FIELDS, listed

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record

_MOST: Final = 50
_SECRET_BYTES: Final = 16

# Names of events are not checked: those of Shared Payment Tokens are in no SDK's list (1.4).
_TYPES: Final = ListOf(Text(100), longest=500)

CREATE: Final = Object(
    {
        "url": Text(),
        "enabled_events": _TYPES,
        "api_version": Text(40),
        "connect": Boolean(),
        "description": Text(nullable=True),
        "metadata": Metadata(),
    },
    required=("url", "enabled_events"),
)
UPDATE: Final = Object(
    {
        "url": Text(),
        "enabled_events": _TYPES,
        "description": Text(nullable=True),
        "disabled": Boolean(),
        "metadata": Metadata(),
    }
)


def create(call: Call) -> dict[str, Any]:
    """A new endpoint; only this answer shows its secret."""
    op, given = call.operation, call.params
    if given.get("api_version"):
        Version.parse(given["api_version"])
    if len([one for one in op.state.all(TABLE) if one.account == op.account]) >= _MOST:
        raise InvalidRequest(f"An account has at most {_MOST} webhook endpoints.")
    secret = _new_secret(call)
    endpoint = op.create(
        TABLE,
        op.new_id("we"),
        {
            "object": "webhook_endpoint",
            "api_version": given.get("api_version"),
            "application": None,
            "description": given.get("description"),
            "enabled_events": _checked_types(given["enabled_events"]),
            "metadata": Metadata.merged({}, given.get("metadata", {})),
            "status": "enabled",
            "url": _checked_url(given["url"]),
        },
        {"secret": secret, "connect": bool(given.get("connect"))},
    )
    return {**endpoint.fields, "secret": secret}


def update(call: Call) -> Record:
    """Change where, what for, or whether at all."""
    op, given = call.operation, dict(call.params)
    endpoint = op.get(TABLE, call.id, param="webhook_endpoint")
    changes: dict[str, Any] = {}
    if "url" in given:
        changes["url"] = _checked_url(given["url"])
    if "enabled_events" in given:
        changes["enabled_events"] = _checked_types(given["enabled_events"])
    if "description" in given:
        changes["description"] = given["description"]
    if "disabled" in given:
        changes["status"] = "disabled" if given["disabled"] else "enabled"
    if "metadata" in given:
        changes["metadata"] = Metadata.merged(endpoint["metadata"], given["metadata"])
    return op.update(endpoint, changes)


def retrieve(call: Call) -> Record:
    """One endpoint, without its secret."""
    return call.operation.get(TABLE, call.id, param="webhook_endpoint")


def list_all(call: Call) -> Page:
    """The endpoints, the newest first."""
    return listed(call, TABLE)


def delete(call: Call) -> dict[str, Any]:
    """Take an endpoint away; what still waits for it fails."""
    endpoint = call.operation.get(TABLE, call.id, param="webhook_endpoint")
    call.operation.state.remove(endpoint)
    return {"id": endpoint.id, "object": "webhook_endpoint", "deleted": True}


def roll_secret(call: Call) -> dict[str, Any]:
    """Sandbox only (Stripe does it in its dashboard): a new secret; for a day messages are signed
    with both."""
    op = call.operation
    endpoint = op.state.find(TABLE, call.id)
    if endpoint is None:
        raise Missing("webhook_endpoint", call.id, param="webhook_endpoint")
    secret = _new_secret(call)
    now_s = op.context.clock.now_s()
    op.update(
        endpoint,
        hidden={
            "secret": secret,
            "secret_before": endpoint.hidden["secret"],
            "rolled_s": now_s,
        },
    )
    return {**endpoint.fields, "secret": secret}


def _new_secret(call: Call) -> str:
    stream = call.operation.context.seeds.stream("stripe.webhook_secrets")
    return f"whsec_{stream.hex(_SECRET_BYTES)}"


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise InvalidRequest(
            f"Invalid URL: {url[:200]}. It begins with http:// or https:// and names a host.",
            code="url_invalid",
            param="url",
        )
    return url


def _checked_types(types: list[str]) -> list[str]:
    if not types:
        raise InvalidRequest(
            "At least one event type is needed; '*' is all of them.", param="enabled_events"
        )
    return types


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/webhook_endpoints", create, CREATE),
    Endpoint("GET", "/v1/webhook_endpoints", list_all, Object(LIST_FIELDS)),
    Endpoint("GET", "/v1/webhook_endpoints/{id}", retrieve),
    Endpoint("POST", "/v1/webhook_endpoints/{id}", update, UPDATE),
    Endpoint("DELETE", "/v1/webhook_endpoints/{id}", delete),
    Endpoint("POST", "/_sandbox/webhook_endpoints/{id}/roll_secret", roll_secret),
)
