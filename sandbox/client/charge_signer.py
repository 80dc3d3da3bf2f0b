"""pympp's charge method, signing through this client's own connection to the node.

The policy, the memo that binds a transfer to its challenge, the split of the amount and the
credential are pympp's (facts, protocol 2.1). Released pympp opens a connection, and loads all root
certificates, for every question to the node, and reads the wall's clock; here the questions go
where the client's others go, and the transaction's time is the sandbox's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.methods.tempo._defaults import MACH, OUSD
from mpp.methods.tempo.client import TempoMethod

from mock_rails.tempo.tx.handoff import Handoff
from mock_rails.tempo.tx.model import Call
from sandbox.chain.sender import Sender

if TYPE_CHECKING:
    from typing import Any

    from mock_rails.core.clock import Clock
    from sandbox.chain.rpc import TempoRpc
    from sandbox.client.wallet import Wallet

_NO_FEE_TOKENS = frozenset({MACH.lower(), OUSD.lower()})
"""Tokens that no fee can be paid in; pympp knows how to choose another."""


class NodeMethod(TempoMethod):
    """`tempo/charge` of one wallet, by one node."""

    def __init__(self, wallet: Wallet, node: TempoRpc, clock: Clock) -> None:
        super().__init__(account=wallet.tempo_account(), rpc_url=node.url)
        self._rpc_url_explicit = True
        self._node = node
        self._sender = Sender(node, wallet, clock=clock)

    async def _get_chain_id(self, rpc_url: str) -> int:
        chain_id = self._cached_chain_ids[rpc_url] = await self._node.chain_id()
        return chain_id

    async def _build_tempo_transfer(self, *args: Any, **options: Any) -> tuple[str, int]:
        if options["currency"].lower() in _NO_FEE_TOKENS:
            return await super()._build_tempo_transfer(*args, **options)
        token = bytes.fromhex(options["currency"][2:])
        calls = [Call(token, 0, data) for data in self._transfers(options)]
        signed = await self._sender.sign(
            calls, sponsored=options["awaiting_fee_payer"], fee_token=token
        )
        raw = signed.encode() if isinstance(signed, Handoff) else signed.raw
        return f"0x{raw.hex()}", signed.tx.chain_id

    def _transfers(self, options: dict[str, Any]) -> list[bytes]:
        """What is called on the token: a transfer to everybody who gets a share."""
        from mpp.methods.tempo.intents import get_transfers
        from mpp.methods.tempo.schemas import Split

        shares = [Split(**share) for share in options["splits"] or ()]
        memo = options["memo"]
        data: list[str] = []
        for one in get_transfers(int(options["amount"]), options["recipient"], memo, shares):
            # pympp's servers know a share without a memo of its own by the charge's.
            tag = memo if one.memo is None else f"0x{one.memo.hex()}"
            data.append(self._encode_transfer_with_memo(one.recipient, one.amount, tag))
        return [bytes.fromhex(one[2:]) for one in data]
