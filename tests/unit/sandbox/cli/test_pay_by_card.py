"""What `pay` can be told about cards, and how it says what they paid."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from mock_rails.core.errors import BadInput
from sandbox.cli import app, pay_options
from sandbox.cli.conversation import request_lines
from sandbox.cli.tally import Tally, paid_in_all
from sandbox.client.client import PREFER

URL = "http://127.0.0.1:9/quote"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--method", "visa"], "'visa' is no method"),
        (["--method", "stripe", "--session"], "are not a card's"),
        (["--method", "stripe", "--charge"], "are not a card's"),
        (["--method", "stripe", "--stream"], "are not a card's"),
        (["--method", "tempo", "--card", "pm_card_visa"], "--card is for stripe"),
        (["--method", "stripe", "--card", "my card"], "is no payment method"),
        (["--method", "stripe", "--stripe-url", "there"], "no address of Stripe"),
    ],
)
def test_options_that_mean_nothing(options: list[str], says: str) -> None:
    done = CliRunner().invoke(app, ["pay", URL, *options])
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_dry_run_asks_over_http() -> None:
    done = CliRunner().invoke(app, ["pay", "ws://127.0.0.1:9/quote", "--stream", "--dry-run"])
    assert done.exit_code == 2
    assert "--dry-run asks over HTTP" in done.stderr


@pytest.mark.parametrize(
    ("by", "methods"),
    [
        (None, PREFER),
        ("tempo", ("tempo/session", "tempo/charge")),
        ("stripe", ("stripe/charge",)),
    ],
)
def test_the_methods_that_may_be_paid(by: str | None, methods: tuple[str, ...]) -> None:
    found = pay_options.choose_methods(session=False, charge=False, stream=False, by=by, card=None)
    assert found == methods


def test_a_key_of_real_money_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPP_SANDBOX_STRIPE_KEY", "sk_" + "live_secret")
    done = CliRunner().invoke(app, ["pay", URL, "--method", "stripe"])
    assert done.exit_code == 2
    assert "real money" in done.stderr
    assert "secret" not in done.stderr


def test_the_devnets_stripe_is_asked_unless_another_is_named() -> None:
    info: dict[str, Any] = {"stripe": {"url": "http://here:1", "key": "sk_test_here"}}
    here = pay_options.read_card(None, None, info)
    assert (here.payment_method, here.stripe_url) == ("pm_card_visa", "http://here:1")
    assert here.authorization == "Bearer sk_test_here"
    there = pay_options.read_card("pm_card_amex", "http://there:2", info)
    assert (there.payment_method, there.stripe_url) == ("pm_card_amex", "http://there:2")
    assert there.authorization != "Bearer sk_test_here"  # a key is for its own Stripe


@pytest.mark.parametrize(("most", "cents"), [("1.00", 100), ("0.055", 5), ("2", 200)])
def test_a_budget_in_whole_cents(most: str, cents: int) -> None:
    budget = pay_options.read_card_budget(most)
    assert budget is not None
    assert (budget.total, budget.decimals) == (cents, 2)
    assert budget.allowed_currencies == {"usd"}


def test_no_budget_is_no_limit() -> None:
    assert pay_options.read_card_budget(None) is None
    with pytest.raises(BadInput):
        pay_options.read_card_budget("lots")


def test_tokens_and_cards_are_added_up_apart() -> None:
    assert paid_in_all(0, {}) == "$0.00"
    assert paid_in_all(0, {"usd": 150}) == "$1.50"
    assert paid_in_all(10_000, {"usd": 150, "eur": 50}) == "$0.01 and $1.50 and 0.50 EUR"
    tally = Tally(by_card=Counter({"usd": 50}))
    tally.add("paid", 1_000, method="stripe/charge", reason=None)
    assert "Spent         $0.50 by stripe/charge" in tally.lines()
    assert tally.to_json()["spent_by_card"] == {"usd": "50"}


def test_the_conversation_shows_what_a_token_is_asked_for_with_and_not_the_key() -> None:
    request = httpx.Request(
        "POST",
        "http://stripe/v1/test_helpers/shared_payment/granted_tokens",
        headers={"authorization": "Bearer sk_test_secret"},
        data={"payment_method": "pm_card_visa", "usage_limits[max_amount]": "50"},
    )
    lines = list(request_lines(request))
    assert ">   usage_limits[max_amount]: 50" in lines
    assert "secret" not in "".join(lines)
