"""What routing costs and how long a payment takes (facts: lightning 5.1, 5.2, 5.5).

Fees are the rail's own `Policy`; times are what its `realistic` profile follows: 100 ms a hop and
way (CLoTH), a second and an exponential tail of three at the payee (the jamming simulator).
"""

from __future__ import annotations

from typing import Final

from mock_rails.lightning.model import MSAT, Policy

SOURCE: Final = "LND's default policy; CLoTH; ln-jamming-simulator (arXiv 2004.00333 section 4.4)"
READ_ON: Final = "2026-09-20"

HOP_S: Final = 0.1
TAIL_FLOOR_S: Final = 1.0
TAIL_MEAN_S: Final = 3.0
RETRY_S: Final = 0.3
BASE_UNITS_PER_SAT: Final = 1_000
"""At 100,000 dollars a bitcoin, the sandbox's default rate."""


def routing_fee(amount: int, hops: int, policy: Policy | None = None) -> int:
    """What the payer adds for the forwarding nodes, in base units rounded up.

    The last node takes nothing, and the payer asks itself nothing: `hops` channels have one
    forwarding node fewer. Each takes a fee on what it forwards, fees of those behind it included.
    """
    asked = policy or Policy()
    due_msat = amount * MSAT // BASE_UNITS_PER_SAT
    carried = due_msat
    for _ in range(hops - 1):
        carried += asked.fee_msat(carried)
    return -((due_msat - carried) * BASE_UNITS_PER_SAT // MSAT)
