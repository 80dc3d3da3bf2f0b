"""Reading metered streams, and paying for them while reading (facts: protocol 2.8 and 2.9).

Neither reader knows keys or budgets: what is to be signed they ask of a callable, which refuses by
raising.
"""

from sandbox.client.streaming.errors import StreamError, StreamPaymentError, StreamProtocolError
from sandbox.client.streaming.event_reader import EventReader
from sandbox.client.streaming.socket_reader import SocketReader
from sandbox.client.streaming.sse_reader import SseReader
from sandbox.streaming.frames import NeedVoucher

__all__ = [
    "EventReader",
    "NeedVoucher",
    "SocketReader",
    "SseReader",
    "StreamError",
    "StreamPaymentError",
    "StreamProtocolError",
]
