"""All claims, in their order.

E14 (replay under concurrency), E15 (MCP's overhead) and E17 (TLS) are about an implementation and
not about a model: the tests and benchmarks of the gate measure those.
"""

from __future__ import annotations

from typing import Final

from scenarios.claims.checks import E2, E16
from scenarios.claims.fees import E4, E5, E6
from scenarios.claims.funds import E10, E11, E12
from scenarios.claims.latency import E1, E3, E13
from scenarios.claims.market import E8, E9
from scenarios.claims.trouble import E18
from scenarios.claims.x402 import E7

CLAIMS: Final = (E1, E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, E12, E13, E16, E18)
