"""Which of a node's words rule out that a transaction is on the chain (facts, tempo 1.9 and 1.8).

They are about the transaction as it is: it has ended, bids too little, cannot be paid for, is for
another chain. What is left out may be said of one that the node holds, or has mined: a nonce that
is used up may have been used by this very transaction. `broadcast` judges by codes as well; this is
for whoever gets the words only.
"""

from __future__ import annotations

import re
from typing import Final

_DEFINITE: Final = re.compile(
    r"max fee per gas less than block base fee"
    r"|'valid_before' \d+ is too close to current time"
    r"|'valid_after' \d+ is too far in the future"
    r"|transaction expired: current block timestamp"
    r"|expiring nonce transaction "
    r"|insufficient funds for gas"
    r"|insufficient fee token balance"
    r"|insufficient liquidity in FeeAMM"
    r"|intrinsic gas too low"
    r"|invalid chain id",
    re.IGNORECASE,
)


def is_definite(words: str) -> bool:
    """Whether a node that says this has not let the transaction in."""
    return _DEFINITE.search(words) is not None
