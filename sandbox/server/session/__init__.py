"""tempo/session for payees: offers, the channels behind them, and what the chain is told.

`SessionServer` is the whole; it makes offers for the gate, and `session_method` makes one for
pympp's own `Mpp`. Spec: facts, protocol 2.4-2.8, 2.10; the pure rules are
`sandbox.methods.tempo_session`.
"""

from sandbox.server.session.book import ChannelBook, ChannelCodec
from sandbox.server.session.bootstrap import BootstrapOffer
from sandbox.server.session.limits import SessionLimits, VoucherRateError
from sandbox.server.session.meter import SessionMeter
from sandbox.server.session.method import session_method
from sandbox.server.session.offer import SessionOffer
from sandbox.server.session.recovery import Recovered
from sandbox.server.session.schedule import AtShutdown, Capture, Schedule
from sandbox.server.session.server import SessionServer

__all__ = [
    "AtShutdown",
    "BootstrapOffer",
    "Capture",
    "ChannelBook",
    "ChannelCodec",
    "Recovered",
    "Schedule",
    "SessionLimits",
    "SessionMeter",
    "SessionOffer",
    "SessionServer",
    "VoucherRateError",
    "session_method",
]
