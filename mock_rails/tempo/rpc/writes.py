"""Sending signed transactions (facts 5.7): the payment path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.errors import MalformedTransaction
from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.rpc.formats import receipt_json
from mock_rails.tempo.tx.json_values import invalid

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params
    from mock_rails.tempo.rpc.relay import Relay

LONGEST_WAIT_MS: Final = 10 * 60 * 1000


class Writes:
    """Raw transactions in, hashes and receipts out."""

    def __init__(self, chain: Chain, relay: Relay) -> None:
        self.chain = chain
        self.relay = relay

    @method("eth_sendRawTransaction")
    async def send(self, params: Params) -> str:
        """Admit a transaction and return its hash; whatever is wrong with it is said at once."""
        submission = await self.chain.submit(self._raw(params))
        return "0x" + submission.hash.hex()

    @method("eth_sendRawTransactionSync")
    async def send_sync(self, params: Params) -> dict[str, Any]:
        """Admit a transaction and return its receipt, or code 4 after the timeout (EIP-7966)."""
        timeout_ms = params.optional_quantity(1, "timeout")
        if timeout_ms is not None and timeout_ms > LONGEST_WAIT_MS:
            raise invalid("timeout", f"at most {LONGEST_WAIT_MS} milliseconds", timeout_ms)
        return receipt_json(await self.chain.submit_and_wait(self._raw(params), timeout_ms))

    def _raw(self, params: Params) -> bytes:
        raw = params.data(0, "transaction")
        if not raw:
            raise MalformedTransaction("empty transaction data")
        return self.relay.co_sign(raw).raw if self.relay.accepts(raw) else raw
