"""Gas of the operations that payments are made of (facts: tempo 4.6).

The devnet has no such table: there gas comes out of the schedule in `mock_rails/tempo/gas.py`, slot
by slot. These are its receipts for each operation, and `tests/simulation/test_gas.py` does every
operation on the chain again and compares.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = "receipts of this sandbox's chain (forks T7 to T12), facts: tempo 4.6"
READ_ON: Final = "2026-11-27"

CHARGE: Final = 46_807
"""transferWithMemo, expiring nonce, payee holds the token: what pympp and mppx send."""
CHARGE_NEW_PAYEE: Final = 296_107
"""The same to somebody who never held the token."""
OPEN: Final = 305_425
"""Open a channel, expiring nonce, the reserve already holds the token."""
TOP_UP: Final = 40_505
SETTLE: Final = 45_343
"""Settle, the payee holds the token and has sent before."""
SETTLE_FIRST: Final = 295_343
"""Settle, as the payee's first transaction ever."""
CLOSE: Final = 66_713
"""Close and capture all that was authorised."""
REQUEST_CLOSE: Final = 30_323
"""The payer asks for a forced close, and 15 minutes later may withdraw."""
WITHDRAW: Final = 57_135
"""The payer takes what was never settled, without the payee."""
