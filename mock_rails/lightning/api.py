"""The wires of a network: which node speaks what, and on which port (facts: lightning 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mock_rails.certificates import self_signed, write_secret
from mock_rails.core.errors import BadInput
from mock_rails.lightning.lnd.api import LndApi
from mock_rails.lightning.lnd.permissions import ROLES
from mock_rails.lightning.phoenixd.api import PhoenixdApi
from mock_rails.lightning.settings import LND_PORT, PHOENIXD_PORT
from mock_rails.lightning.topology import MERCHANT, PAYER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mock_rails.core.clock import Clock
    from mock_rails.lightning.rail import Lightning

LND: Final = "lnd"
PHOENIXD: Final = "phoenixd"

PASSWORD: Final = "sandbox"
"""phoenixd's, unless another is chosen."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One ASGI application and the port it is for; 0 picks a free one."""

    speaks: str
    node: str
    app: Any
    port: int

    @property
    def name(self) -> str:
        """What it is to people."""
        return f"{self.speaks} of {self.node}"


def listeners(
    rail: Lightning,
    *,
    port: int = LND_PORT,
    nodes: Sequence[str] = (),
    phoenixd_port: int = PHOENIXD_PORT,
    phoenixd_password: str = PASSWORD,
) -> list[Listener]:
    """An LND for each of the nodes, on the port and those after it, and a phoenixd for the first:
    the merchant and the payer, or the first two of a network that has no such nodes."""
    chosen = nodes or spoken_for(rail)
    first = chosen[0]
    return [
        *(
            Listener(LND, name, LndApi(rail, name), port and port + place)
            for place, name in enumerate(chosen)
        ),
        Listener(PHOENIXD, first, PhoenixdApi(rail, first, phoenixd_password), phoenixd_port),
    ]


def spoken_for(rail: Lightning) -> list[str]:
    """The nodes that have a wire unless others are named."""
    names = rail.topology.nodes
    return [one for one in (MERCHANT, PAYER) if one in names] or list(names[:2])


def write_folder(folder: Path, wires: Sequence[Listener], clock: Clock) -> tuple[Path, Path]:
    """What LND keeps in its folder and clients are pointed to: a certificate, its key, and each
    node's macaroons. Returns the first two."""
    try:
        certificate = self_signed(folder, clock)
        for one in wires:
            if one.speaks == LND:
                (folder / one.node).mkdir(exist_ok=True)
                for role in ROLES:
                    path = folder / one.node / f"{role}.macaroon"
                    write_secret(path, bytes.fromhex(one.app.macaroon(role)))
    except OSError as error:
        raise BadInput(f"Cannot write to {folder}: {error.strerror}.") from error
    return certificate
