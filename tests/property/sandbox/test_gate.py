"""Hostile requests are answered with a problem of the right kind, and leave nothing behind.

Issue 3, hostile input; facts: protocol 1.5. Whatever is sent as a credential, the answer is a 4xx
with an RFC 9457 problem; no payment is settled, nothing is delivered, and the stores stay as they
were.
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mpp import Challenge

from mock_rails.core import Clock
from mock_rails.core.seeds import Seeds
from sandbox.server.challenges import Challenges
from sandbox.server.gate import Gate
from sandbox.server.route import Route
from sandbox.server.stores import MemoryStore
from tests.unit.sandbox.server.support import REALM, SECRET, App, FakeOffer, credential

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "\x00", "|", '"', "9" * 400, "-1", "0x" + "f" * 64]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [
    "id",
    "realm",
    "method",
    "intent",
    "request",
    "expires",
    "digest",
    "opaque",
    "header",
    "description",
]


class World:
    """A gate whose offer takes anything: only the gate's own checks stand in the way."""

    def __init__(self) -> None:
        self.clock = Clock.frozen(1_767_225_600)
        self.store = MemoryStore(self.clock)
        self.offer = FakeOffer()
        self.app = App()
        self.challenges = Challenges(
            realm=REALM, secret=SECRET, clock=self.clock, seeds=Seeds("hostile")
        )
        self.gate = Gate(
            self.app,
            [Route("/goods", (self.offer,), methods=frozenset({"GET", "POST"}))],
            challenges=self.challenges,
            store=self.store,
            clock=self.clock,
        )
        issued = self.challenges.issue(self.offer, scope={"route": "GET /goods"})
        self.good = credential(Challenge.from_www_authenticate(issued.header_value))

    def document(self) -> Any:
        """The good credential as JSON."""
        text = self.good.removeprefix("Payment ")
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    def request(
        self, *headers: tuple[bytes, bytes], method: str = "GET", query: bytes = b""
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        """One request's answer."""
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": "/goods",
            "query_string": query,
            "headers": list(headers),
        }
        asyncio.run(self.gate(scope, receive, send))
        start, body = sent
        return start["status"], dict(start["headers"]), body["body"]

    def remembers(self) -> Any:
        """All that its stores hold."""
        store: Any = self.store
        marks = dict(store._replays._marks)
        return marks, {name: dict(one._kept) for name, one in store._collections.items()}


def check_refused(world: World, value: bytes, **options: Any) -> None:
    """The credential is refused as it should be."""
    before = world.remembers()
    status, headers, body = world.request((b"authorization", value), **options)
    assert 400 <= status < 500
    document = json.loads(body)
    assert document["status"] == status
    assert document["type"].startswith(("https://paymentauth.org/problems/", "urn:"))
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"cache-control"] == b"no-store"
    assert (b"www-authenticate" in headers) is (status == 402)
    assert b"payment-receipt" not in headers
    assert world.offer.settled == []
    assert world.app.scopes == []
    assert world.remembers() == before


def encoded(document: Any) -> bytes:
    """A document as a credential."""
    return b"Payment " + base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=")


@given(st.binary(max_size=200))
def test_any_bytes_after_the_scheme(data: bytes) -> None:
    check_refused(World(), b"Payment " + data.replace(b"\n", b"").replace(b",", b""))


@given(JSON)
def test_any_json(document: Any) -> None:
    check_refused(World(), encoded(document))


@given(st.data())
def test_a_good_credential_with_one_character_changed(data: st.DataObject) -> None:
    """Changed in its challenge: the proof is the offer's to judge, and source is only a claim."""
    world = World()
    document = world.document()
    field = data.draw(st.sampled_from([f for f in document["challenge"] if f != "description"]))
    text = document["challenge"][field]
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.characters(codec="utf-8").filter(lambda c: c != text[at]))
    changed = text[:at] + new + text[at + 1 :]
    if field in {"request", "opaque"} and _same_json(text, changed):
        return  # base64 has more than one spelling of the last bits; it says the same
    document["challenge"][field] = changed
    check_refused(world, encoded(document))


@given(st.sampled_from(FIELDS[:-1]), JSON)
def test_a_good_credential_with_one_field_of_another_kind(field: str, value: Any) -> None:
    world = World()
    document = world.document()
    if value in (None, "", False, 0, [], {}) and field not in document["challenge"]:
        return
    if field == "header" and not isinstance(value, str):
        value = str(value)
    if field == "header" and value.lower() == "authorization":
        return
    if str(document["challenge"].get(field)) == str(value):
        return
    document["challenge"][field] = value
    check_refused(world, encoded(document))


@given(st.sampled_from(["challenge", "payload"]), JSON)
def test_a_good_credential_with_a_part_replaced(part: str, value: Any) -> None:
    world = World()
    document = world.document()
    document[part] = value
    check_refused(world, encoded(document))


@given(st.binary(min_size=1, max_size=50), st.sampled_from(["GET", "POST", "HEAD"]))
def test_a_good_credential_at_another_query_or_method(query: bytes, method: str) -> None:
    world = World()
    before = world.remembers()
    status, _, _ = world.request(
        (b"authorization", world.good.encode()), method=method, query=query
    )
    assert status == 402
    assert world.remembers() == before


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"accept",
                    b"accept-payment",
                    b"idempotency-key",
                    b"payment-session",
                    b"payment-authorization",
                    b"origin",
                    b"host",
                    b"content-length",
                ]
            ),
            st.binary(max_size=60),
        ),
        max_size=6,
    )
)
def test_any_other_headers(headers: list[tuple[bytes, bytes]]) -> None:
    world = World()
    status, _, _ = world.request(*headers)
    assert 400 <= status < 500


def _same_json(one: str, other: str) -> bool:
    try:
        decoded = [base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) for text in (one, other)]
        return bool(json.loads(decoded[0]) == json.loads(decoded[1]))
    except ValueError:
        return False
