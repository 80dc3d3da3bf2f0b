"""What a leg moved and cost, read off the rails' own books: the chain's logs, Stripe's balance
transactions, the payments of both Lightning nodes.

A place in the books is noted before a leg and after it; what lies between is the leg's. Nothing is
taken from what payers or merchants believe.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from benchmarks.leg import Money
from mock_rails.core.errors import SandboxError
from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import FEE_MANAGER
from mock_rails.tempo.native.channel_reserve import ChannelReserve
from sandbox.chain import TempoRpc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from benchmarks.operations import Operation
    from benchmarks.orders import Places

_PAGE: Final = 100
_UNITS_PER_CENT: Final = 10_000
_TRANSFER: Final = f"0x{Event('Transfer(address indexed, address indexed, uint256)').topic.hex()}"
_KINDS: Final = {
    f"0x{event.topic.hex()}": kind
    for event, kind in (
        (ChannelReserve.ChannelOpened, "open"),
        (ChannelReserve.TopUp, "top-up"),
        (ChannelReserve.Settled, "settle"),
        (ChannelReserve.ChannelClosed, "close"),
    )
}
"""What a transaction did to a channel, by the topic of the reserve's event."""
_FAUCET: Final = bytes(32)
_TO_FEES: Final = bytes(12) + FEE_MANAGER


class BooksUnreadable(SandboxError):
    """A rail did not show its books."""

    code = "books-unreadable"
    title = "A rail's books could not be read"


class Books:
    """The books of one rail of a devnet; used as a block."""

    def __init__(self, operation: Operation, places: Places) -> None:
        self._operation = operation
        self._places = places
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open them."""
        self._http = await self._stack.enter_async_context(
            httpx.AsyncClient(trust_env=False, timeout=60)
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        await self._stack.aclose()

    async def place(self) -> Any:
        """Where they are now, for `money` to begin at."""
        match self._operation.rail:
            case "tempo":
                return await TempoRpc(self._places.rpc_url, http=self._http).block_number()
            case "stripe":
                newest = await self._charges({"limit": "1"})
                return newest[0]["id"] if newest else None
            case "lightning":
                return {who: await self._last_payment(who) for who in ("payer", "merchant")}
        return None

    async def money(self, since: Any, delivered: int) -> Money | None:
        """What was written since a place; None for what is free."""
        match self._operation.rail:
            case "tempo":
                return await self._on_chain(since, delivered)
            case "stripe":
                return await self._by_card(since, delivered)
            case "lightning":
                return await self._over_lightning(since, delivered)
        return None

    # -- the chain --------------------------------------------------------------------------------

    async def _on_chain(self, since: int, delivered: int) -> Money:
        rpc = TempoRpc(self._places.rpc_url, http=self._http)
        logs = await rpc.call("eth_getLogs", {"fromBlock": hex(since + 1), "toBlock": "latest"})
        transactions = _transactions(logs, bytes.fromhex(self._places.recipient[2:]))
        return Money(
            currency="usd",
            delivered=delivered,
            paid_units=sum(one["paid"] for one in transactions),
            fee_units=sum(one["fee"] for one in transactions),
            transactions=tuple(transactions),
        )

    # -- cards ------------------------------------------------------------------------------------

    async def _by_card(self, since: str | None, delivered: int) -> Money:
        found: list[Mapping[str, Any]] = []
        params = {"limit": str(_PAGE)}
        while True:
            page = await self._charges(params)
            for one in page:
                if one["id"] == since:
                    return _card_money(found, delivered)
                found.append(one)
            if len(page) < _PAGE:
                return _card_money(found, delivered)
            params["starting_after"] = page[-1]["id"]

    async def _charges(self, params: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """A page of the charges in Stripe's ledger, the newest first."""
        document = await self._get(
            f"{self._places.stripe_url}/v1/balance_transactions",
            {"type": "charge", **params},
            {"Authorization": f"Bearer {self._places.stripe_key}"},
        )
        page: list[Mapping[str, Any]] = document["data"]
        return page

    # -- Lightning --------------------------------------------------------------------------------

    async def _over_lightning(self, since: Mapping[str, str], delivered: int) -> Money:
        told: list[Mapping[str, Any]] = []
        paid = 0
        for who, kind, sign in (("payer", "payment", 1), ("merchant", "refund", -1)):
            for one in await self._payments(who, since[who]):
                if one["status"] != "SUCCEEDED":
                    continue
                value, fee = int(one["value_msat"]), int(one["fee_msat"])
                paid += sign * value
                told.append({"id": one["payment_hash"], "kind": kind, "paid": value, "fee": fee})
        fees = sum(one["fee"] for one in told)
        return Money("sat", delivered, paid, fees, tuple(told))

    async def _payments(self, who: str, after: str) -> list[Mapping[str, Any]]:
        """A node's payments after an index, the oldest first."""
        found: list[Mapping[str, Any]] = []
        while True:
            page = await self._page(who, {"index_offset": after, "include_incomplete": "true"})
            if not page["payments"]:
                return found
            found += page["payments"]
            after = page["last_index_offset"]

    async def _last_payment(self, who: str) -> str:
        newest = await self._page(
            who, {"reversed": "true", "max_payments": "1", "include_incomplete": "true"}
        )
        return str(newest["last_index_offset"] if newest["payments"] else "0")

    async def _page(self, who: str, params: Mapping[str, str]) -> Any:
        places = self._places
        url, macaroon = (
            (places.lnd_url, places.lnd_macaroon)
            if who == "payer"
            else (places.merchant_lnd_url, places.merchant_lnd_macaroon)
        )
        return await self._get(f"{url}/v1/payments", params, {"Grpc-Metadata-macaroon": macaroon})

    async def _get(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Any:
        answer = await self._http.get(url, params=params, headers=headers)
        if not answer.is_success:
            raise BooksUnreadable(f"{answer.url.path} was answered with HTTP {answer.status_code}.")
        return answer.json()


def _transactions(logs: Iterable[Mapping[str, Any]], payee: bytes) -> list[dict[str, Any]]:
    """What each transaction was, paid the payee, and cost. The faucet's are no leg's."""
    found: dict[str, dict[str, Any]] = {}
    faucet: set[str] = set()
    for log in logs:
        tx_hash, topics = log["transactionHash"], log["topics"]
        one = found.setdefault(tx_hash, {"id": tx_hash, "kind": "other", "paid": 0, "fee": 0})
        if topics[0] in _KINDS:
            one["kind"] = _KINDS[topics[0]]
        elif topics[0] == _TRANSFER:
            sender, to = (bytes.fromhex(topic[2:]) for topic in topics[1:3])
            amount = int(log["data"], 16)
            if sender == _FAUCET:
                faucet.add(tx_hash)
            elif to == _TO_FEES:
                one["fee"] += amount
            elif to[12:] == payee:
                one["paid"] += amount
                if one["kind"] == "other":
                    one["kind"] = "charge"
    return [one for tx_hash, one in found.items() if tx_hash not in faucet]


def _card_money(charges: Iterable[Mapping[str, Any]], delivered: int) -> Money:
    told = tuple(
        {
            "id": one["source"],
            "kind": "card",
            "paid": one["amount"] * _UNITS_PER_CENT,
            "fee": one["fee"] * _UNITS_PER_CENT,
        }
        for one in charges
    )
    return Money(
        "usd", delivered, sum(one["paid"] for one in told), sum(one["fee"] for one in told), told
    )
