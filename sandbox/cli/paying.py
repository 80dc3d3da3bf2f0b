"""What `pay` does: one request, a stream, or many requests at once, through a `PaidClient`.

A request ends in one of five ways, and the exit code says which was the worst of them:

    paid      the answer came, and was paid for     0
    free      the answer came, and cost nothing     0
    refused   it was not paid                       1
    failed    there was no answer, or an error      1
    unknown   a payment may have been made          3
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx

from mock_rails.core.clock import Clock
from mock_rails.core.errors import SandboxError
from sandbox.cash import is_cash
from sandbox.cli.observing import ObservedTransport
from sandbox.cli.session_text import SAT, streamed
from sandbox.cli.tally import Tally
from sandbox.client.client import PaidClient
from sandbox.client.errors import BudgetExceededError, OutcomeUnknownError, PaymentRefusedError
from sandbox.client.lightning.session.settings import LightningSessionSettings
from sandbox.client.nodes import SANDBOX_CHAINS, Nodes
from sandbox.client.outcome import PaymentMade, PaymentNotMade, payment_of
from sandbox.client.session import SessionSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from sandbox.cli.lightning import Lnd
    from sandbox.client.budget import Budget
    from sandbox.client.cards import CardWallet
    from sandbox.client.lightning import LightningWallet
    from sandbox.client.lightning.session import SessionRecord
    from sandbox.client.session import PayerChannel
    from sandbox.client.wallet import Wallet

CODES: Final = {"paid": 0, "free": 0, "refused": 1, "failed": 1, "unknown": 3}
_LIGHTNING_SESSION: Final = "lightning/session"
_UNREAD: Final = (
    "The stream waited in vain for a further deposit. Read it with --stream, which makes them."
)
_TIMEOUT_S: Final = 30
_LOOKUPS: Final = 8
_MOST_LOOKUPS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be requested, and who pays for it how."""

    url: str
    method: str
    headers: Sequence[tuple[str, str]]
    body: bytes | None
    wallet: Wallet
    budget: Budget | None
    prefer: Sequence[str]
    rpc_url: str | None
    state: Path
    close: bool
    requests: int = 1
    concurrency: int = 1
    card: CardWallet | None = None
    card_budget: Budget | None = None
    lnd: Lnd | None = None
    lightning_budget: Budget | None = None
    show: Callable[[str], None] | None = None
    """Gets the lines of the conversation with `-v`."""
    is_devnets: bool = False
    """Whether the running devnet's merchants are asked, whose journal knows the exchange."""
    clock: Clock = field(default_factory=Clock)
    """What time it is where the merchants are: a challenge has ended when theirs says so."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one request ended."""

    outcome: str
    elapsed_us: int
    response: httpx.Response | None = None
    payment: PaymentMade | None = None
    reason: str | None = None
    is_over_budget: bool = False


class Till:
    """A client at work, and what it has spent and caused so far."""

    def __init__(self, job: Job, clock: Clock, client: PaidClient, wire: ObservedTransport) -> None:
        self.job = job
        self.clock = clock
        self.client = client
        self.wire = wire
        self.used: dict[str, None] = {}
        """The ids of the channels that were paid by, in order."""
        self.by_card: Counter[str] = Counter()
        """What cards were charged, by currency, in its smallest unit."""
        self.sats = 0
        """What was paid for over Lightning, without the fees."""
        self.sessions_used: dict[str, None] = {}
        """The ids of the Lightning sessions that were paid by, in order."""
        self.troubles: list[Exception] = []
        """What kept channels and sessions from being closed."""

    @property
    def spent(self) -> int:
        """Base units that were paid on the chain."""
        return self.client.ledger.tally().spent

    @property
    def transactions(self) -> list[str]:
        """Hashes of what went onto the chain."""
        return list(self.wire.transactions)

    async def request(self) -> Result:
        """Send the request once and pay what it asks."""
        job, begun_ns = self.job, self.clock.monotonic_ns()
        try:
            response = await self.client.request(
                job.method, job.url, headers=list(job.headers), content=job.body
            )
        except (SandboxError, httpx.TransportError) as error:
            if isinstance(error, OutcomeUnknownError) and error.paid:
                self._note_cash(error.details)
            return _failed(error, (self.clock.monotonic_ns() - begun_ns) // 1_000)
        elapsed_us = (self.clock.monotonic_ns() - begun_ns) // 1_000
        result = _judged(response, elapsed_us)
        made = result.payment
        if made is None:
            return result
        self.note_payment(made)
        if made.method != _LIGHTNING_SESSION:
            self._note_cash(made.request)
            return result
        cost_sat, broke_off = streamed(response, int(made.request.get("amount", 0)))
        self.sats += cost_sat
        return replace(result, outcome="failed", reason=_UNREAD) if broke_off else result

    def _note_cash(self, paid: Mapping[str, Any]) -> None:
        currency = str(paid.get("currency")).lower()
        if is_cash(currency):
            self.by_card[currency] += int(paid["amount"])
        elif currency == SAT:
            self.sats += int(paid.get("amount", 0))  # of a deposit nobody knows what was spent

    def note_channel(self, name: str | None) -> None:
        """Something was paid by this channel."""
        if name is not None:
            self.used[name.lower()] = None

    def note_payment(self, made: PaymentMade) -> None:
        """Something was paid by what this payment was made of."""
        self.note_channel(made.channel_id)
        if made.method == _LIGHTNING_SESSION and made.reference is not None:
            self.sessions_used[made.reference] = None

    def sessions(self) -> list[SessionRecord]:
        """The Lightning sessions that were paid by, as the client remembers them."""
        if not self.sessions_used:
            return []
        known = self.client.lightning_sessions.sessions()
        return [one for one in known if one.id.hex() in self.sessions_used]

    def channels(self) -> list[PayerChannel]:
        """Those that were paid by, as the client remembers them."""
        if not self.used:
            return []
        known = self.client.sessions.channels()
        return [one for one in known if f"0x{one.id.hex()}" in self.used]

    async def close_channels(self) -> None:
        """Close those that were paid by. One that fails does not keep the others from it."""
        for one in self.channels():
            try:
                await self.client.sessions.close_channel(one.id)
            except (SandboxError, httpx.TransportError) as error:
                self.troubles.append(error)
        for record in self.sessions():
            try:
                await self.client.lightning_sessions.close_session(record.id)
            except (SandboxError, httpx.TransportError) as error:
                self.troubles.append(error)

    async def fees(self) -> dict[str, int] | None:
        """What the transactions cost whom; None where no node can say."""
        hashes = self.transactions
        url = self.job.rpc_url or Nodes().url(min(SANDBOX_CHAINS))
        if url is None or len(hashes) > _MOST_LOOKUPS:
            return None
        try:
            return await _fees(url, hashes, self.job.wallet.address)
        except SandboxError:
            return None


@asynccontextmanager
async def open_till(job: Job) -> AsyncIterator[Till]:
    """A client for this job. Leaving the block closes its channels, if the job says so."""
    clock = job.clock
    connections = httpx.Limits(max_connections=job.concurrency + 4)
    wire = ObservedTransport(httpx.AsyncHTTPTransport(limits=connections), clock, job.show)
    is_secure = job.card is not None and job.card.stripe_url.startswith("https:")
    to_stripe = ObservedTransport(httpx.AsyncHTTPTransport(verify=is_secure), clock, job.show)
    async with (
        to_stripe,
        _purse(job.lnd) as lightning,
        httpx.AsyncClient(transport=wire, timeout=_TIMEOUT_S) as http,
        PaidClient(
            job.wallet,
            job.budget,
            card=None if job.card is None else job.card.through(to_stripe),
            card_budget=job.card_budget,
            lightning=lightning,
            lightning_budget=job.lightning_budget,
            rpc_url=job.rpc_url,
            http=http,
            prefer=job.prefer,
            state=job.state,
            remembers_spending=False,  # the budget is one command's
            session=SessionSettings(close_on_exit=False),
            lightning_session=LightningSessionSettings(close_on_exit=False),
            clock=clock,
        ) as client,
    ):
        till = Till(job, clock, client, wire)
        yield till
        if job.close:
            await till.close_channels()


@asynccontextmanager
async def _purse(lnd: Lnd | None) -> AsyncIterator[LightningWallet | None]:
    """The node that pays over Lightning, if there is one."""
    if lnd is None:
        yield None
        return
    from sandbox.client.lightning import LightningWallet

    async with lnd.node() as node:
        yield LightningWallet(node, name=lnd.name)


async def pay_many(till: Till, advance: Callable[[Tally], None]) -> Tally:
    """Send the request as often as the job says, so many at a time. Ctrl-C ends it after those that
    are under way, and so does a budget that is used up."""
    job, clock = till.job, till.clock
    tally = Tally()
    left = iter(range(job.requests))
    stopping = asyncio.Event()
    if "tempo/charge" in job.prefer:
        job.wallet.tempo_account()  # loads eth-account, which would count as the first's latency
    begun_ns = clock.monotonic_ns()

    async def work() -> None:
        for _ in left:
            if stopping.is_set():
                return
            result = await till.request()
            method = None if result.payment is None else result.payment.method
            tally.add(result.outcome, result.elapsed_us, method=method, reason=result.reason)
            if result.is_over_budget:
                stopping.set()
            tally.elapsed_us = (clock.monotonic_ns() - begun_ns) // 1_000
            tally.spent, tally.by_card, tally.sats = till.spent, till.by_card, till.sats
            advance(tally)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stopping.set)
    try:
        await asyncio.gather(*(work() for _ in range(min(job.concurrency, job.requests))))
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    return tally


async def read_stream(till: Till, each: Callable[[str], None]) -> dict[str, Any] | None:
    """Read the URL as a stream that is paid while it is read; its last receipt."""
    job = till.job
    if job.url.startswith(("ws://", "wss://")):
        async with till.client.websocket(job.url) as messages:
            try:
                async for data in messages:
                    each(data)
            finally:
                till.note_channel(messages.channel_id)
        return _noted(till, messages.receipt)
    async with till.client.stream(
        job.url, method=job.method, headers=list(job.headers), content=job.body
    ) as events:
        made = payment_of(events.response)
        if isinstance(made, PaymentMade):
            till.note_payment(made)
        async for data in events:
            each(data)
    return _noted(till, events.receipt)


def worst(outcomes: Iterable[str]) -> int:
    """The exit code for all of these."""
    return max((CODES[one] for one in outcomes), default=0)


def reason_of(error: Exception) -> str:
    """An error's one line."""
    if isinstance(error, BudgetExceededError):
        return f"{error.detail} Raise --max if that is meant to be paid."
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return "Nothing answers at that address."
    if isinstance(error, httpx.TransportError):
        return f"The connection failed: {type(error).__name__} {error}".strip()
    return " ".join(str(error).split())


def outcome_of(error: Exception) -> str:
    """How a request has ended that ended in this error."""
    if isinstance(error, OutcomeUnknownError):
        return "unknown"
    is_refusal = isinstance(error, PaymentRefusedError) or error_status(error) == 402
    return "refused" if is_refusal else "failed"


def error_status(error: Exception) -> int | None:
    """The status that an error of ours stands for."""
    return error.status if isinstance(error, SandboxError) else None


# -- inside ---------------------------------------------------------------------------------------


def _noted(till: Till, receipt: dict[str, Any] | None) -> dict[str, Any] | None:
    told = receipt or {}
    channel = told.get("channelId")
    till.note_channel(channel if isinstance(channel, str) else None)
    if told.get("method") == "lightning":
        till.sats += int(told.get("spent") or 0)
        till.sessions_used[str(told["reference"])] = None
    return receipt


def _failed(error: Exception, elapsed_us: int) -> Result:
    return Result(
        outcome_of(error),
        elapsed_us,
        reason=reason_of(error),
        is_over_budget=isinstance(error, BudgetExceededError),
    )


def _judged(response: httpx.Response, elapsed_us: int) -> Result:
    found = payment_of(response)
    made = found if isinstance(found, PaymentMade) else None
    if isinstance(found, PaymentNotMade):
        said = (found.problem or {}).get("detail") or (found.problem or {}).get("title")
        reason = f"{found.reason} It says: {said}" if isinstance(said, str) else found.reason
        return Result("refused", elapsed_us, response, reason=reason)
    if response.is_error:
        paid = " although it was paid" if made is not None else ""
        reason = f"The server answered {response.status_code} {response.reason_phrase}{paid}."
        return Result("failed", elapsed_us, response, made, reason=reason)
    return Result("free" if made is None else "paid", elapsed_us, response, made)


async def _fees(url: str, hashes: Sequence[str], own: bytes) -> dict[str, int]:
    from sandbox.chain import TempoRpc, receipt

    rpc = TempoRpc(url)
    fees: dict[str, int] = {}
    left = iter(hashes)

    async def work() -> None:
        for one in left:
            found = await receipt(rpc, bytes.fromhex(one[2:]))
            if found is not None and found.fee:
                payer = found.fee_payer or found.sender
                who = "you" if payer == own else f"0x{payer.hex()}"
                fees[who] = fees.get(who, 0) + found.fee

    with suppress(ValueError):
        try:
            await asyncio.gather(*(work() for _ in range(_LOOKUPS)))
        finally:
            await rpc.aclose()
    return fees
