"""The server's side of Lightning: charges by invoice, and sessions on a deposit (facts: 1, 2).

server = LightningServer(node=node, store=store, clock=clock)
Route("/quote", (server.charge(10),))
Route("/search", (server.session(1, deposit_sat=300),))
await server.start()        # sessions that were idle meanwhile are closed, refunds looked up
...
await server.stop()
"""

from sandbox.server.lightning.charge import LightningChargeOffer
from sandbox.server.lightning.closing import FeeLimit
from sandbox.server.lightning.method import charge_method, session_method
from sandbox.server.lightning.server import LightningServer
from sandbox.server.lightning.session import LightningSessionOffer

__all__ = [
    "FeeLimit",
    "LightningChargeOffer",
    "LightningServer",
    "LightningSessionOffer",
    "charge_method",
    "session_method",
]
