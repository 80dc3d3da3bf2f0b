"""Gas of the operations that payments are made of (facts: tempo 4.6).

The devnet has no such table: there gas comes out of the schedule in `mock_rails/tempo/gas.py`, slot
by slot. These are its receipts for each operation as the sandbox's clients and shops send it: by
an expiring nonce, with a salt of 32 bytes, the fee paid in the channel's token. A zero byte in a
salt, memo or signature is 12 gas less. `tests/simulation/test_gas.py` does every operation on the
chain again and compares, `test_live_fees.py` the fees of whole visits to the devnet's shop.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = "receipts of this sandbox's chain (forks T7 to T12), facts: tempo 4.6"
READ_ON: Final = "2026-11-27"

CHARGE: Final = 46_807
"""transferWithMemo, expiring nonce, payee holds the token: what pympp and mppx send."""
CHARGE_NEW_PAYEE: Final = 296_107
"""The same to somebody who never held the token."""
OPEN: Final = 306_037
"""Open a channel that names its signer; the reserve already holds the token."""
OPEN_AGAIN: Final = 66_737
"""The same by a payer who had a channel closed before: the slot that it freed pays for this one
(a storage credit, fork T7; facts: tempo 4.5)."""
TOP_UP: Final = 54_105
SETTLE: Final = 58_931
"""Settle, the payee holds the token."""
CLOSE: Final = 80_301
"""Close, capture what was authorised, and send the rest back."""
REQUEST_CLOSE: Final = 43_923
"""The payer asks for a forced close, and 15 minutes later may withdraw."""
WITHDRAW: Final = 65_835
"""The payer takes what was never settled, without the payee."""
