"""What the fixtures are: the devnet, its merchants and its steering, as a test holds them.

Every call is synchronous, for the devnet is in another thread, so that a test with an event loop
and one without use them alike. Amounts are integers in base units.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

import orjson

from mock_rails.core import snapshot
from mock_rails.core.errors import BadInput
from sandbox import info
from sandbox.chain import token_balance
from sandbox.client.wallet import Wallet
from sandbox.control import channels, faults, journal, money, snapshots, time
from sandbox.pytest_plugin.bridge import Bridge
from sandbox.snapshots import Difference, compare

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from mock_rails.core.journal import Event
    from mock_rails.core.rail import RailContext
    from sandbox.portless import TestedDevnet
    from sandbox.pytest_plugin.stage import Stage

_T = TypeVar("_T")

__tracebackhide__ = True
"""pytest's word: a failing test shows its own code, not how it is carried to the devnet."""


class DevnetFixture:
    """The devnet of one test: addresses, ways in, and snapshots."""

    def __init__(self, stage: Stage, begins: int) -> None:
        self.stage = stage
        self.begins = begins
        """The journal's offset before the test."""
        self.transport = Bridge(stage)
        """For httpx clients of the test: `httpx.AsyncClient(transport=devnet.transport)`."""

    def __repr__(self) -> str:
        """Where it is, and what it is drawn from."""
        return f"<devnet at {self.url()}, seed {self.seed!r}>"

    @property
    def devnet(self) -> TestedDevnet:
        """The devnet itself, which lives in another thread: reach into it by `call`."""
        return self.stage.devnet

    @property
    def context(self) -> RailContext:
        """The clock, seeds, faults and journal that everything shares."""
        return self.stage.devnet.context

    @property
    def seed(self) -> str:
        """What keys, ids and faults are drawn from in this test."""
        return self.context.seeds.seed

    def url(self, path: str = "/") -> str:
        """The address of the merchants' paid API, with a path."""
        return f"{self.devnet.api_url}{path}"

    @property
    def rpc_url(self) -> str:
        """Where the chain is."""
        return self.devnet.rpc_url

    @property
    def has_ports(self) -> bool:
        """Whether other processes reach it; if not, only `payer` and `transport` do."""
        return self.devnet.has_ports

    def info(self) -> dict[str, Any]:
        """Everything about it: what `mpp-sandbox status --json` shows."""
        return self.call(self.devnet.info)

    def environment(self) -> dict[str, str]:
        """Variables for a program beside it, as `mpp-sandbox exec` sets them."""
        if not self.has_ports:
            raise BadInput(
                "This devnet has no ports, so that no other program reaches it.",
                hint="Mark the test with @pytest.mark.mpp(ports=True), or run --mpp-ports.",
            )
        return info.environment(self.info())

    def mount(self, url: str, app: Any) -> None:
        """Let an ASGI application of the test answer at an address, for payers and `transport`.

        It runs in the devnet's thread until the test ends: `devnet.mount("http://shop.test", app)`.
        """
        self.stage.switchboard.mount(url, app)

    def fund(self, address: str) -> None:
        """Give an account some of every token."""
        self.call(partial(money.give, self.devnet, address, None, None))

    def snapshot(self) -> dict[str, Any]:
        """Everything as one document."""
        return snapshot.parse(self.call(partial(snapshots.save, self.devnet)), "The snapshot")

    def restore(self, document: Mapping[str, Any]) -> None:
        """Become what a document says."""
        self.call(partial(snapshots.load, self.devnet, orjson.dumps(document)))

    def compare(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
        """Where the money went between two snapshots."""
        return compare(before, after)

    @overload
    def call(self, function: Callable[..., Awaitable[_T]], *args: Any) -> _T: ...

    @overload
    def call(self, function: Callable[..., _T], *args: Any) -> _T: ...

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function, asynchronous or not, in the devnet's thread."""
        return self.stage.call(function, *args)


class _Of:
    """Something of a test's devnet."""

    def __init__(self, devnet: DevnetFixture) -> None:
        self._devnet = devnet

    def __repr__(self) -> str:
        """What it is, and whose."""
        return f"<{type(self).__name__.removesuffix('Fixture').lower()} of {self._devnet!r}>"


class MerchantFixture(_Of):
    """The devnet's merchants: what they sell, what they have and who owes them."""

    def __init__(self, devnet: DevnetFixture) -> None:
        super().__init__(devnet)
        self.url = devnet.url
        """The address of their paid API, with a path."""
        self.address = f"0x{Wallet.dev(info.MERCHANT).address.hex()}"
        """The account that they are paid to."""

    @property
    def routes(self) -> list[dict[str, Any]]:
        """What can be bought, for how much and how."""
        routes: list[dict[str, Any]] = self._devnet.info()["merchants"]["routes"]
        return routes

    def balance(self, token: str = "pathUSD") -> int:
        """What their account on the chain holds."""
        return ChainFixture(self._devnet).balance(self.address, token)

    def channels(self) -> list[dict[str, Any]]:
        """The payment channels that they know."""
        listed = self._devnet.call(channels.listed, self._devnet.devnet)
        found: list[dict[str, Any]] = listed["channels"]
        return found

    def settle(self, channel_id: str) -> dict[str, Any]:
        """Capture what a channel owes; it stays open."""
        return self._devnet.call(channels.settle, self._devnet.devnet, channel_id)

    def close(self, channel_id: str) -> dict[str, Any]:
        """Capture what a channel owes, and end it."""
        return self._devnet.call(channels.close, self._devnet.devnet, channel_id)


class ChainFixture(_Of):
    """The Tempo chain."""

    def __init__(self, devnet: DevnetFixture) -> None:
        super().__init__(devnet)
        self.url = devnet.rpc_url
        """Where its JSON-RPC is."""

    def rpc(self, method: str, *params: Any) -> Any:
        """Call a JSON-RPC method and return its result: `chain.rpc("eth_blockNumber")`."""
        return self._devnet.call(money.rpc_of(self._devnet.devnet).call, method, *params)

    @property
    def height(self) -> int:
        """The number of the newest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    def mine(self, blocks: int = 1) -> None:
        """Make blocks."""
        self.rpc("anvil_mine", hex(blocks))

    def balance(self, address: str, token: str = "pathUSD") -> int:
        """What an account holds of a token, by the token's name."""
        rpc, owner = money.rpc_of(self._devnet.devnet), money.read_address(address)
        return self._devnet.call(token_balance, rpc, money.read_token(token), owner)

    def accounts(self) -> list[dict[str, Any]]:
        """The development accounts with their roles and balances."""
        return self._devnet.call(money.accounts, self._devnet.devnet)


class ClockFixture(_Of):
    """The time of all rails, the merchants and the payer. It runs with the machine's until moved,
    and every test begins at the present."""

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self._devnet.context.clock.utc()

    @property
    def is_frozen(self) -> bool:
        """Whether it stands still."""
        return self._devnet.context.clock.is_frozen

    def advance(self, by: str | timedelta | None = None, **parts: int) -> datetime:
        """Jump forward by `"16m"`, by a timedelta or by its parts: `advance(minutes=16)`.

        What is due by then happens before this returns, as far as it needs no other process.
        """
        if (by is None) == (not parts):
            raise BadInput("How far?", hint='Write advance(minutes=16) or advance("16m").')
        span = timedelta(**parts) if by is None else by
        if isinstance(span, timedelta):
            span = f"{span // timedelta(milliseconds=1)}ms"
        return self._move(time.advance, span)

    def set(self, to: str | datetime, *, backwards: bool = False) -> datetime:
        """Jump to an instant, given as RFC 3339 has it or as an aware datetime."""
        return self._move(partial(time.set_to, backwards=backwards), _instant(to))

    def freeze(self, at: str | datetime | None = None) -> datetime:
        """Stop it where it is, or at a later instant. `advance` and `set` still move it."""
        return self._move(time.freeze, None if at is None else _instant(at))

    def resume(self) -> datetime:
        """Let it run on."""
        return self._move(time.resume)

    def _move(self, move: Callable[..., Awaitable[Any]], *args: Any) -> datetime:
        async def moved() -> None:
            await move(self._devnet.devnet, *args)
            await self._devnet.stage.catch_up()

        self._devnet.call(moved)
        return self.now


def _instant(at: str | datetime) -> str:
    return at.astimezone(UTC).isoformat() if isinstance(at, datetime) else at


class FaultsFixture(_Of):
    """What is to go wrong in this test; all is well again in the next."""

    def arm(
        self,
        at: str | Mapping[str, Any],
        do: str | None = None,
        *,
        when: str | Mapping[str, Any] = "always",
        args: Mapping[str, Any] | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> str:
        """Put a fault in place: `faults.arm("tempo.submit", "lose_response", when="nth=1")`, or
        the whole as one object, as in the mark. Returns its id."""
        fault = at
        if isinstance(at, str):
            fault = {"at": at, "do": do, "when": when, "args": args or {}, "where": where or {}}
        armed: str = self._devnet.call(faults.arm, self._devnet.context, fault)["id"]
        return armed

    def arm_named(self, slug: str) -> list[str]:
        """Put the faults of a failure of the catalogue in place (`mpp-sandbox failures list`);
        their ids."""
        armed = self._devnet.call(faults.arm_named, self._devnet.context, slug)
        return [one["id"] for one in armed]

    def disarm(self, fault_id: str) -> None:
        """Take one away."""
        self._devnet.call(faults.disarm, self._devnet.context, fault_id)

    def clear(self) -> None:
        """Take all away."""
        self._devnet.call(faults.clear, self._devnet.context)

    def armed(self) -> list[dict[str, Any]]:
        """Those in place, each with how often it was hit and fired."""
        listed = self._devnet.call(faults.listed, self._devnet.context)
        found: list[dict[str, Any]] = listed["faults"]
        return found

    def fired(self, fault_id: str | None = None) -> int:
        """How often one has struck, or all that are armed together."""
        chosen = [one for one in self.armed() if fault_id in (None, one["id"])]
        return sum(one["fired"] for one in chosen)

    def points(self) -> dict[str, list[str]]:
        """Where something can go wrong, and what."""
        listed = self._devnet.call(faults.listed, self._devnet.context)
        return {
            one["name"]: [action["name"] for action in one["actions"]] for one in listed["points"]
        }


class JournalFixture(_Of):
    """What has happened in this test, in order."""

    def __iter__(self) -> Iterator[Event]:
        """All events."""
        return iter(self.events())

    def events(self, kind: str | None = None) -> list[Event]:
        """All events, or those of one kind."""
        kept = self._devnet.context.journal
        return self._devnet.call(partial(kept.read, self._devnet.begins, kind=kind))

    def exchanges(self) -> list[dict[str, Any]]:
        """The paid requests of this test in short, oldest first."""
        kept, begins = self._devnet.context.journal, self._devnet.begins
        return self._devnet.call(partial(journal.exchanges, kept, None, after=begins))[::-1]

    def explain(self, name: str | None = None) -> str:
        """What happened to a payment, check by check: as `mpp-sandbox inspect`, by any id that it
        takes. Without one, the exchange that went wrong, or the newest."""
        from sandbox.pytest_plugin.failure import explain

        return explain(self._devnet, name)
