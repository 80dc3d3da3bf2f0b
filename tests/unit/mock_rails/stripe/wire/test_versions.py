"""API versions: the header, the default, and what comes and goes (facts: stripe 0.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.stripe.api import StripeApi
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings
from mock_rails.stripe.version import Version

if TYPE_CHECKING:
    from mock_rails.core.rail import RailContext

GONE = "payment_method_types_no_longer_supported"
TYPES = {"payment_method_types[0]": "card"}
PRICE = {"amount": "500", "currency": "usd"}


async def send(
    http: httpx.AsyncClient, version: str | None, form: dict[str, str], path: str = ""
) -> httpx.Response:
    headers = {} if version is None else {"stripe-version": version}
    return await http.post(f"/v1/payment_intents{path}", data=form, headers=headers)


@pytest.mark.parametrize(
    ("version", "refused"),
    [
        (None, False),  # mpp-rs, mpp-rb and curl send none: the lenient default
        ("2026-07-29.preview", False),  # what pympp and mppx pin
        ("2026-08-26.preview", True),
        ("2026-10-14.preview", True),
        ("2026-08-26.dahlia", False),
        ("2026-09-30.endive", True),
        ("2026-10-28.endive", True),
        ("2020-08-27", False),
    ],
)
async def test_payment_method_types_end_by_track_and_date(
    http: httpx.AsyncClient, version: str | None, refused: bool
) -> None:
    answer = await send(http, version, {**PRICE, **TYPES})
    assert answer.status_code == (400 if refused else 200), answer.text
    if refused:
        error = answer.json()["error"]
        assert (error["code"], error["param"]) == (GONE, "payment_method_types")
        assert answer.headers["stripe-version"] == version


@pytest.mark.parametrize("path", ["", "/confirm"])
async def test_the_gate_stands_at_update_and_confirm_too(
    http: httpx.AsyncClient, path: str
) -> None:
    made = (await send(http, "2026-10-28.endive", PRICE)).json()
    answer = await send(http, "2026-10-28.endive", TYPES, f"/{made['id']}{path}")
    assert answer.json()["error"]["code"] == GONE


@pytest.mark.parametrize("path", ["/v1/setup_intents", "/v1/setup_intents/seti_x/confirm"])
async def test_the_gate_stands_at_setup_intents(http: httpx.AsyncClient, path: str) -> None:
    headers = {"stripe-version": "2026-10-28.endive"}
    answer = await http.post(path, data=TYPES, headers=headers)
    assert answer.json()["error"]["code"] == GONE


async def test_the_replacement_came_with_dahlia(http: httpx.AsyncClient) -> None:
    form = {**PRICE, "allowed_payment_method_types[]": "card"}
    assert (await send(http, "2026-07-29.dahlia", form)).status_code == 200
    early = await send(http, "2026-06-24.dahlia", form)
    assert early.json()["error"]["code"] == "parameter_unknown"


@pytest.mark.parametrize(
    "other",
    [
        TYPES,
        {"excluded_payment_method_types[]": "link"},
        {"automatic_payment_methods[enabled]": "true"},
        {"payment_method_configuration": "pmc_1"},
    ],
)
async def test_the_replacement_stands_alone(http: httpx.AsyncClient, other: dict[str, str]) -> None:
    form = {**PRICE, "allowed_payment_method_types[]": "card", **other}
    error = (await send(http, None, form)).json()["error"]
    assert error["code"] == "parameters_exclusive"
    assert error["param"] == "allowed_payment_method_types"


async def test_the_effective_version_is_echoed(http: httpx.AsyncClient) -> None:
    for sent, effective in (
        (None, "2026-07-29.preview"),
        ("2026-10-28.endive", "2026-10-28.endive"),
        ("tomorrow", "2026-07-29.preview"),
    ):
        headers = {} if sent is None else {"stripe-version": sent}
        answer = await http.get("/v1/customers", headers=headers)
        assert answer.headers["stripe-version"] == effective


async def asked(context: RailContext, settings: StripeSettings, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(StripeApi(Stripe(context, settings)))
    async with httpx.AsyncClient(transport=transport, base_url="http://stripe") as client:
        return await client.get(
            "/v1/customers", headers={"authorization": "Bearer sk_test_shop", **headers}
        )


async def test_strict_refuses_what_is_no_version(context: RailContext) -> None:
    strict = StripeSettings(strict_version=True)
    answer = await asked(context, strict, **{"stripe-version": "tomorrow"})
    assert answer.status_code == 400
    assert "tomorrow" in answer.json()["error"]["message"]


async def test_an_account_may_have_a_version_of_its_own(context: RailContext) -> None:
    settings = StripeSettings(
        accounts={"sk_test_shop": "acct_shop"}, versions={"acct_shop": "2020-08-27"}
    )
    assert (await asked(context, settings)).headers["stripe-version"] == "2020-08-27"


@pytest.mark.parametrize("text", ["2026-10-28.endive", "2020-08-27"])
def test_a_version_reads_as_it_was_written(text: str) -> None:
    assert str(Version.parse(text)) == text


def test_older_shapes_are_registered_by_object_type(
    rail: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1.9, shape traps: versions before basil see fields that have moved since."""
    from mock_rails.stripe.wire import views

    monkeypatch.setattr(views, "_OLDER", {})
    views.older("thing", "2025-03-31", lambda _, one: {**one, "old": one["new"]})
    views.older("thing", "2020-01-01", lambda _, one: {**one, "older": one["old"]})
    thing = {"object": "thing", "new": 1}
    document = {"object": "list", "data": [thing], "more": {"nested": thing}}

    def seen(version: str) -> dict[str, Any]:
        with rail.operation(version=Version.parse(version)) as operation:
            return views.shown(operation, document)

    assert seen("2025-03-31.basil") == document
    assert seen("2024-06-20")["data"] == [{**thing, "old": 1}]
    assert seen("2019-12-03")["more"] == {"nested": {**thing, "old": 1, "older": 1}}
    assert thing == {"object": "thing", "new": 1}
