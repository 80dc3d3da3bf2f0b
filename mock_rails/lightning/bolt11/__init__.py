"""BOLT 11: invoices as text, exact in both directions (facts: lightning 3).

invoice = decode("lnbcrt10u1…")         # strict: what a careful node refuses is refused
text = encode(Bolt11(...), node_key)    # signed
"""

from mock_rails.lightning.bolt11.decode import decode
from mock_rails.lightning.bolt11.encode import encode
from mock_rails.lightning.bolt11.invoice import Bolt11, Bolt11Error, Fallback, Hop

__all__ = ["Bolt11", "Bolt11Error", "Fallback", "Hop", "decode", "encode"]
