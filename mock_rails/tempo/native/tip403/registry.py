"""TIP-403 joined: the class that serves the registry's address."""

from __future__ import annotations

from mock_rails.tempo.native.tip403.administration import Administration
from mock_rails.tempo.native.tip403.receiving import ReceivePolicies
from mock_rails.tempo.native.tip403.token_policies import TokenPolicies


class Tip403Registry(Administration, ReceivePolicies, TokenPolicies):
    """All transfer policies of the chain."""
