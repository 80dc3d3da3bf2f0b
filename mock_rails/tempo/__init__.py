"""A Tempo-compatible chain in one process, from raw transactions to JSON-RPC.

    from mock_rails.tempo import Chain, ChainSettings, TempoApi

The three are loaded when first used: whoever needs only an address or a codec of this package, as
the payment methods do, does not load the chain with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_rails.tempo.api import TempoApi
    from mock_rails.tempo.engine import ChainSettings
    from mock_rails.tempo.rail import Chain

__all__ = ["Chain", "ChainSettings", "TempoApi"]

_HOMES = {
    "Chain": "mock_rails.tempo.rail",
    "ChainSettings": "mock_rails.tempo.engine",
    "TempoApi": "mock_rails.tempo.api",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
