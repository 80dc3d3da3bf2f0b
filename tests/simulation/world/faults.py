"""What befalls a world: crashes, faults of the rails, a chain that halts, time that jumps.

Each seed draws its own mixture: how often, and which kinds at all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.world.network import Weather

if TYPE_CHECKING:
    from tests.simulation.world.world import World

_PROGRAMS: Final = ("merchants", "tempo", "stripe", "lnd", "payers-lnd")
_WORST: Final = 60
"""In thousandths, for each kind of accident on a line."""

_FAULTS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("tempo.submit", "reject", {"message": "no"}),
    ("tempo.submit", "rate_limit", {}),
    ("tempo.submit", "drop", {}),
    ("tempo.submit", "lose_response", {}),
    ("tempo.seal", "fee_spike", {}),
    ("tempo.receipt", "hide", {}),
    ("stripe.request", "error", {"status": 500}),
    ("stripe.request", "rate_limit", {}),
    ("stripe.request", "drop", {}),
    ("stripe.request", "commit_then_drop", {}),
    ("stripe.request", "commit_then_error", {"status": 500}),
    ("stripe.request", "truncate", {}),
    ("stripe.request", "garble", {}),
    ("stripe.card", "decline", {}),
    ("lightning.invoice", "fail", {}),
    ("lightning.invoice", "lose_response", {}),
    ("lightning.pay", "no_route", {}),
    ("lightning.pay", "timeout", {}),
    ("lightning.pay", "lose_response", {}),
    ("lightning.htlc", "stuck_then_settle", {"s": 20}),
    ("lightning.htlc", "stuck_then_fail", {"s": 20}),
    ("lightning.htlc", "settle_late", {"s": 40}),
    ("lightning.node", "down", {}),
)


class Chaos:
    """The accidents of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._draws = draws = world.draws.stream("chaos")
        kinds = ("crash", "fault", "fault", "fault", "halt", "jump", "weather", "settle")
        self._kinds = [kind for kind in kinds if draws.integer(0, 3)] or ["fault"]
        self._pause_ms = draws.choice([300, 1_000, 4_000])
        self._is_over = False

    async def run(self) -> None:
        """Let something happen, again and again, until it is over."""
        self._weather()
        while not self._is_over:
            pause_ms = self._draws.integer(1, 2 * self._pause_ms)
            await self._world.clock.wall_sleep(timedelta(milliseconds=pause_ms))
            if not self._is_over:
                await self._happen(self._draws.choice(self._kinds))

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self._is_over = True
        self._world.network.is_healed = True
        self._world.context.faults.clear()
        self._world.tell("all is healed")

    async def _happen(self, kind: str) -> None:
        world = self._world
        if kind == "crash":
            await self.crash()
        elif kind == "fault":
            at, do, args = self._draws.choice(_FAULTS)
            times = self._draws.integer(1, 3)
            world.tell(f"fault {at} {do} x{times}")
            world.context.faults.arm({"at": at, "do": do, "args": args, "when": {"times": times}})
        elif kind == "halt":
            await self._halt()
        elif kind == "jump":
            seconds = self._draws.choice([2, 40, 400])
            world.tell(f"time jumps by {seconds} s")
            world.clock.advance(seconds)
        elif kind == "weather":
            self._weather()
        elif kind == "settle" and world.shop is not None and world.shop.is_ready:
            world.tell("the watch looks")
            life = world.network.program("merchants")
            world.spawn(life, world.shop.merchants.sessions.look()).add_done_callback(_seen)

    async def crash(self) -> None:
        """Kill the merchants at this instant, and start them again later."""
        world = self._world
        if world.shop is None or not world.shop.is_ready:
            return
        world.tell("the merchants are killed")
        await world.crash_shop()
        down_ms = self._draws.choice([1, 500, 5_000])
        await world.clock.wall_sleep(timedelta(milliseconds=down_ms))
        await world.start_shop()
        world.tell("the merchants are back")

    async def _halt(self) -> None:
        world = self._world
        seconds = self._draws.choice([1, 5, 30])
        world.tell(f"the chain halts for {seconds} s")
        halt = world.context.faults.arm({"at": "tempo.seal", "do": "halt"})
        await world.clock.wall_sleep(timedelta(seconds=seconds))
        if any(one["id"] == halt for one in world.context.faults.list()):
            world.context.faults.disarm(halt)

    def _weather(self) -> None:
        forecast = {
            name: Weather.drawn(self._draws, _WORST if self._draws.integer(0, 1) else 0)
            for name in _PROGRAMS
        }
        self._world.network.forecast(forecast)


def _seen(task: Any) -> None:
    """A look that fails is made again in a few seconds; the watch says so in the journal."""
    if not task.cancelled():
        task.exception()
