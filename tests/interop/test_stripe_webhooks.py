"""stripe-python's webhook endpoints, events and signature check, over real sockets (facts 4)."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
import stripe

from tests.interop.stripe_support import Served, stripe_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 20


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with stripe_in_thread() as one:
        yield one


@contextmanager
def receiver() -> Iterator[tuple[str, queue.Queue[tuple[bytes, str]]]]:
    """A webhook receiver as merchants write it: its address, and what arrives there."""
    arrived: queue.Queue[tuple[bytes, str]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            arrived.put((body, self.headers["stripe-signature"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", arrived
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_signed_event_arrives_and_is_verified(served: Served) -> None:
    client = served.client()
    with receiver() as (url, arrived):
        endpoint = client.v1.webhook_endpoints.create(
            {"url": url, "enabled_events": ["customer.created"]}
        )
        customer = client.v1.customers.create({"name": "Ada"})
        body, signature = arrived.get(timeout=WAIT_S)
        event = client.construct_event(body, signature, endpoint.secret)
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(body + b" ", signature, endpoint.secret)
        client.v1.webhook_endpoints.delete(endpoint.id)
    assert (event.type, event.data.object["id"]) == ("customer.created", customer.id)
    assert client.v1.events.retrieve(event.id).data.object["id"] == customer.id


def test_endpoints_are_created_changed_listed_and_deleted(served: Served) -> None:
    endpoints = served.client().v1.webhook_endpoints
    made = endpoints.create(
        {"url": "https://shop.example/hook", "enabled_events": ["*"], "metadata": {"a": "b"}}
    )
    changed = endpoints.update(made.id, {"enabled_events": ["charge.failed"], "disabled": True})
    assert (changed.enabled_events, changed.status) == (["charge.failed"], "disabled")
    assert endpoints.retrieve(made.id).metadata["a"] == "b"
    assert [one.id for one in endpoints.list().auto_paging_iter()] == [made.id]
    assert endpoints.delete(made.id).deleted is True
    assert endpoints.list().data == []


def test_events_are_paged_by_the_sdk(served: Served) -> None:
    client = served.client()
    made = [client.v1.customers.create({"name": str(at)}).id for at in range(7)]
    found = client.v1.events.list({"type": "customer.created", "limit": 2})
    ids = [event.data.object["id"] for event in found.auto_paging_iter()]
    assert ids[: len(made)] == list(reversed(made))
