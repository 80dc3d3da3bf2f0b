"""TIP-403: the registry of transfer policies, which many tokens can share."""

from mock_rails.tempo.native.tip403.registry import Tip403Registry

__all__ = ["Tip403Registry"]
