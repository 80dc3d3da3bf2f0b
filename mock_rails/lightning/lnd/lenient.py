"""What a lenient profile lets pass that no LND does (facts: lightning 4.2, 4.4, 4.7).

For bringing a client along that is wrong against real nodes: it works, and the journal says each
time what would have failed. `lightning.tolerated` names the deviation; a strict profile has none.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from mock_rails.lightning.errors import LightningError
from mock_rails.lightning.lnd.fields import data

if TYPE_CHECKING:
    from mock_rails.lightning.node import Node


class Deviation(StrEnum):
    """What clients do, and what LND says to it."""

    MACAROON_CODE = "macaroon-code"
    """They look for code 16 and HTTP 401 where a macaroon is refused; LND says 2 and 500."""
    UNKNOWN_FIELD = "unknown-field"
    """They send fields that the call has not (any more); LND says 400."""
    BASE64_HASH = "base64-hash"
    """They look up an invoice by base64; LND wants hexadecimal there and says 500."""
    NO_FEE_LIMIT = "no-fee-limit"
    """They send without a fee limit; LND then takes free routes only, and finds none."""
    REMOVED_CALL = "removed-call"
    """They pay by SendPaymentSync, which LND 0.21 answers with 404."""


def tolerates(node: Node, deviation: Deviation) -> bool:
    """Whether the node lets it pass; if so, the journal says that it did."""
    if not node.rail.settings.is_lenient:
        return False
    told = {"node": node.name, "deviation": deviation.value}
    node.rail.context.journal.append("lightning", "lightning.tolerated", told)
    return True


def base64_hash(written: str) -> bytes | None:
    """The hash that somebody wrote in base64, if it is one."""
    try:
        found = data(written)
    except LightningError:
        return None
    return found if len(found) == 32 else None
