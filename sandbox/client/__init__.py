"""The payer: `async with PaidClient(wallet, budget) as client: await client.get(url)`.

`wallet` holds the key; `budget` holds the limits and the ledger of what was reserved and spent, and
is asked before anything is signed. `client` sends and pays, and `blocking` does so for scripts that
do not wait; `session` keeps payment channels, `cards` pays by card, and `streaming` reads streams
that ask for more.

The names below are loaded when they are first asked for: most of the sandbox needs one of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sandbox.client.blocking import PaidClientSync
    from sandbox.client.budget import Budget
    from sandbox.client.cards import CardWallet
    from sandbox.client.client import PaidClient
    from sandbox.client.errors import (
        OutcomeUnknownError,
        PaymentDeclinedError,
        PaymentRefusedError,
    )
    from sandbox.client.lightning import LightningWallet
    from sandbox.client.session.settings import SessionSettings
    from sandbox.client.wallet import Wallet

__all__ = [
    "Budget",
    "CardWallet",
    "LightningWallet",
    "OutcomeUnknownError",
    "PaidClient",
    "PaidClientSync",
    "PaymentDeclinedError",
    "PaymentRefusedError",
    "SessionSettings",
    "Wallet",
]

_HOMES: Final = {
    "Budget": "budget",
    "CardWallet": "cards",
    "LightningWallet": "lightning",
    "OutcomeUnknownError": "errors",
    "PaidClient": "client",
    "PaidClientSync": "blocking",
    "PaymentDeclinedError": "errors",
    "PaymentRefusedError": "errors",
    "SessionSettings": "session.settings",
    "Wallet": "wallet",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the module it lives in."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
