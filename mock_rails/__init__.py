"""The money room: deterministic payment rails that can be used alone.

Each rail (the Tempo-compatible chain, the Stripe emulator, the Lightning network) is a package of
its own and knows neither HTTP 402 nor the other rails; what they share is in `mock_rails.core`.
The version of the whole distribution is kept here, because every other room stands on this one.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
