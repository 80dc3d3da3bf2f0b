"""The payment gate and what it stands on: challenge, verify, meter, settle, deliver.

    gate = Gate(app, [Route("/weather", charge_offers(charge(...), amount="0.01"))],
                challenges=Challenges(...), store=MemoryStore(clock), clock=clock)

`Gate` goes around any ASGI application. Offers say how a route is paid for: `charge_offers` makes
them of pympp's charge methods, `SessionServer` keeps payment channels and makes them of those,
`LightningServer` takes satoshis through a Lightning node.
`stores` is what the gate remembers: the state of each channel, and which credentials were used.

The names below are loaded when they are first asked for: most of the sandbox needs one of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sandbox.server.challenges import Challenges
    from sandbox.server.charge import ChargeOffer, charge_offers
    from sandbox.server.gate import Gate
    from sandbox.server.lightning import LightningServer
    from sandbox.server.offer import Offer, Settlement
    from sandbox.server.request import PaidRequest
    from sandbox.server.route import Route
    from sandbox.server.session import Schedule, SessionServer, session_method
    from sandbox.server.stores import MemoryStore, RedisStore, SqliteStore

__all__ = [
    "Challenges",
    "ChargeOffer",
    "Gate",
    "LightningServer",
    "MemoryStore",
    "Offer",
    "PaidRequest",
    "RedisStore",
    "Route",
    "Schedule",
    "SessionServer",
    "Settlement",
    "SqliteStore",
    "charge_offers",
    "session_method",
]

_HOMES: Final = {
    "Challenges": "challenges",
    "ChargeOffer": "charge",
    "Gate": "gate",
    "LightningServer": "lightning",
    "MemoryStore": "stores",
    "Offer": "offer",
    "PaidRequest": "request",
    "RedisStore": "stores",
    "Route": "route",
    "Schedule": "session",
    "SessionServer": "session",
    "Settlement": "offer",
    "SqliteStore": "stores",
    "charge_offers": "charge",
    "session_method": "session",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the module it lives in."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
