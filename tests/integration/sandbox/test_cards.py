"""Paying by card as people do it: `pay --method stripe`, `--dry-run` and `inspect`, as processes
beside a devnet's own process; and answers that are lost on real sockets (facts: stripe 0.2)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
CLI = (sys.executable, "-m", "sandbox.cli")
BY_CARD = ("--method", "stripe")
CHARGES = {"verb": "POST", "route": "/v1/payment_intents"}
CHARGES_OF = {"path": "/v1/payment_intents", "verb": "POST"}
TOKENS = {"verb": "POST", "route": "/v1/test_helpers/shared_payment/granted_tokens"}


class Devnet(NamedTuple):
    """A devnet that runs, and a place for the payer's book."""

    info: dict[str, Any]
    state: Path
    stripe: httpx.Client

    @property
    def quote(self) -> str:
        return f"{self.info['merchants']['url']}/stripe/quote"

    @property
    def report(self) -> str:
        return f"{self.info['merchants']['url']}/report"

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """A command that ends with this code."""
        known = {"MPP_SANDBOX_CONTROL_URL": self.info["control"]["url"]}
        done = subprocess.run(
            [*CLI, *arguments],
            env=os.environ | known | {"XDG_STATE_HOME": str(self.state), "COLUMNS": "80"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=ROOT,
        )
        assert done.returncode == code, done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command writes for programs."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def arm(self, do: str, where: dict[str, str], when: str = "nth=1") -> None:
        """Let something go wrong at Stripe."""
        fault = {"at": "stripe.request", "do": do, "when": when, "where": where}
        self.stripe.post("/_sandbox/faults", json=fault).raise_for_status()

    def told(self, challenge: str) -> dict[str, Any]:
        """What `inspect` knows of Stripe's side."""
        found: dict[str, Any] = self.json("inspect", challenge)["stripe"]
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    command = [*CLI, "up", "--json", "--port-base", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            info = json.loads(process.stdout.readline())
            url, key = info["stripe"]["url"], info["stripe"]["key"]
            with httpx.Client(base_url=url, auth=(key, ""), trust_env=False) as stripe:
                yield Devnet(info, tmp_path_factory.mktemp("state"), stripe)
        finally:
            process.terminate()
            assert process.wait(timeout=30) == 0


@pytest.fixture
def devnet(running: Devnet) -> Iterator[Devnet]:
    """The one devnet of this file, without what an earlier test has armed."""
    yield running
    running.stripe.delete("/_sandbox/faults").raise_for_status()


def test_a_card_pays_and_inspect_shows_both_sides(devnet: Devnet) -> None:
    paid = devnet.json("pay", devnet.quote, *BY_CARD, "--max", "1.00")
    assert (paid["outcome"], paid["spent"], paid["spent_by_card"]) == ("paid", "0", {"usd": "50"})
    reference = paid["payment"]["receipt"]["reference"]
    told = devnet.told(paid["payment"]["challenge"])
    assert [one["id"] for one in told["payment_intents"]] == [reference]
    assert [one["deactivated_reason"] for one in told["granted_tokens"]] == ["consumed"]
    assert told["double_charge"] is False
    assert "_secret_" not in json.dumps(told)
    text = devnet.run("inspect", reference[:10]).stdout
    for words in ("At Stripe", "$0.50 by card", "consumed", "succeeded $0.50", reference):
        assert words in text
    assert max(map(len, text.splitlines())) <= 80


def test_it_needs_no_option_where_only_cards_are_taken(devnet: Devnet) -> None:
    done = devnet.run("pay", devnet.quote)
    assert "Paid $0.50 by stripe/charge" in done.stderr
    assert "PaymentIntent pi_" in done.stderr


def test_a_dry_run_shows_what_would_be_minted_and_pays_nothing(devnet: Devnet) -> None:
    before = devnet.stripe.get("/_sandbox/requests").json()["data"]
    text = devnet.run("pay", devnet.report, "--dry-run").stdout
    assert text.startswith("Would pay $0.05 by tempo/session")
    assert "Else $0.50 by stripe/charge" in text
    assert "usage_limits[max_amount]=50" in text
    (plan,) = devnet.json("pay", devnet.report, *BY_CARD, "--dry-run")["would"]
    assert plan["form"]["payment_method"] == "pm_card_visa"
    refused = devnet.run("pay", devnet.report, *BY_CARD, "--dry-run", "--max", "0.1", code=1)
    assert "Would not pay $0.50 by stripe/charge" in refused.stdout
    assert devnet.stripe.get("/_sandbox/requests").json()["data"] == before


def test_a_decline_is_one_line_with_the_banks_words_and_one_try(devnet: Devnet) -> None:
    card = "pm_card_visa_chargeDeclinedInsufficientFunds"
    done = devnet.run("pay", devnet.quote, *BY_CARD, "--card", card, code=1)
    assert "insufficient funds" in done.stderr
    assert done.stderr.count("\n") == 1
    refused = devnet.json("pay", devnet.quote, *BY_CARD, "--card", card, code=1)
    assert refused["outcome"] == "refused"
    newest = devnet.stripe.get("/_sandbox/requests", params={**CHARGES_OF, "limit": 1}).json()
    told = devnet.told(newest["data"][0]["challenge_id"])
    assert [one["status"] for one in told["payment_intents"]] == ["requires_payment_method"]
    assert [one["deactivated_reason"] for one in told["granted_tokens"]] == ["revoked"]


def test_a_budget_ends_many_requests(devnet: Devnet) -> None:
    done = devnet.run("pay", devnet.quote, *BY_CARD, "-n", "8", "-c", "3", "--max", "2", code=1)
    assert "4 paid" in done.stdout
    assert "Spent         $2.00 by stripe/charge" in done.stdout


@pytest.mark.parametrize("where", [TOKENS, CHARGES], ids=["token", "charge"])
def test_an_answer_is_lost_and_the_call_is_charged_once(
    devnet: Devnet, where: dict[str, str]
) -> None:
    devnet.arm("commit_then_drop", where)
    paid = devnet.json("pay", devnet.quote, *BY_CARD)
    assert paid["outcome"] == "paid"
    told = devnet.told(paid["payment"]["challenge"])
    assert [one["status"] for one in told["payment_intents"]] == ["succeeded"]
    assert len(told["granted_tokens"]) == 1
    assert told["double_charge"] is False


def test_stripe_goes_silent_and_the_outcome_says_what_is_known(devnet: Devnet) -> None:
    devnet.arm("commit_then_drop", CHARGES, "every=1")
    lost = devnet.json("pay", devnet.quote, *BY_CARD, code=3)
    assert lost["outcome"] == "unknown"
    assert lost["spent_by_card"] == {"usd": "50"}  # the token was used
    newest = devnet.stripe.get("/_sandbox/requests", params={**CHARGES_OF, "limit": 1}).json()
    told = devnet.told(newest["data"][0]["challenge_id"])
    assert [one["status"] for one in told["payment_intents"]] == ["succeeded"]
    assert len(told["granted_tokens"]) == 1


def test_a_client_that_pays_twice_is_shouted_at(devnet: Devnet) -> None:
    """As pympp's does by default: the first answer is lost, and another challenge is paid."""
    devnet.arm("commit_then_drop", CHARGES)
    form = {"amount": "77", "currency": "usd", "confirm": "true", "payment_method": "pm_card_amex"}
    more = {"payment_method_types[0]": "card"}
    with pytest.raises(httpx.RemoteProtocolError):
        devnet.stripe.post(
            "/v1/payment_intents", data={**form, **more, "metadata[mpp_challenge_id]": "lost-one"}
        )
    devnet.stripe.post(
        "/v1/payment_intents", data={**form, **more, "metadata[mpp_challenge_id]": "paid-again"}
    ).raise_for_status()
    text = devnet.run("inspect", "lost-one").stdout
    assert "DOUBLE CHARGE: 2 PaymentIntents succeeded for one call: $1.54." in text
    assert devnet.told("paid-a")["double_charge"] is True


def test_nothing_answers_where_stripe_should_be(devnet: Devnet) -> None:
    done = devnet.run("pay", devnet.quote, "--stripe-url", "http://127.0.0.1:9", code=1)
    assert "Stripe at http://127.0.0.1:9 made no payment token" in done.stderr
    assert done.stderr.count("\n") == 1
