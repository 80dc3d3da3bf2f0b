"""Metered streams: Server-Sent Events and WebSockets that are paid by the unit while they run.

A unit is charged, durably, before its bytes are sent, and the next is not charged before the server
has taken them; so at any instant at most one unit is charged and undelivered, and none is delivered
and unpaid. How it looks on the wire is facts, protocol 2.8 and 2.9.

    serve_metered       an application's answer to an HTTP request, metered; watches the client
    metered_send        its inner part: an ASGI send that meters
    serve_socket        a paid WebSocket
    run_app_as_stream   an application's event stream as an iterator, for the WebSocket
"""

from sandbox.server.streaming.app_stream import StreamRefused, run_app_as_stream
from sandbox.server.streaming.socket import SocketPayment, serve_socket
from sandbox.server.streaming.sse import ClientGone, MeteredSend, metered_send, serve_metered

__all__ = [
    "ClientGone",
    "MeteredSend",
    "SocketPayment",
    "StreamRefused",
    "metered_send",
    "run_app_as_stream",
    "serve_metered",
    "serve_socket",
]
