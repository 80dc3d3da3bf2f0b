"""What a running devnet says about itself: the object of `--json`, of `/_sandbox/info` and of
`status`, and the variables that `exec` and `status -o env` make of it.

Keys are those of the public development accounts, which everybody knows; nothing else is secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

PAYER: Final = 0
"""The development account that pays where the command line names no other."""
SPONSOR: Final = 8
"""The one that pays fees where somebody is to be sponsored."""
MERCHANT: Final = 9
"""The one that the merchants are paid to, and settle and close channels from."""

ROLES: Final = {"payer": PAYER, "sponsor": SPONSOR, "merchant": MERCHANT}


def describe(
    *,
    ready: bool,
    workers: int,
    store: str,
    control_url: str | None,
    tempo: Mapping[str, Any] | None,
    stripe: Mapping[str, Any] | None,
    lightning: Mapping[str, Any] | None,
    merchants: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The description; a part that does not run is absent."""
    info: dict[str, Any] = {"version": __version__, "ready": ready, "roles": ROLES}
    if control_url is not None:
        info["control"] = {
            "url": control_url,
            "health": f"{control_url}/_sandbox/health",
            "events": f"{control_url}/_sandbox/events",
        }
    if merchants is not None:
        info["merchants"] = {**merchants, "workers": workers, "store": store}
    if tempo is not None:
        info["tempo"] = tempo
    if stripe is not None:
        info["stripe"] = stripe
    if lightning is not None:
        info["lightning"] = lightning
    return info


def environment(info: Mapping[str, Any]) -> dict[str, str]:
    """Variables for a program beside a devnet: ours, and those that SDKs' tools read."""
    found: dict[str, str] = {}
    if "control" in info:
        found["MPP_SANDBOX_CONTROL_URL"] = info["control"]["url"]
    merchants, tempo = info.get("merchants"), info.get("tempo")
    if merchants is not None:
        found |= {
            "MPP_SANDBOX_API_URL": merchants["url"],
            "MPP_SANDBOX_RECIPIENT": merchants["recipient"],
            "MPP_SANDBOX_CURRENCY": merchants["currency"],
        }
    if tempo is not None:
        payer = tempo["accounts"][PAYER]
        found |= {
            "MPP_SANDBOX_RPC_URL": tempo["url"],
            "MPP_SANDBOX_WS_URL": tempo["ws_url"],
            "MPP_SANDBOX_CHAIN_ID": str(tempo["chain_id"]),
            "MPP_SANDBOX_MNEMONIC": tempo["mnemonic"],
            "MPP_SANDBOX_PAYER": payer["address"],
            "MPP_SANDBOX_PAYER_KEY": payer["private_key"],
            "MPPX_RPC_URL": tempo["url"],
            "MPPX_PRIVATE_KEY": payer["private_key"],
            "TEMPO_RPC_URL": tempo["url"],
        }
    return found | _stripe(info.get("stripe")) | _lightning(info.get("lightning"))


def _stripe(stripe: Mapping[str, Any] | None) -> dict[str, str]:
    """Stripe's variables: its address, what mppx's command line makes tokens with, and the way in
    for programs that hard-code the host, if there is one (facts: stripe 5)."""
    if stripe is None:
        return {}
    return {
        "MPP_SANDBOX_STRIPE_URL": stripe["url"],
        "MPP_SANDBOX_STRIPE_KEY": stripe["key"],
        "MPPX_STRIPE_SPT_URL": f"{stripe['url']}/v1/test_helpers/shared_payment/granted_tokens",
        "MPPX_STRIPE_SECRET_KEY": stripe["key"],
        **stripe.get("proxy", {}),
    }


def _lightning(lightning: Mapping[str, Any] | None) -> dict[str, str]:
    """Lightning's variables: the payer's LND under the names that clients of LND read, the
    merchant's and its phoenixd under ours (facts: lightning 4.1)."""
    if lightning is None:
        return {}
    payer, merchant = lightning["lnd"]["payer"], lightning["lnd"]["merchant"]
    phoenixd = lightning["phoenixd"]["merchant"]
    return {
        "LND_REST_HOST": payer["url"],
        "LND_MACAROON_HEX": payer["macaroons"]["admin"],
        "MPP_SANDBOX_LND_URL": payer["url"],
        "MPP_SANDBOX_LND_MACAROON": payer["macaroons"]["admin"],
        "MPP_SANDBOX_MERCHANT_LND_URL": merchant["url"],
        "MPP_SANDBOX_MERCHANT_LND_MACAROON": merchant["macaroons"]["admin"],
        "MPP_SANDBOX_PHOENIXD_URL": phoenixd["url"],
        "MPP_SANDBOX_PHOENIXD_PASSWORD": phoenixd["password"],
    }
