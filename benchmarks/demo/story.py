"""The story in chapters: a charge step by step, a thousand requests in five ways, a stream.

Every line on the screen comes from what was just sent and answered; nothing is played back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.demo.measure import FEE_UNIT, Run
from benchmarks.demo.rails import by_card, by_deposit, by_invoice, priced
from sandbox.chain import TempoRpc, receipt
from sandbox.client import Budget, PaidClient, SessionSettings, Wallet
from sandbox.client.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx
    from rich.console import Console

    from mock_rails.core.clock import Clock
    from sandbox.client.events import ClientEvent
    from sandbox.client.session.channel import PayerChannel

PRICE: Final = 50_000
"""Of `/report`, which takes a charge as well as a session."""
WARM_UP: Final = 3
_SENTENCE: Final = "Why would a program pay a program by the word?"


@dataclass(slots=True)
class Story:
    """Who tells it, to which devnet."""

    console: Console
    info: Mapping[str, Any]
    requests: int
    clock: Clock

    @property
    def api(self) -> str:
        """Where the paid API is."""
        return str(self.info["merchants"]["url"])

    def client(self, prefer: str, **options: Any) -> PaidClient:
        """A customer with a thousand dollars to spend on this host."""
        tempo = self.info["tempo"]
        budget = Budget.parse(
            decimals=6, allowed_currencies=tuple(tempo["tokens"].values()), total="1000"
        )
        payer = tempo["accounts"][self.info["roles"]["payer"]]
        wallet = Wallet.from_key(payer["private_key"])
        return PaidClient(
            wallet, budget, rpc_url=tempo["url"], prefer=(prefer,), clock=self.clock, **options
        )

    def say(self, text: str = "") -> None:
        """A line for the reader."""
        self.console.print(text, highlight=False)

    def title(self, text: str) -> None:
        """The beginning of a chapter."""
        self.say()
        self.console.rule(f"[bold]{text}", align="left")

    # -- chapter 1 --------------------------------------------------------------------------------

    async def one_charge(self) -> None:
        """A single paid request, with everything that goes over the wire."""
        self.title("1  One request, one payment (a charge)")
        events: list[ClientEvent] = []
        url = f"{self.api}/quote"
        self.say(f"A program asks for [cyan]{url}[/]. It has a wallet, but no account there.")
        async with self.client("tempo/charge", on_event=events.append) as client:
            response = await client.get(url)
            for event in events:
                self._tell(event)
            payment = response.extensions["mpp"]
        self.say(f"  [green]<- 200[/] {response.text.strip()}")
        self.say(f"     Payment-Receipt: paid by transaction {_short(payment.reference)}")
        self.say("Two HTTP requests, one transaction on the chain, no sign-up, no API key.")

    def _tell(self, event: ClientEvent) -> None:
        facts = event.facts
        if event.kind is EventKind.CHALLENGE_RECEIVED:
            challenge = facts.get("challenge", facts)
            request = challenge["request"]
            amount = int(request["amount"]) / FEE_UNIT
            self.say("  [yellow]<- 402 Payment Required[/]")
            self.say(f'     WWW-Authenticate: Payment id="{challenge["id"][:12]}...",')
            self.say(
                f"     i.e. pay ${amount:.2f} of {_short(request['currency'])} to "
                f"{_short(request['recipient'])}, by {challenge['method']}/{challenge['intent']}"
            )
        elif event.kind is EventKind.CREDENTIAL_CREATED:
            self.say("  [cyan]-> the same request again, with Authorization: Payment[/]")
            self.say("     the credential repeats the challenge and holds a signed transfer;")
            self.say("     the server checks it, sends it to the chain and waits for the block")

    # -- chapter 2 --------------------------------------------------------------------------------

    async def many(self, progress: Any) -> list[Run]:
        """The same requests on three rails: the charge and the session of the chain come first."""
        self.title(f"2  The same {self.requests:,} requests on three rails, paid in five ways")
        return [*await self._on_the_chain(progress), *await self._on_other_rails(progress)]

    async def _on_the_chain(self, progress: Any) -> tuple[Run, Run]:
        url = f"{self.api}/report"
        charge = Run("tempo charge", PRICE)
        async with self.client("tempo/charge") as client:
            await self._repeat(client, url, charge, progress, charge.name)
        session = Run("tempo session", PRICE, covers=None)
        deposit = PRICE * (self.requests + WARM_UP + 10)
        settings = SessionSettings(deposit=deposit, max_deposit=deposit, close_on_exit=False)
        async with self.client("tempo/session", session=settings) as client:
            await self._repeat(client, url, session, progress, session.name)
            closed = await _close(client)
            assert closed.closed_tx is not None
            await self._add_fees(session, [closed.closed_tx])
        return charge, session

    async def _on_other_rails(self, progress: Any) -> list[Run]:
        """By card, by an invoice each, and from deposits over Lightning."""
        url = f"{self.api}/report"

        async def repeat(client: PaidClient, run: Run) -> None:
            await self._repeat(client, url, run, progress, run.name)

        def price(method: str, intent: str) -> int:
            return priced(self.info, "/report", method, intent)

        card = await by_card(self.info, self.clock, price("stripe", "charge"), repeat)
        sats = price("lightning", "charge"), price("lightning", "session")
        invoices = await by_invoice(self.info, self.clock, sats[0], repeat)
        deposits, back = await by_deposit(self.info, self.clock, sats[1], repeat)
        progress.console.print(
            f"A Lightning deposit pays for {deposits.covers} requests; {back:,} sat that were left "
            "came back at the end.",
            highlight=False,
        )
        return [card, invoices, deposits]

    async def _repeat(
        self, client: PaidClient, url: str, run: Run, progress: Any, words: str
    ) -> None:
        hashes: list[bytes] = []
        task = progress.add_task(f"{words:17}", total=self.requests)
        for number in range(-WARM_UP, self.requests):
            began_ns = self.clock.monotonic_ns()
            response = await client.get(url)
            took_us = (self.clock.monotonic_ns() - began_ns) // 1_000
            tx_hash = _transaction_of(response)
            if number >= 0:
                run.latencies_us.append(took_us)
                progress.advance(task)
            # A session's opening belongs to it, though it happened while warming up.
            if tx_hash is not None and (number >= 0 or run.covers is None):
                hashes.append(tx_hash)
        await self._add_fees(run, hashes)

    async def _add_fees(self, run: Run, hashes: Sequence[bytes]) -> None:
        async with TempoRpc(self.info["tempo"]["url"]) as rpc:
            for tx_hash in hashes:
                found = await receipt(rpc, tx_hash)
                assert found is not None, "a receipt named a transaction that the chain lacks"
                run.fees.append(found.fee)

    # -- chapter 3 --------------------------------------------------------------------------------

    async def a_stream(self) -> None:
        """Tokens paid for one by one, with a top-up on the way, and the close."""
        self.title("3  A stream, paid by the token")
        settings = SessionSettings(
            deposit=1_000, top_up=20_000, max_deposit=100_000, close_on_exit=False
        )
        events: list[ClientEvent] = []
        async with self.client("tempo/session", session=settings, on_event=events.append) as client:
            words = 0
            params = f"?tokens=40&prompt={_SENTENCE.replace(' ', '+')}"
            async with client.stream(f"{self.api}/complete{params}") as stream:
                async for chunk in stream:
                    words += 1
                    word = json.loads(chunk)["choices"][0]["delta"]["content"]
                    self.console.print(word, end="", highlight=False, soft_wrap=True)
            self.say()
            (channel,) = client.sessions.channels()
            self.say(
                f"{words} tokens at ${100 / FEE_UNIT:.4f}. The deposit was ${1_000 / FEE_UNIT:.3f} "
                f"for ten of them; the client topped it up to ${channel.deposit / FEE_UNIT:.3f} "
                "while it read."
            )
            self.title("4  The close")
            closed = await _close(client)
            assert closed.closed_tx is not None
            self.say(
                f"The client signs for what it was served, ${closed.spent / FEE_UNIT:.4f}, and "
                f"the server takes just that from the channel (transaction "
                f"{_short('0x' + closed.closed_tx.hex())}). The rest of the deposit is back."
            )


async def _close(client: PaidClient) -> PayerChannel:
    """Close the client's one channel."""
    (outcome,) = await client.sessions.close_all()
    if outcome.error is not None:
        raise outcome.error
    return outcome.channel


def _transaction_of(response: httpx.Response) -> bytes | None:
    """The transaction that the response's receipt names, if one was needed."""
    payment = response.extensions["mpp"]
    payment.raise_if_unpaid()
    if not payment.method.startswith("tempo/"):
        return None
    receipt_json = payment.receipt or {}
    found = receipt_json.get("txHash")
    if found is None and payment.method.endswith("/charge"):
        found = receipt_json.get("reference")
    return None if found is None else bytes.fromhex(str(found)[2:])


def _short(text: str | None) -> str:
    return "?" if text is None else f"{text[:10]}...{text[-4:]}"
