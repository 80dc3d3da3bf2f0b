"""Opening a port: bound before anything else starts, and if that fails, one clear sentence.

Everything that listens comes here: the rails' hosts, the proxy, the merchants' workers.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from typing import Final

from mock_rails.core.errors import SandboxError

LOOPBACK: Final = "127.0.0.1"

BACKLOG: Final = 2_048
"""Connections that may wait to be taken."""


class CannotListen(SandboxError):
    """The port is taken, or the address is not this machine's."""

    code = "cannot-listen"
    title = "The port cannot be opened"


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def exposure_warning(host: str) -> str:
    """What whoever opens a sandbox to the network has to read."""
    return (
        f"WARNING: listening on {host}, so other machines can connect. Nothing here asks for a "
        "password, every key is public, and anyone can change the state and the time."
    )


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there, or `CannotListen`, which says why not."""
    try:
        (family, kind, protocol, _, address) = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, OverflowError) as error:
        raise CannotListen(f"{host!r} is not an address to listen on: {error}.") from None
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _refused(host, port, error) from None
    return listener


def _refused(host: str, port: int, error: OSError) -> CannotListen:
    where = netloc(host, port)
    if error.errno == errno.EADDRINUSE:
        return CannotListen(
            f"Port {port} on {host} is in use by another program.",
            hint="Choose another port, or 0 for any free one.",
        )
    if error.errno == errno.EACCES:
        return CannotListen(
            f"Port {port} on {host} needs privileges that this process does not have.",
            hint="Choose a port above 1023, or 0 for any free one.",
        )
    return CannotListen(f"Cannot listen on {where}: {error.strerror}.")


def netloc(host: str, port: int) -> str:
    """Host and port as an address has them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
