"""The rail as a process of its own: options, banner, state file, signals (issue 4)."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.arguments import parse_key, parse_rate
from mock_rails.core.errors import BadInput
from mock_rails.stripe import banner
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.settings import StripeSettings
from tests.interop.stripe_support import running_stripe

if TYPE_CHECKING:
    from pathlib import Path

    from mock_rails.core.rail import RailContext

SHOP = "sk_test_shop"


def ask(facts: dict[str, Any], verb: str, path: str, key: str = SHOP, **more: Any) -> Any:
    return httpx.request(verb, facts["url"] + path, auth=(key, ""), timeout=30, **more)


def test_state_is_saved_at_the_end_and_loaded_at_the_start(tmp_path: Path) -> None:
    options = ("--state", str(tmp_path / "shop.json"), "--seed", "7")
    key = {"idempotency-key": "k1"}
    with running_stripe(*options) as first:
        made = ask(first, "POST", "/v1/customers", data={"name": "Ada"}, headers=key).json()
    with running_stripe(*options) as second:
        again = ask(second, "POST", "/v1/customers", data={"name": "Ada"}, headers=key)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == made
        assert ask(second, "GET", "/v1/customers").json()["data"] == [made]


def test_options_reach_the_rail() -> None:
    options = ("--key", f"{SHOP}=acct_shop", "--api-version", "2026-10-28.endive",
               "--strict-version", "--strict-tokens", "--rate-limit", "3")  # fmt: skip
    with running_stripe(*options) as facts:
        assert facts["keys"] == {"sk_test_shop": "acct_shop"}
        answer = ask(facts, "POST", "/v1/customers")
        assert answer.headers["stripe-version"] == "2026-10-28.endive"
        other = ask(facts, "GET", f"/v1/customers/{answer.json()['id']}", key="sk_test_other")
        assert other.status_code == 404
        bad = ask(facts, "GET", "/v1/customers", headers={"stripe-version": "soon"})
        assert bad.status_code == 400
        grant = {
            "payment_method": "pm_card_visa",
            "usage_limits[currency]": "usd",
            "usage_limits[max_amount]": "500",
            "metadata[a]": "b",
        }
        path = "/v1/test_helpers/shared_payment/granted_tokens"
        strict = ask(facts, "POST", path, data=grant)
        assert "Received unknown parameter" in strict.json()["error"]["message"]
        statuses = [ask(facts, "GET", "/v1/customers").status_code for _ in range(10)]
        assert 429 in statuses


def test_fees_can_be_of_a_file(tmp_path: Path) -> None:
    prices = tmp_path / "prices.json"
    prices.write_text('{"card": {"basis_points": 150, "fixed": 25}}')
    with running_stripe("--prices", str(prices)) as facts:
        given = {"amount": "10000", "currency": "usd", "source": "tok_visa"}
        assert ask(facts, "POST", "/v1/charges", data=given).status_code == 200
        (one,) = ask(facts, "GET", "/v1/balance_transactions").json()["data"]
        assert (one["amount"], one["fee"], one["net"]) == (10_000, 175, 9_825)


@pytest.mark.parametrize(
    "options",
    [
        ("--key", "sk_test_shop"),
        ("--rate-limit", "0"),
        ("--port", "x"),
        ("--api-version", "soon"),
        ("--prices", "/none/of/these.json"),
    ],
)
def test_wrong_options_are_one_line(options: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mock_rails", "stripe", "--port", "0", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].count(":") >= 1


def test_the_banner_says_how_to_point_each_sdk_here(context: RailContext) -> None:
    secret = "sk_test_" + "0123456789abcdef"
    rail = Stripe(context, StripeSettings(accounts={secret: "acct_shop"}))
    facts = banner.summary(rail, "http://127.0.0.1:12111")
    text = "\n".join(banner.lines(facts))
    for piece in (
        'base_addresses={"api": "http://127.0.0.1:12111"}',
        "host: '127.0.0.1', port: 12111, protocol: 'http'",
        'STRIPE_API_BASE = "http://127.0.0.1:12111/v1"',
        "MPPX_STRIPE_SPT_URL=http://127.0.0.1:12111/v1/test_helpers/shared_payment/granted_tokens",
        "acct_shop",
        "2026-07-29.preview",
    ):
        assert piece in text
    assert secret not in text


def test_a_key_and_its_account() -> None:
    assert parse_key("sk_test_shop=acct_shop") == ("sk_test_shop", "acct_shop")
    for wrong in ("sk_test_shop", "shop=acct_shop", "sk_test_shop=shop", "sk_test_=acct_1", "="):
        with pytest.raises(BadInput):
            parse_key(wrong)


def test_a_rate() -> None:
    assert parse_rate("25") == 25
    for wrong in ("0", "-1", "many", "", "9999999"):
        with pytest.raises(BadInput):
            parse_rate(wrong)
