"""The Stripe rail: state, money and time, for whoever holds it in process or serves it over HTTP.

    stripe = Stripe()
    with stripe.operation() as op:
        customer = op.create("customers", op.new_id("cus"), {...})

Work is done in operations (`operation.py`), each all or nothing. What comes due meanwhile happens
first, in the order of its due times: before every operation, and by itself while `keep_time` runs.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.clock import US_PER_S
from mock_rails.core.rail import RailContext
from mock_rails.core.snapshot import digest
from mock_rails.stripe import agenda, faults, ledger
from mock_rails.stripe.agenda import Agenda
from mock_rails.stripe.model import State
from mock_rails.stripe.operation import Operation
from mock_rails.stripe.settings import DEFAULT_ACCOUNT, StripeSettings
from mock_rails.stripe.version import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from mock_rails.core.faults import FaultPoint
    from mock_rails.stripe.deposits import DepositChain, Transfer

_POLL_S: Final = 1


class Stripe:
    """One Stripe with all its accounts. One event loop may use it at a time."""

    name: Final = "stripe"

    def __init__(
        self, context: RailContext | None = None, settings: StripeSettings | None = None
    ) -> None:
        self.context = context or RailContext.create()
        self.settings = settings or StripeSettings()
        self.context.faults.register(faults.FAULT_POINTS)
        self.state = State()
        self.agenda = Agenda(self.state)
        self.chain: DepositChain | None = None
        """Where crypto deposits arrive; the devnet hands it in."""
        self.webhook_transport: httpx.AsyncBaseTransport | None = None
        """What carries webhooks where there are no ports; None for real sockets."""
        self.default_version = Version.parse(self.settings.default_version)

    # -- working ----------------------------------------------------------------------------------

    @contextmanager
    def operation(
        self,
        account: str = DEFAULT_ACCOUNT,
        *,
        livemode: bool = False,
        version: Version | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Iterator[Operation]:
        """One piece of work, all or nothing, at the present time."""
        self.catch_up()
        operation = self._operation(account, livemode, self.context.clock.now_s())
        operation = operation.asked_by(request_id, idempotency_key, version)
        with self.state.transaction():
            yield operation

    def catch_up(self) -> None:
        """Let everything happen that is due by now."""
        self.run_until(self.context.clock.now_s())

    def run_until(self, until_s: int, test_clock: str | None = None) -> None:
        """Let everything happen that is due by then, by sandbox time or that of a test clock."""
        while (entry := self.agenda.take(until_s, test_clock)) is not None:
            operation = self._operation(entry.account, entry["livemode"], entry["due_s"])
            agenda.run(operation.at(entry["due_s"], test_clock), entry)

    def attach_chain(self, chain: DepositChain) -> Callable[[], None]:
        """Let crypto deposits arrive on a chain: from now on its transfers settle what waits for
        them, and its transactions can be verified. Returns what ends the watching."""

        def arrived(transfer: Transfer) -> None:
            from mock_rails.stripe import crypto

            crypto.arrived(self, transfer)

        self.chain = chain
        return chain.watch(arrived)

    async def keep_time(self) -> None:
        """Let things happen when they are due, and send webhooks, until cancelled."""
        from mock_rails.stripe.webhooks.deliverer import Deliverer

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_agenda())
            tasks.create_task(Deliverer(self, self.webhook_transport).run())

    async def _keep_agenda(self) -> None:
        clock = self.context.clock
        while True:
            self.catch_up()
            due_s = self.agenda.next_due()
            soon_s = clock.now_s() + _POLL_S
            await clock.sleep_until_us(min(due_s or soon_s, soon_s) * US_PER_S)

    def _operation(self, account: str, livemode: bool, at_s: int) -> Operation:
        return Operation(
            state=self.state,
            agenda=self.agenda,
            context=self.context,
            settings=self.settings,
            account=account,
            livemode=livemode,
            version=self.default_version,
            at_s=at_s,
            chain=self.chain,
        )

    # -- what every rail can do -------------------------------------------------------------------

    def fault_points(self) -> tuple[FaultPoint, ...]:
        """Where it can be made to fail."""
        return faults.FAULT_POINTS

    def snapshot(self) -> dict[str, Any]:
        """The whole state as JSON values."""
        return self.state.snapshot()

    def restore(self, document: object) -> None:
        """Become the state of a snapshot."""
        import_module("mock_rails.stripe.endpoints")  # what follows from its objects is theirs
        self.state.restore(document)
        self.agenda.reread()

    def check_conservation(self) -> None:
        """Raise unless the books balance."""
        ledger.check(self.state)

    def digest(self) -> str:
        """A hash of the state."""
        return digest(self.snapshot())

    def reset(self) -> None:
        """Become what the rail was when it was constructed."""
        self.state.clear()
        self.agenda.reread()
        self.context.seeds.rewind("stripe.")
