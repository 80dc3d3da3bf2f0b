"""A devnet's settings: options before the environment before the defaults, and clear refusals.

DESIGN section 3 (addresses and names).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mock_rails.core.errors import BadInput
from sandbox.settings import DevnetSettings, Part


def read(environment: dict[str, str] | None = None, **options: str | None) -> DevnetSettings:
    return DevnetSettings.read(options, environment or {})


def test_without_a_word_the_ports_are_the_documented_ones() -> None:
    settings = read()
    assert settings == DevnetSettings()
    assert (settings.control_port, settings.api_port, settings.tempo_port) == (8400, 8402, 8545)
    assert (settings.stripe_port, settings.stripe_proxy, settings.stripe_url) == (
        12111,
        False,
        None,
    )
    assert (settings.lightning_port, settings.phoenixd_port) == (8080, 9740)
    assert (settings.lnd_profile, settings.btc_usd, settings.lightning_url) == (
        "0.21",
        100_000,
        None,
    )
    assert settings.only == {Part.RAILS, Part.MERCHANTS, Part.CONTROL}


def test_an_option_comes_before_the_environment_and_that_before_the_default() -> None:
    environment = {"MPP_SANDBOX_API_PORT": "9000", "MPP_SANDBOX_CHAIN_ID": "7"}
    settings = read(environment, api_port="9100", chain_id=None)
    assert (settings.api_port, settings.chain_id, settings.tempo_port) == (9100, 7, 8545)


def test_phases_are_told_only_where_that_is_asked_for() -> None:
    assert not read().server_timing
    assert read(server_timing="1").server_timing
    assert read({"MPP_SANDBOX_SERVER_TIMING": "yes"}).server_timing


def test_an_empty_variable_says_nothing() -> None:
    assert read({"MPP_SANDBOX_CHAIN_ID": ""}).chain_id == 1337


def test_a_base_shifts_all_ports_together() -> None:
    settings = read(port_base="9400")
    assert (settings.control_port, settings.api_port, settings.tempo_port) == (9400, 9402, 9545)
    assert settings.stripe_port == 13111
    assert (settings.lightning_port, settings.phoenixd_port) == (9410, 10740)


def test_a_port_of_its_own_comes_before_the_base() -> None:
    settings = read(port_base="9400", tempo_port="8545")
    assert (settings.control_port, settings.tempo_port) == (9400, 8545)


def test_a_base_of_zero_is_any_free_ports() -> None:
    settings = read(port_base="0")
    assert settings == DevnetSettings().with_free_ports()
    assert (settings.control_port, settings.api_port, settings.tempo_port) == (0, 0, 0)


def test_everything_can_be_said_as_text() -> None:
    settings = read(
        host="::1",
        only="rails, merchants",
        block_time="200ms",
        history="10",
        seed="seven",
        state="a.json",
        fee_payer="8",
        workers="2",
        store="sqlite:channels.db",
        btc_usd_later="120s=50000, 3600=80000",
        settle_every="10s",
        settle_at_amount="$1.00",
        settle_at_units="1000",
        at_shutdown="keep",
    )
    assert settings == DevnetSettings(
        host="::1",
        only=frozenset({Part.RAILS, Part.MERCHANTS}),
        block_time_ms=200,
        history=10,
        seed="seven",
        state=Path("a.json"),
        fee_payer=8,
        workers=2,
        store="sqlite:channels.db",
        btc_usd_later=((120, 50_000), (3_600, 80_000)),
        settle_every=10,
        settle_at_amount=1_000_000,
        settle_at_units=1000,
        at_shutdown="keep",
    )


@pytest.mark.parametrize("name", ["chain_url", "stripe_url"])
def test_an_address_that_is_none_is_not_repeated_for_it_may_hold_a_key(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(only="merchants", **{name: "ws://user:pass-word@node/v2/key-1"})
    assert "pass-word" not in str(refused.value)
    assert "key-1" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"api_port": "http"}, "--api-port: 'http' is no port"),
        ({"api_port": "70000"}, "--api-port"),
        ({"port_base": "65500"}, "end above 65535"),
        ({"api_port": "8400"}, "asked for twice: --control-port and --api-port"),
        ({"only": "rails,shops"}, "'shops' is no part"),
        ({"only": ","}, "no part is named"),
        ({"only": "control"}, "nothing to show"),
        ({"only": "merchants"}, "--chain-url"),
        ({"chain_url": "http://127.0.0.1:1"}, "runs its own"),
        ({"only": "merchants", "chain_url": "ftp://x"}, "no RPC address"),
        ({"stripe_url": "http://127.0.0.1:1"}, "this devnet runs its own"),
        ({"only": "merchants", "chain_url": "http://x", "stripe_url": "x"}, "no address of Stripe"),
        ({"only": "merchants", "chain_url": "http://x", "stripe_proxy": "1"}, "no rails run"),
        ({"stripe_proxy": "maybe"}, "--stripe-proxy: 'maybe' is neither yes nor no"),
        ({"stripe_port": "8545"}, "asked for twice: --tempo-port and --stripe-port"),
        ({"phoenixd_port": "8081"}, "asked for twice: --lightning-port and --phoenixd-port"),
        ({"lightning_port": "65535"}, "do not fit"),
        ({"lightning_url": "http://x", "lightning_macaroon": "00"}, "this devnet runs its own"),
        ({"only": "merchants", "chain_url": "http://x", "lightning_url": "http://x"}, "Name both"),
        ({"only": "merchants", "chain_url": "http://x", "lightning_url": "x"}, "no address of LND"),
        ({"lightning_macaroon": "xyz"}, "no macaroon"),
        ({"lightning_network": "testnet"}, "no network of MPP's"),
        ({"lnd_profile": "0.17"}, "no LND that is emulated"),
        ({"btc_usd": "0"}, "no price of a bitcoin"),
        ({"btc_usd_later": "50000"}, "--btc-usd-later: '50000' is no step"),
        ({"btc_usd_later": "2s=50000,1s=4"}, "is not after the step before it"),
        ({"port_base": "61825"}, "The highest base is 61824"),
        ({"chain_id": "0"}, "no chain id"),
        ({"block_time": "soon"}, "no span of time"),
        ({"fee_payer": "10"}, "no development account 10"),
        ({"fee_payer": "-1"}, "no development account -1"),
        ({"workers": "0"}, "no number of merchant processes"),
        ({"workers": "many"}, "no number of merchant processes"),
        ({"workers": "2", "only": "rails,control"}, "no merchants run"),
        ({"store": "postgres://x"}, "'postgres' is no store"),
        ({"store": "memory:x"}, "no store"),
        ({"store": "sqlite:"}, "no path"),
        ({"settle_every": "500ms"}, "--settle-every: '500ms' is no whole number of seconds"),
        ({"settle_every": "soon"}, "no span of time"),
        ({"settle_at_amount": "0.00"}, "--settle-at-amount: Nothing is no amount"),
        ({"settle_at_amount": "0.0000001"}, "decimals"),
        ({"settle_at_amount": "-1"}, "--settle-at-amount"),
        ({"settle_at_units": "0"}, "no number of units"),
        ({"at_shutdown": "burn"}, "--at-shutdown: 'burn' is nothing to do"),
        ({"at_shutdown": "keep"}, "cannot keep them"),
    ],
)
def test_what_fits_no_devnet_is_refused_in_a_sentence(
    options: dict[str, str], fragment: str
) -> None:
    with pytest.raises(BadInput) as refused:
        read(**options)
    assert fragment in str(refused.value)


def test_a_wrong_variable_is_named_as_the_culprit() -> None:
    with pytest.raises(BadInput, match="MPP_SANDBOX_TEMPO_PORT: 'x' is no port"):
        read({"MPP_SANDBOX_TEMPO_PORT": "x"})


def test_the_settlement_schedule_has_variables_too() -> None:
    environment = {
        "MPP_SANDBOX_SETTLE_EVERY": "60",
        "MPP_SANDBOX_SETTLE_AT_AMOUNT": "0.05",
        "MPP_SANDBOX_SETTLE_AT_UNITS": "7",
        "MPP_SANDBOX_AT_SHUTDOWN": "settle",
    }
    found = read(environment)
    assert (found.settle_every, found.settle_at_amount, found.settle_at_units) == (60, 50_000, 7)
    assert found.at_shutdown == "settle"


def test_merchants_may_live_on_another_chain() -> None:
    settings = read(only="merchants,control", chain_url="http://127.0.0.1:8545")
    assert settings.chain_url == "http://127.0.0.1:8545"
    assert settings.ports() == ("control_port", "api_port")


def test_merchants_may_take_cards_at_another_stripe() -> None:
    asked = {"only": "merchants", "chain_url": "http://127.0.0.1:8545"}
    assert read(**asked, stripe_url="http://127.0.0.1:12111").stripe_url == "http://127.0.0.1:12111"
    # A running devnet puts its own address there; whoever starts another one beside it means none.
    assert read({"MPP_SANDBOX_STRIPE_URL": "http://127.0.0.1:12111"}, **asked).stripe_url is None


@pytest.mark.parametrize(("text", "meant"), [("1", True), ("yes", True), ("0", False)])
def test_the_proxy_is_switched_by_a_variable_too(text: str, meant: bool) -> None:
    assert read({"MPP_SANDBOX_STRIPE_PROXY": text}).stripe_proxy is meant


def test_a_port_that_is_not_opened_is_not_in_the_way() -> None:
    assert read(only="rails", tempo_port="8400").tempo_port == 8400


def test_merchants_may_take_satoshis_at_another_lnd() -> None:
    asked = {"only": "merchants", "chain_url": "http://127.0.0.1:8545"}
    settings = read(
        {"MPP_SANDBOX_LIGHTNING_MACAROON": "0201AB"},
        **asked,
        lightning_url="https://lnd.test:8080",
        lightning_network="signet",
    )
    assert settings.lightning_macaroon == "0201ab"
    assert settings.lightning_network == "signet"
    assert "0201ab" not in repr(settings)


def test_the_profiles_are_the_rails() -> None:
    from mock_rails.lightning.settings import LND_PORT, PHOENIXD_PORT, PROFILES
    from sandbox import settings

    assert settings.LND_PROFILES == PROFILES
    assert (settings.LIGHTNING_PORT, settings.PHOENIXD_PORT) == (LND_PORT, PHOENIXD_PORT)
