"""The payer's side of `lightning/session` (facts: lightning 2).

`payer` is the seam (`sandbox.client.payer`), `attempt` its credentials. `funding` pays into a
session, `closing` ends it and finds out what came back, `stream` reads what is paid by the chunk.
`live` is a session in use, `lane` whose turn it is to open one, `wire` what is said besides the
paid requests.
"""

from sandbox.client.lightning.record import SessionRecord, State
from sandbox.client.lightning.session.payer import CloseOutcome, LightningSessionPayer
from sandbox.client.lightning.session.settings import LightningSessionSettings

__all__ = [
    "CloseOutcome",
    "LightningSessionPayer",
    "LightningSessionSettings",
    "SessionRecord",
    "State",
]
