"""Which node of a chain the client asks.

A client that is given one asks that one, and pays on no other chain. Without, the sandbox's own
chains (1337, and 42431 where it stands for the test network) are looked for where
`MPP_SANDBOX_RPC_URL` says or at the devnet's default port; challenges of other chains are not
paid, so that nobody's real money is spent by a sandbox that was not told to.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from sandbox.client.errors import PaymentNotPreparedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from sandbox.chain.rpc import TempoRpc

VARIABLE: Final = "MPP_SANDBOX_RPC_URL"
DEFAULT_URL: Final = "http://127.0.0.1:8545"
SANDBOX_CHAINS: Final = frozenset({1337, 42431})


class Nodes:
    """The nodes of one client. `http` carries what is asked of them, and stays the caller's."""

    def __init__(
        self,
        rpc_url: str | None = None,
        *,
        http: httpx.AsyncClient | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._given = rpc_url
        self._http = http
        self._environment = os.environ if environment is None else environment
        self._nodes: dict[str, TempoRpc] = {}

    def url(self, chain_id: int | None) -> str | None:
        """The address of a chain's node, or None for chains that are not paid on.

        A challenge that names no chain is for the one that the client was given, if it was.
        """
        if self._given is not None:
            return self._given
        if chain_id in SANDBOX_CHAINS:
            return self._environment.get(VARIABLE) or DEFAULT_URL
        return None

    def at(self, url: str) -> TempoRpc:
        """The node with this address; one connection for all who ask."""
        from sandbox.chain.rpc import TempoRpc

        node = self._nodes.get(url)
        if node is None:
            node = self._nodes[url] = TempoRpc(url, http=self._http)
        return node

    def of_chain(self, chain_id: int) -> TempoRpc:
        """A chain's node, or an error that says that there is none."""
        url = self.url(chain_id)
        if url is None:
            raise PaymentNotPreparedError(
                f"This client has no node of chain {chain_id}.", hint="Give it one as rpc_url."
            )
        return self.at(url)

    async def aclose(self) -> None:
        """Close the connections."""
        while self._nodes:
            _, node = self._nodes.popitem()
            await node.aclose()
