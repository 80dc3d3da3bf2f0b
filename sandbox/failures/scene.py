"""The scene of a play: a devnet of its own without a port, its clock in hand, people with money.

A script reads like a story. It says what it does (`part`, `say`), does it as any program would,
by a paying client (`customer`) or by hand (`ask`, `sign`, `send`), and checks what must hold
(`check`). What passes on the wire is told by itself. Time stands still until the script moves it
(`later`) or waits for something that takes time (`waiting`), so that a seed's story is the same in
every run, to the byte. At the end no money may have appeared or vanished on any rail.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx

from mock_rails.connection import read_body
from mock_rails.core.errors import ConservationError
from mock_rails.core.seeds import Seeds
from mock_rails.stripe.banner import TEST_KEY
from sandbox.chain import token_balance
from sandbox.client import PaidClient, Wallet
from sandbox.control import faults
from sandbox.devnet import CURRENCY
from sandbox.failures.telling import Kind, Step
from sandbox.failures.wire import Wire, challenges
from sandbox.info import MERCHANT, PAYER
from sandbox.portless import HOST, TestedDevnet, charge_credential, customer
from sandbox.recording.held_clock import HeldClock
from sandbox.recording.library_time import pympp_goes_by
from sandbox.settings import DevnetSettings, Part

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from mpp import Challenge

    from mock_rails.connection import Message, Receive, Send
    from mock_rails.core.journal import Event
    from mock_rails.lightning.rail import Lightning
    from mock_rails.stripe.rail import Stripe
    from mock_rails.tempo.rail import Chain
    from sandbox.failures.failure import Failure

_T = TypeVar("_T")

_BEGINS_US: Final = 1_767_225_600 * 10**6
"""New Year of 2026, when every play begins."""
_TURNS: Final = 200
"""Turns of the loop in which everybody does what can be done without time passing."""
_LONGEST_BODY: Final = 1 << 20
_PATIENCE_US: Final = 600 * 10**6
"""No script waits longer than that by its own clock."""


class Scene:
    """Where one failure is played. `playing.play` makes it."""

    def __init__(self, failure: Failure, devnet: TestedDevnet, clock: HeldClock) -> None:
        assert devnet.chain is not None
        assert devnet.stripe is not None
        assert devnet.lightning is not None
        self.failure = failure
        self.devnet = devnet
        self.clock = clock
        self.chain: Chain = devnet.chain
        self.stripe: Stripe = devnet.stripe
        self.lightning: Lightning = devnet.lightning
        self.steps: list[Step] = []
        """What was told so far."""
        api = httpx.URL(devnet.api_url or "")
        shops = {f"{api.host}:{api.port}"}
        self.wire = Wire(devnet.switchboard, shops, lambda text: self._tell(Kind.WIRE, text))
        """What carries the clients' requests, and keeps those that pay."""
        self.http = httpx.AsyncClient(transport=self.wire, timeout=None)
        """A client that pays nothing."""
        self._stack = AsyncExitStack()
        self._customers = 0
        self._halted: set[tuple[str, str, str]] = set()
        devnet.context.journal.watch("fault.fired", self._tell_fault)

    # -- telling ----------------------------------------------------------------------------------

    def part(self, title: str) -> None:
        """Begin a part of the story."""
        self._tell(Kind.PART, title)

    def say(self, text: str) -> None:
        """Tell what happens, and why."""
        self._tell(Kind.SAID, text)

    def note(self, text: str) -> None:
        """Tell what passes on another wire than the clients'."""
        self._tell(Kind.WIRE, text)

    def check(self, text: str, holds: bool) -> None:
        """Tell what must hold, and whether it does. One that does not makes the play fail."""
        self.steps.append(Step(Kind.CHECK, text, holds))

    def _tell(self, kind: Kind, text: str) -> None:
        self.steps.append(Step(kind, text))

    def _tell_fault(self) -> None:
        """Tell what struck; of a block that is halted only once, for the chain tries it again as
        often as the machine is fast."""
        (event,) = self.events("fault.fired")[-1:]
        struck = (event.data["id"], event.data["do"], str(event.data["met"]))
        if event.data["do"] != "halt" or struck not in self._halted:
            self._halted.add(struck)
            self._tell(Kind.WIRE, f"! {event.data['at']}: {event.data['do']}")

    # -- people -----------------------------------------------------------------------------------

    def url(self, path: str) -> str:
        """The address of the devnet's shop, with a path."""
        return f"{self.devnet.api_url}{path}"

    def customer(self, account: int = PAYER, **options: Any) -> PaidClient:
        """A client that pays from a development account, on any rail; the options are
        `PaidClient`'s. It is closed when the play ends."""
        self._customers += 1
        seeds = Seeds(f"{self.devnet.context.seeds.seed} customer {self._customers}")
        wallet = Wallet.dev(account)
        client = customer(self.devnet, wallet, self.http, **{"seeds": seeds, **options})
        self._stack.push_async_callback(client.aclose)
        return client

    def listen(self, url: str, hear: Callable[[dict[str, Any]], None]) -> None:
        """Let a program hear the JSON that is posted to an address below `.test`."""

        async def app(scope: Message, receive: Receive, send: Send) -> None:
            body = await read_body(receive, _LONGEST_BODY)
            hear(json.loads(body or b"{}"))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        self.devnet.switchboard.mount(url, app)

    # -- by hand ----------------------------------------------------------------------------------

    async def ask(self, path: str, intent: str = "charge", method: str = "tempo") -> Challenge:
        """Ask for something without a payment; the challenge that comes back."""
        response = await self.send(path)
        return next(
            one for one in challenges(response) if (one.method, one.intent) == (method, intent)
        )

    async def sign(self, challenge: Challenge, account: int = PAYER) -> str:
        """A credential for a charge on the chain: a signed transfer, which is not sent yet."""
        return await charge_credential(self.devnet, Wallet.dev(account), challenge)

    async def send(
        self, path: str, credential: str | None = None, *, key: str | None = None
    ) -> httpx.Response:
        """GET with this credential and Idempotency-Key, if any."""
        given = {"authorization": credential, "idempotency-key": key}
        headers = {name: value for name, value in given.items() if value is not None}
        return await self.waiting(self.http.get(self.url(path), headers=headers))

    async def at_stripe(self, verb: str, path: str, **fields: Any) -> dict[str, Any]:
        """Ask Stripe for something by the shop's key: `at_stripe("POST", "/v1/refunds", …)`."""
        url = f"{self.devnet.stripe_url}{path}"
        asked = self.http.request(verb, url, data=fields or None, auth=(TEST_KEY, ""))
        response = await self.waiting(asked)
        response.raise_for_status()
        document: dict[str, Any] = response.json()
        return document

    # -- rails and time ---------------------------------------------------------------------------

    def arm(self, *wanted: dict[str, Any]) -> None:
        """Arm these faults, or without any those of the failure, as its name does for a test."""
        for fault in wanted or self.failure.faults:
            faults.arm(self.devnet.context, dict(fault))

    def disarm(self) -> None:
        """Let all be well again."""
        faults.clear(self.devnet.context)

    def events(self, kind: str | None = None) -> list[Event]:
        """What the journal says, oldest first."""
        return self.devnet.context.journal.read(kind=kind)

    async def balance(self, account: int) -> int:
        """What a development account holds of the currency, in base units."""
        assert self.devnet.rpc is not None
        return await token_balance(self.devnet.rpc, CURRENCY, Wallet.dev(account).address)

    async def earned(self) -> int:
        """What the shop has on the chain, more than at the start, in base units."""
        shop = f"0x{Wallet.dev(MERCHANT).address.hex()}"
        return await self.balance(MERCHANT) - self.devnet.balances[shop]

    async def mine(self) -> None:
        """Make a block of what waits, as a chain does that was halted and catches up."""
        self.chain.seal()
        await self.settled()

    async def later(self, **span: int) -> None:
        """Let time pass (`minutes=16`), and everybody do what is due by then."""
        self.clock.hold(self.clock.wall_us() + timedelta(**span) // timedelta(microseconds=1))
        await self.settled()

    async def settled(self) -> None:
        """Let everybody do what can be done without time passing."""
        for _ in range(_TURNS):
            await self.clock.yield_to_loop()

    async def waiting(self, work: Awaitable[_T]) -> _T:
        """Wait for something; where it takes time, time passes up to what is due next."""
        task = asyncio.ensure_future(work)
        latest_us = self.clock.wall_us() + _PATIENCE_US
        try:
            while not task.done():
                await self.settled()
                due_us = self.clock.due_wall_us()
                if not task.done() and due_us is not None:
                    if due_us > latest_us:
                        raise TimeoutError("What the script waits for does not come.")
                    self.clock.hold(due_us)
        finally:
            task.cancel()
        return await task

    async def end(self) -> None:
        """Send everybody home, and count the money of all rails."""
        await self.waiting(self._stack.aclose())
        self.part("In the end")
        try:
            for rail in self.devnet.parts:
                rail.check_conservation()
        except ConservationError as error:
            self.check(f"no money appeared or vanished: {error}", False)
        else:
            self.check("on no rail has money appeared or vanished", True)


@asynccontextmanager
async def scene(failure: Failure, seed: str) -> AsyncIterator[Scene]:
    """A scene with everybody in place."""
    clock = HeldClock(_BEGINS_US)
    settings = DevnetSettings(seed=seed, host=HOST, only=frozenset({Part.RAILS, Part.MERCHANTS}))
    with pympp_goes_by(clock):
        async with TestedDevnet(settings, ports=False, clock=clock) as devnet:
            one = Scene(failure, devnet, clock)
            clock.begin()
            try:
                async with one.http:
                    yield one
            finally:
                clock.let_go()
