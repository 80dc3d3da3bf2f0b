"""How reading a paid stream fails."""

from __future__ import annotations

from sandbox.client.errors import ClientError


class StreamError(ClientError):
    """A paid stream could not be read on."""

    code = "stream"
    title = "The stream could not be read on"


class StreamPaymentError(StreamError):
    """The server did not accept what was authorised for the stream."""

    code = "stream-payment"
    title = "The payment for the stream was refused"
    status = 402


class StreamProtocolError(StreamError):
    """The server sent what the protocol does not know, or a receipt for another channel."""

    code = "stream-protocol"
    title = "The server does not keep to the protocol of paid streams"
    status = 502
