"""Whose card pays: only test keys, from the environment or given, and shown nowhere."""

from __future__ import annotations

import pytest

from mock_rails.core.errors import BadInput
from sandbox.client import CardWallet
from sandbox.client.errors import InvalidKeyError

KEY = "sk_test_secret51"


def test_what_is_given_comes_before_the_environment() -> None:
    known = {"MPP_SANDBOX_STRIPE_URL": "http://there:1", "MPP_SANDBOX_STRIPE_KEY": "rk_test_there"}
    there = CardWallet(environment=known)
    assert (there.stripe_url, there.authorization) == ("http://there:1", "Bearer rk_test_there")
    here = CardWallet(stripe_url="http://here:2/", key=KEY, environment=known)
    assert (here.stripe_url, here.authorization) == ("http://here:2", f"Bearer {KEY}")
    assert CardWallet(environment={}).stripe_url == "http://127.0.0.1:12111"


@pytest.mark.parametrize("key", ["pk_test_a", "sk_test_é", "sk_test_a\nb", "whatever"])
def test_other_keys_are_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(InvalidKeyError) as refused:
        CardWallet(key=key)
    assert key not in str(refused.value)


def test_real_money_is_not_spent() -> None:
    with pytest.raises(InvalidKeyError, match="real money"):
        CardWallet(key="sk_" + "live_abc")


@pytest.mark.parametrize("url", ["ftp://x", "here", "http://", "http://x:port", "//x"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(BadInput, match="no address of Stripe"):
        CardWallet(stripe_url=url)


def test_an_address_holds_no_key() -> None:
    with pytest.raises(BadInput, match="holds no key") as refused:
        CardWallet(stripe_url=f"http://{KEY}:@here:2")
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("card", ["", "pm card", "pm_card\n", "../pm", "p" * 300])
def test_what_is_no_payment_method(card: str) -> None:
    with pytest.raises(BadInput, match="no payment method"):
        CardWallet(card)


def test_the_key_is_in_no_repr() -> None:
    wallet = CardWallet(key=KEY, stripe_url="http://here:2")
    assert repr(wallet) == "<CardWallet pm_card_visa at http://here:2>"
    assert KEY not in wallet.hide(f"Invalid API Key provided: {KEY}")
