"""Whatever is sent to whatever endpoint: an answer in Stripe's words, never a defect (issue 4).

Bodies are random texts, random fields by their real names, and whole valid bodies with a change
in one place. After each, the books balance, and what was refused has changed nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_rails.core.clock import Clock
from mock_rails.core.rail import RailContext
from mock_rails.stripe.endpoints import ENDPOINTS
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import ListOf, Object
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.wire.dispatcher import Dispatcher
from mock_rails.stripe.wire.form import parse_form
from mock_rails.stripe.wire.idempotency import TABLE
from mock_rails.stripe.wire.request import Request
from tests.conftest import NEW_YEAR_2026_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_rails.stripe.endpoint import Endpoint

FORM = {"content-type": "application/x-www-form-urlencoded"}
KEY = {"authorization": "Bearer sk_test_x"}
BYPASS = "pm_card_bypassPending"
PAY = {
    "amount": "500",
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": "true",
    "off_session": "true",
}
CARD = {"card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "34"}
DEPOSIT = {
    "amount": "101",
    "currency": "usd",
    "confirm": "true",
    "payment_method_data[type]": "crypto",
    "payment_method_types[]": "crypto",
    "payment_method_options[crypto][mode]": "deposit",
    "payment_method_options[crypto][deposit_options][networks][]": "tempo",
}
GRANT = {
    "payment_method": "pm_card_visa",
    "usage_limits[currency]": "usd",
    "usage_limits[max_amount]": "500",
}
STRIPES = tuple(one for one in ENDPOINTS if not one.path.startswith("/_sandbox/"))


class Wire:
    """A Stripe with some objects, asked from outside of any event loop."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.begin()

    def begin(self) -> None:
        """Start over with a new Stripe."""
        self.rail = Stripe(RailContext.create("forms", Clock.frozen(NEW_YEAR_2026_S)))
        self.dispatcher = Dispatcher(self.rail)
        self.make("customers", name="Ada")
        paid = self.make("payment_intents", **PAY)["id"]
        self.make("payment_intents", amount="500", currency="usd")
        self.make("payment_intents", **PAY, capture_method="manual")
        asks = {"payment_method": "pm_card_authenticationRequired", "off_session": "false"}
        self.make("payment_intents", **PAY | asks, return_url="https://example.com")
        self.make("payment_intents", **PAY | {"payment_method": "pm_card_createDispute"})
        self.make("payment_intents", **PAY | {"amount": "9000", "payment_method": BYPASS})
        self.make("payment_intents", **DEPOSIT)
        self.make("refunds", payment_intent=paid, amount="100")
        self.make("payouts", amount="100", currency="usd")
        self.make("setup_intents", payment_method="pm_card_visa")
        self.make("test_helpers/shared_payment/granted_tokens", **GRANT)
        seller = {"seller_details[network_business_profile]": "internal"}
        self.make("shared_payment/issued_tokens", **GRANT, **seller)
        self.make("crypto/deposit_addresses", network="tempo")
        self.make("webhook_endpoints", url="http://127.0.0.1:9/", **{"enabled_events[]": "*"})
        self.make("tokens", **CARD)
        self._subscribe()
        self.rail.catch_up()
        self.ids = tuple(
            one.id
            for table in self.rail.snapshot()["tables"]
            for one in self.rail.state.all(table)
            if "_" in one.id
        )

    def _subscribe(self) -> None:
        """A customer on a test clock, who has subscribed to something."""
        clock = self.make("test_helpers/test_clocks", frozen_time=str(NEW_YEAR_2026_S))["id"]
        customer = self.make("customers", test_clock=clock)["id"]
        method = self.make("payment_methods/pm_card_visa/attach", customer=customer)["id"]
        product = self.make("products", name="Time")["id"]
        each = {"recurring[interval]": "month", "unit_amount": "900"}
        price = self.make("prices", currency="usd", product=product, **each)["id"]
        chosen = {"customer": customer, "default_payment_method": method, "items[0][price]": price}
        self.make("subscriptions", **chosen)
        self.make("subscriptions", **chosen, payment_behavior="default_incomplete")

    def make(self, path: str, **form: str) -> dict[str, Any]:
        """An object that exists before all examples."""
        status, document = self.ask("POST", f"/v1/{path}", urlencode(form).encode())
        assert status == 200, document
        return document

    def ids_of(self, endpoint: Endpoint) -> st.SearchStrategy[str]:
        """Mostly the id of an object that the endpoint is about, sometimes any other."""
        noun = endpoint.path.partition("/{")[0].rpartition("/")[2]
        own = [one for one in self.ids if self.rail.state.find(noun, one) is not None]
        return st.sampled_from(own or self.ids) | st.sampled_from(self.ids)

    def ask(
        self, verb: str, path: str, body: bytes = b"", query: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """The status and the document that a request gets."""
        request = Request(verb, path, query, {**FORM, **KEY, **headers}, body)
        answer = self._runner.run(self.dispatcher.answer(request))
        return answer.status, orjson.loads(answer.body)

    def check(self, verb: str, path: str, body: bytes = b"", query: bytes = b"") -> int:
        """Ask, and require an answer in Stripe's words, and books that balance."""
        before = self.rail.digest()
        kept = self.rail.state.count(TABLE)
        status, document = self.ask(verb, path, body, query)
        assert status < 500 or document["error"]["code"] == "sandbox_not_emulated", document
        if status != 200:
            error = document["error"]
            assert error["type"] in ("invalid_request_error", "card_error")
            assert error["message"]
        if status in (400, 404) and self.rail.state.count(TABLE) == kept:
            assert self.rail.digest() == before, "what is refused changes nothing"
        self.rail.check_conservation()
        return status


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with asyncio.Runner() as runner:
        yield Wire(runner)


@contextmanager
def restored(wire: Wire) -> Iterator[Wire]:
    """The same Stripe for every example: changes are taken back."""
    before = wire.rail.snapshot()
    try:
        yield wire
    finally:
        wire.rail.restore(before)


# -- what is sent ----------------------------------------------------------------------------------

PIECES = st.sampled_from(
    ["a", "amount", "metadata", "[", "]", "[]", "[0]", "[a]", "=", "&", "%", "%5B", "%5D", "%ff",
     "+", "1", "x", ";", "é", "\0", "expand[]=", "data."]
)  # fmt: skip
NONSENSE = st.lists(PIECES, max_size=30).map(lambda parts: "".join(parts).encode())
LIKELY = st.sampled_from(
    ["", "0", "1", "-1", "500", "99999999", "999999999999999999", "1e3", "true", "false", "usd",
     "jpy", "pm_card_visa", "pm_card_visa_chargeDeclined", "card", "crypto", "link", "manual",
     "month", "https://example.com", "tok_visa", "4242424242424242", "acct_sandbox", "*"]
)  # fmt: skip
TIMES = st.integers(NEW_YEAR_2026_S - 10, NEW_YEAR_2026_S + 10**8).map(str)
VALUES = st.one_of(LIKELY, st.text(max_size=20), TIMES)


def names(kind: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """The parameters that an endpoint knows, spelled out."""
    if isinstance(kind, Object) and depth < 4:
        for name, inner in kind.fields.items():
            yield from names(inner, f"{prefix}[{name}]" if prefix else name, depth + 1)
    elif isinstance(kind, ListOf):
        yield from names(kind.item, f"{prefix}[0]", depth + 1)
    else:
        yield prefix


def fields_of(endpoint: Endpoint) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Some of its parameters, with any values."""
    takes = endpoint.takes
    known = [*names(takes), "expand[]", "metadata[a]", "unknown"]
    needed = [name for one in takes.required for name in names(takes.fields[one], one)]
    some = st.lists(st.tuples(st.sampled_from(known), VALUES), max_size=6)
    all_needed = st.tuples(*(st.tuples(st.just(name), LIKELY) for name in needed))
    return st.tuples(some, all_needed).map(lambda two: [*two[0], *two[1]])


CALLS = st.sampled_from(STRIPES).flatmap(lambda one: st.tuples(st.just(one), fields_of(one)))


def path_of(endpoint: Endpoint, some_id: str) -> str:
    """The endpoint's path with an id in each place."""
    parts = (some_id if part.startswith("{") else part for part in endpoint.path.split("/"))
    return "/".join(parts)


# -- what happens ----------------------------------------------------------------------------------


@given(NONSENSE)
@example(b"a[" + b"[" * 5_000 + b"=1")
@example(b"a" + b"[b]" * 5_000 + b"=1")
def test_any_text_is_a_form_or_refused_as_one(text: bytes) -> None:
    with suppress(InvalidRequest):
        orjson.dumps(parse_form(text.decode()))


@given(st.sampled_from(STRIPES), NONSENSE, st.sampled_from(["x", "pi_none", "\0", "é", "%2F"]))
def test_nonsense_is_refused(wire: Wire, endpoint: Endpoint, body: bytes, some_id: str) -> None:
    with restored(wire):
        if endpoint.verb == "POST":
            wire.check("POST", path_of(endpoint, some_id), body)
        else:
            wire.check(endpoint.verb, path_of(endpoint, some_id), query=body)


@given(CALLS, st.data())
def test_real_names_with_any_values(
    wire: Wire, call: tuple[Endpoint, list[tuple[str, str]]], data: st.DataObject
) -> None:
    endpoint, fields = call
    some_id = data.draw(wire.ids_of(endpoint))
    body = urlencode(fields, errors="replace").encode()
    with restored(wire):
        if endpoint.verb == "POST":
            wire.check("POST", path_of(endpoint, some_id), body)
        else:
            wire.check(endpoint.verb, path_of(endpoint, some_id), query=body)


VALID = st.sampled_from(
    [
        ("payment_intents", PAY),
        ("test_helpers/shared_payment/granted_tokens", GRANT),
        ("customers", {"name": "Ada", "metadata[a]": "b"}),
        ("refunds", {"payment_intent": "pi", "amount": "100"}),
    ]
)


@given(VALID, st.data())
def test_a_valid_body_with_one_change(
    wire: Wire, valid: tuple[str, dict[str, str]], data: st.DataObject
) -> None:
    noun, form = valid
    paid = next(one for one in wire.ids if one.startswith("pi_"))
    form = {name: paid if value == "pi" else value for name, value in form.items()}
    name = data.draw(st.sampled_from(sorted(form)))
    how = data.draw(st.sampled_from(["drop", "value", "name", "byte"]))
    body = urlencode({key: item for key, item in form.items() if key != name})
    if how == "value":
        body += "&" + urlencode({name: data.draw(VALUES)}, errors="replace")
    elif how == "name":
        body += f"&{name}[{data.draw(st.sampled_from(['', '0', 'a']))}]={form[name]}"
    elif how == "byte":
        at = data.draw(st.integers(0, len(body) - 1)) if body else 0
        body = body[:at] + data.draw(st.sampled_from("[]&=%\0é")) + body[at + 1 :]
    with restored(wire):
        wire.check("POST", f"/v1/{noun}", body.encode())
