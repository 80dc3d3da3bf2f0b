"""Signs and sends a wallet's transactions: 0x76 batches with expiring nonces (facts, tempo 1.7).

Such a transaction needs no nonce from the chain, so any number may be under way at once and none
waits for another. Two of the same calls in the same second must still differ: as viem does, each
gets a random instant in the past as its `valid_after`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, overload

from mock_rails.core.seeds import Seeds
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.tx.handoff import Handoff, hand_off
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import sign_transaction
from sandbox.chain.broadcast import DEFAULT_TIMEOUT_S, broadcast, head_time_s
from sandbox.chain.errors import RpcError, TransactionRefused, TransactionReverts
from sandbox.chain.receipts import TxResult, receipt
from sandbox.chain.values import call_json, read_data, read_quantity, to_hex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from mock_rails.core.clock import Clock
    from mock_rails.tempo.tx.model import Submission
    from sandbox.chain.rpc import TempoRpc
    from sandbox.client.wallet import Wallet

__all__ = ["Sender", "TxResult", "broadcast", "co_sign", "fund", "receipt"]

WINDOW_S: Final = 25
"""How long a signed transaction may be mined: as in mppx, within the 30 s of older forks."""

_GAS_CAP: Final = 30_000_000
_GAS_MARGIN_PERCENT: Final = 125
_GAS_MARGIN: Final = 10_000
"""A trial run knows neither the state at the next block nor, for a channel, the final id."""

_PRICE_FACTOR: Final = 2
_PRICE_LIFETIME_S: Final = 10
_ATTEMPTS: Final = 3
_STALE: Final = re.compile(
    r"transaction expired|valid_?before|valid_?after|must be within|expiring nonce transaction"
    r"|NonceExpiry|max fee per gas less than",
    re.IGNORECASE,
)
_CHAIN_TIME: Final = re.compile(r"(?:min allowed:|current block timestamp) (\d+)")


class Sender:
    """One wallet on one chain. Several senders of a wallet do not disturb each other."""

    def __init__(
        self,
        rpc: TempoRpc,
        wallet: Wallet,
        *,
        clock: Clock,
        seeds: Seeds | None = None,
        fee_token: bytes | None = None,
    ) -> None:
        self.rpc = rpc
        self.wallet = wallet
        self.clock = clock
        self.fee_token = fee_token
        # Without a seed to be reproduced it need only be different each time, not secret.
        grown = seeds or Seeds(f"{clock.wall_s()}.{clock.monotonic_ns()}")
        self._salts = grown.stream(f"chain.sender.{wallet.address.hex()}")
        self._price: tuple[int, int] | None = None
        self._ahead_s = 0

    @property
    def address(self) -> bytes:
        """The wallet's account."""
        return self.wallet.address

    def __repr__(self) -> str:
        """The account and the node's host."""
        return f"<Sender {to_hex(self.address)} on {self.rpc.host}>"

    @overload
    async def sign(
        self,
        calls: Sequence[Call],
        *,
        sponsored: Literal[False] = False,
        fee_token: bytes | None = None,
    ) -> Submission: ...

    @overload
    async def sign(
        self, calls: Sequence[Call], *, sponsored: Literal[True], fee_token: bytes | None = None
    ) -> Handoff: ...

    @overload
    async def sign(
        self, calls: Sequence[Call], *, sponsored: bool, fee_token: bytes | None = None
    ) -> Submission | Handoff: ...

    async def sign(
        self, calls: Sequence[Call], *, sponsored: bool = False, fee_token: bytes | None = None
    ) -> Submission | Handoff:
        """Sign a batch of calls, all or nothing, after a trial run by the node.

        `sponsored` gives the hand-off (0x78, by `encode()`) for whoever pays the fee; they also
        choose its token. `TransactionReverts` if the calls would fail.
        """
        chain_id = await self.rpc.chain_id()
        token = None if sponsored else fee_token or self.fee_token
        try:
            gas = await self._estimate(calls, token)
        except TransactionRefused as refused:
            if not _STALE.search(refused.words):
                raise
            await self.sync(refused.words)
            gas = await self._estimate(calls, token)
        price = await self._gas_price()
        now_s = self.now_s()
        tx = Transaction(
            type=TYPE_TEMPO,
            chain_id=chain_id,
            nonce=0,
            gas_limit=gas,
            max_fee_per_gas=price,
            max_priority_fee_per_gas=0,
            calls=tuple(calls),
            nonce_key=EXPIRING_NONCE_KEY,
            valid_before=now_s + WINDOW_S,
            valid_after=self._salts.integer(1, max(1, now_s - 1)),
            fee_token=token,
        )
        return hand_off(tx, self.wallet) if sponsored else sign_transaction(tx, self.wallet)

    async def send(
        self, calls: Sequence[Call], *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> TxResult:
        """Sign and broadcast; look at `success`, for a mined transaction may have reverted.

        Refused because the chain's clock or price is not what was thought, it is signed anew.
        """
        for _ in range(_ATTEMPTS - 1):
            signed = await self.sign(calls)
            try:
                return await broadcast(self.rpc, signed.raw, timeout_s=timeout_s)
            except TransactionRefused as refused:
                # Only what the node itself turned away: what waited and expired is the caller's.
                if refused.rpc_code is None or not _STALE.search(refused.words):
                    raise
                await self.sync(refused.words)
        signed = await self.sign(calls)
        return await broadcast(self.rpc, signed.raw, timeout_s=timeout_s)

    async def sync(self, words: str = "") -> None:
        """Take the gas price anew, and the chain's time from a refusal or from its newest block.

        A sandbox's clock may be far from ours, and an idle chain's newest block is old: its own
        words about the time are better.
        """
        self._price = None
        said = _CHAIN_TIME.search(words)
        chain_s = int(said[1]) if said is not None else await head_time_s(self.rpc)
        self._ahead_s = chain_s - self.clock.now_s()

    # -- what a transaction needs from the chain --------------------------------------------------

    async def _gas_price(self) -> int:
        """Twice the going price: the base fee may rise, and what is not used is not paid."""
        now_ns = self.clock.monotonic_ns()
        if self._price is not None and now_ns < self._price[1]:
            return self._price[0]
        going = read_quantity(await self.rpc.call("eth_gasPrice"), "eth_gasPrice")
        self._price = (_PRICE_FACTOR * going, now_ns + _PRICE_LIFETIME_S * 1_000_000_000)
        return self._price[0]

    async def _estimate(self, calls: Sequence[Call], fee_token: bytes | None) -> int:
        request: dict[str, Any] = {
            "from": to_hex(self.address),
            "calls": [call_json(call) for call in calls],
            "nonceKey": hex(EXPIRING_NONCE_KEY),
            "nonce": "0x0",
            "validBefore": hex(self.now_s() + WINDOW_S),
        }
        if fee_token is not None:
            request["feeToken"] = to_hex(fee_token)
        try:
            needed = read_quantity(
                await self.rpc.call("eth_estimateGas", request), "eth_estimateGas"
            )
        except RpcError as error:
            kind = TransactionReverts if error.is_revert else TransactionRefused
            raise kind(error.words, rpc_code=error.rpc_code) from error
        return min(needed * _GAS_MARGIN_PERCENT // 100 + _GAS_MARGIN, _GAS_CAP)

    def now_s(self) -> int:
        """The chain's time, as far as refusals have told it."""
        return self.clock.now_s() + self._ahead_s


def co_sign(handoff: Handoff, fee_payer: Wallet, fee_token: bytes) -> Submission:
    """Promise to pay a handed-over transaction's fee in `fee_token`; the result is broadcast."""
    try:
        return handoff.co_sign(fee_payer.reveal_key(), fee_token)
    except InvalidTransaction as error:
        raise TransactionRefused(error.message, rpc_code=error.code) from error


async def fund(rpc: TempoRpc, address: bytes) -> list[bytes]:
    """Ask a sandbox's or a testnet's faucet for some of every token; the transactions' hashes."""
    answer = await rpc.call("tempo_fundAddress", to_hex(address))
    hashes = answer if isinstance(answer, list) else [answer]
    return [read_data(one, "tempo_fundAddress") for one in hashes]
