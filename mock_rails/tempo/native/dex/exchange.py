"""The exchange joined: the class that serves the DEX's address."""

from __future__ import annotations

from mock_rails.tempo.native.dex.cancelling import Cancelling
from mock_rails.tempo.native.dex.placing import Placing
from mock_rails.tempo.native.dex.quoting import Quoting
from mock_rails.tempo.native.dex.swapping import Swapping


class StablecoinDex(Placing, Cancelling, Quoting, Swapping):
    """Order books for stablecoins."""
