"""What the RPC tests share: a chain behind its dispatcher, and a client that speaks JSON.

    rpc = Rpc()
    assert await rpc("eth_chainId") == "0x539"
    with refused(-32602, "address"):
        await rpc("eth_getCode", "0x12")

Everything goes through the bytes of a request and an answer, so a test sees what a client sees.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from mock_rails.core import Clock, RailContext
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.rail import Chain
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import sign_transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_rails.tempo.tx.model import Submission

NOW_S = 1_767_225_600
STRANGER = b"\x51" * 20
"""An account that holds nothing."""

PATH = "0x" + PATH_USD.hex()
TRANSFER = Function("transfer(address to, uint256 amount) returns (bool)")
BALANCE_OF = Function("balanceOf(address account) returns (uint256)")


class RefusedError(Exception):
    """The node answered an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]
        self.message = error["message"]
        self.data = error.get("data")


class Rpc:
    """A client of a chain of its own, at New Year of 2026 on a clock that stands still."""

    def __init__(self, *, relay: int | None = None, **settings: Any) -> None:
        self.clock = Clock.frozen(NOW_S)
        self.chain = Chain(RailContext.create("test", self.clock), ChainSettings(**settings))
        key = None if relay is None else self.chain.accounts[relay].key
        self.api = TempoApi(self.chain, relay_key=key)
        self.dispatcher = self.api.dispatcher
        self._asked = 0

    async def __call__(self, name: str, *params: Any) -> Any:
        self._asked += 1
        asked = self._asked
        request = {"jsonrpc": "2.0", "id": asked, "method": name, "params": params}
        answer = orjson.loads(await self.dispatcher.answer(orjson.dumps(request)) or b"")
        assert answer["jsonrpc"] == "2.0"
        assert answer["id"] == asked
        assert ("result" in answer) != ("error" in answer)
        if "error" in answer:
            raise RefusedError(answer["error"])
        return answer["result"]

    async def balance(self, account: bytes, token: str = PATH, at: str = "latest") -> int:
        """A token balance, read as any client does."""
        call = {"to": token, "data": to_hex(BALANCE_OF.call(account))}
        return int(await self("eth_call", call, at), 16)

    def account(self, index: int) -> str:
        """A development account's address."""
        return to_hex(self.chain.accounts[index].address)

    def payment(self, amount: int = 10_000, to: bytes = STRANGER, **changes: Any) -> Submission:
        """A signed 0x76 transfer by account 1 with an expiring nonce, as pympp sends it."""
        fields: dict[str, Any] = {
            "type": TYPE_TEMPO,
            "chain_id": self.chain.chain_id,
            "nonce": 0,
            "nonce_key": EXPIRING_NONCE_KEY,
            "gas_limit": 1_000_000,
            "max_fee_per_gas": 20_000_000_000,
            "max_priority_fee_per_gas": 0,
            "calls": (Call(PATH_USD, 0, TRANSFER.call(to, amount)),),
            "valid_before": self.clock.now_s() + 60,
            "fee_token": PATH_USD,
        } | changes
        return sign_transaction(Transaction(**fields), self.chain.accounts[1].key)

    async def pay(self, amount: int = 10_000, to: bytes = STRANGER, **changes: Any) -> Any:
        """Send a payment and return its receipt."""
        raw = to_hex(self.payment(amount, to, **changes).raw)
        return await self("eth_sendRawTransactionSync", raw)


def transfer(amount: int, to: bytes = STRANGER) -> dict[str, str]:
    """The `to` and `data` of a pathUSD transfer."""
    return {"to": PATH, "data": to_hex(TRANSFER.call(to, amount))}


def to_hex(data: bytes) -> str:
    """0x-prefixed hex."""
    return "0x" + data.hex()


@contextmanager
def refused(code: int, *fragments: str) -> Iterator[pytest.ExceptionInfo[RefusedError]]:
    """Expect an error with this code whose message holds each fragment."""
    with pytest.raises(RefusedError) as caught:
        yield caught
    assert caught.value.code == code, caught.value.message
    for fragment in fragments:
        assert fragment in caught.value.message
