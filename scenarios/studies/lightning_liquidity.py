"""When Lightning runs out of balance: failures, retries, swaps (facts: lightning 5.1 to 5.3).

Payments to a merchant move its routes' balance to its own side. A charge moves the price; a session
moves a deposit of twice what will be spent and half of it back. The merchant may swap what it has
received for money on a chain, which makes room again and costs a fee.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scenarios.experiment import Result, Row, Study
from scenarios.facts import lightning
from scenarios.model.arrivals import poisson, visit_sizes
from scenarios.model.books import ROUTERS
from scenarios.model.liquidity import IN, OUT, Network, Route, Swap
from scenarios.model.tally import Tally
from scenarios.parameters import Counts, Parameters, known

if TYPE_CHECKING:
    from collections.abc import Generator

    from scenarios.figures.lines import Drawn
    from scenarios.streams import Draw, Streams

_MS: Final = 1_000
_USD: Final = 1_000_000
_SURPLUS: Final = 2
INTENTS: Final = ("charge", "session")
REMEDIES: Final = ("none", "swap")


class LightningLiquidity(Parameters):
    """How much balance there is, and what is paid over it."""

    capacities: Counts = known(
        (20_000_000, 60_000_000, 200_000_000),
        "capacity of a route's last channel, base units",
        "chosen: 20,000 to 200,000 sat at the default rate",
    )
    routes: int = known(4, "routes to the merchant", "chosen", gt=0)
    inbound: float = known(
        0.5, "share of a channel that can be paid to the merchant at first", "chosen", ge=0, le=1
    )
    hops: int = known(3, "channels of a route", "as in break-even", gt=0)
    attempts: int = known(3, "routes that a payment tries", "chosen", gt=0)
    offline: float = known(
        0.003, "share of attempts that fail for another reason", "facts: lightning 5.2", ge=0, le=1
    )
    requests: int = known(30, "mean requests in a visit", "chosen", gt=0)
    price: int = known(20_000, "price of a request, base units", "the registry's median", gt=0)
    think_s: float = known(2.0, "mean time between requests", "chosen", ge=0)
    visits_per_s: float = known(0.2, "visits that begin in a second", "chosen", gt=0)
    rtt_ms: float = known(20.0, "network round trip", "chosen; E1: 0-50", ge=0)
    horizon_s: float = known(1_800.0, "how long visits begin", "chosen", gt=0)
    swap_below: float = known(
        0.2, "share of a channel left when a swap begins", "chosen", ge=0, le=1
    )
    swap_up_to: float = known(0.7, "share that a swap restores", "chosen", ge=0, le=1)
    swap_s: float = known(600.0, "how long a swap takes", "assumed: a bitcoin block", ge=0)
    swap_fails: float = known(0.05, "share of swaps that fail", "assumed", ge=0, le=1)
    swap_fixed: int = known(500_000, "fixed cost of a swap, base units", "assumed: 500 sat", ge=0)
    swap_ppm: int = known(
        5_000, "cost of a swap, millionths of it", "assumed: half a per cent", ge=0
    )


@dataclass(slots=True)
class _Shop:
    p: LightningLiquidity
    network: Network
    think: Draw
    latency: Tally = field(default_factory=Tally)
    wanted: int = 0
    served: int = 0
    unreturned: int = 0

    def request(self, begun_s: float, paid: bool) -> None:
        self.wanted += 1
        self.served += paid
        if paid:
            now = self.network.env.now
            self.latency.add(now, now - begun_s)


def _charges(shop: _Shop, requests: int) -> Generator[Any, Any, None]:
    env, p = shop.network.env, shop.p
    for _ in range(requests):
        begun = env.now
        yield env.timeout(2 * p.rtt_ms / _MS)
        paid = yield from shop.network.pay(IN, p.price)
        shop.request(begun, paid)
        yield env.timeout(shop.think())


def _session(shop: _Shop, requests: int) -> Generator[Any, Any, None]:
    """A deposit that does not arrive is tried again with the next request."""
    env, p = shop.network.env, shop.p
    deposit, spent = _SURPLUS * p.price * requests, 0
    opened = False
    for _ in range(requests):
        begun = env.now
        yield env.timeout((1 if opened else 2) * p.rtt_ms / _MS)
        if not opened:
            opened = yield from shop.network.pay(IN, deposit)
        spent += opened * p.price
        shop.request(begun, opened)
        yield env.timeout(shop.think())
    if opened:
        returned = yield from shop.network.pay(OUT, deposit - spent)
        shop.unreturned += not returned


def replicate(p: LightningLiquidity, streams: Streams) -> list[Row]:
    """The same visits over every network."""
    return [
        _row(p, intent, remedy, capacity, streams)
        for intent in INTENTS
        for remedy in REMEDIES
        for capacity in p.capacities
    ]


def _row(p: LightningLiquidity, intent: str, remedy: str, capacity: int, streams: Streams) -> Row:
    from simpy import Environment

    env = Environment()
    swap = Swap(p.swap_below, p.swap_up_to, p.swap_s, p.swap_fails, p.swap_fixed, p.swap_ppm)
    network = Network(
        env,
        [Route(capacity, int(p.inbound * capacity)) for _ in range(p.routes)],
        p.hops,
        p.attempts,
        p.offline,
        swap if remedy == "swap" else None,
        streams.uniform("luck"),
        streams.exponential("lightning", lightning.TAIL_MEAN_S),
    )
    shop = _Shop(p, network, streams.exponential("think", p.think_s))
    visit = _session if intent == "session" else _charges
    sizes = visit_sizes(streams, p.requests)
    gap = streams.exponential("arrivals", 1 / p.visits_per_s)
    env.process(poisson(env, lambda size: visit(shop, size), gap, sizes, p.horizon_s))
    env.run()
    network.check()
    return {
        "intent": intent,
        "remedy": remedy,
        "capacity": capacity,
        "served_share": shop.served / max(shop.wanted, 1),
        "short_share": network.short / max(network.tried, 1),
        "latency_mean_ms": shop.latency.mean * _MS,
        "latency_p99_ms": shop.latency.quantile(0.99) * _MS,
        "fee_per_request": network.books.balances[ROUTERS] / max(shop.served, 1),
        "swap_fee_per_request": network.swap_fees / max(shop.served, 1),
        "swaps": network.swaps,
        "unreturned": shop.unreturned,
    }


def findings(result: Result) -> list[str]:
    """Who is served with how much balance, and what a swap changes."""
    said = []
    for capacity in result.parameters.capacities:
        parts = []
        for intent in INTENTS:
            alone, helped = (
                result.interval("served_share", intent, remedy, capacity) for remedy in REMEDIES
            )
            fee = result.interval("fee_per_request", intent, "swap", capacity)
            parts.append(
                f"by {intent} {alone.mean:.0%} of the requests are served without a swap, "
                f"{helped.mean:.0%} with swaps, for {fee.mean:,.0f} base units a request"
            )
        said.append(f"Channels of ${capacity / _USD:g}: {'; '.join(parts)}.")
    least = result.parameters.capacities[0]
    pair = (("charge", "none", least), ("session", "none", least))
    gained = result.difference("served_share", *pair)
    return [
        *said,
        f"In the smallest channels, sessions serve {gained.mean * 100:+.1f} of a hundred requests "
        f"against charges ({gained.low * 100:+.1f} to {gained.high * 100:+.1f}).",
    ]


def figures(result: Result) -> dict[str, Drawn]:
    """The share of the requests that is served, over the capacity."""
    from scenarios.figures.lines import Line, lines

    capacities = result.parameters.capacities
    return {
        "served": lines(
            "Who is served as balance runs out", "capacity of a channel, $", "requests served, %",
            [
                Line(f"{intent}, swaps" if remedy == "swap" else intent,
                     [one / _USD for one in capacities],
                     [result.interval("served_share", intent, remedy, one) for one in capacities],
                     dashed=remedy == "swap", colour=INTENTS.index(intent))
                for intent in INTENTS for remedy in REMEDIES
            ],
            log_y=False, scale=100,
        )
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="lightning_liquidity",
    question="How far does a merchant's Lightning balance carry charges and sessions, and what do "
    "swaps cost?",
    assumptions=(
        "Only the last channel of a route runs out; nobody else uses it.",
        "A payer does not know the balances: it tries routes in an order of chance.",
        "A session's deposit is twice what the visit spends, and the rest is paid back at its end.",
        "A swap holds its amount until the chain has confirmed it, and then costs its fee.",
        "A request that was not paid is not served, and its agent goes on with the next.",
    ),
    trust="Depletion is arithmetic on flow and capacity, both parameters. What swaps cost and how "
    "long they take is assumed; other traffic, in either direction, would change both.",
    parameters=LightningLiquidity,
    replicate=replicate,
    keys=("intent", "remedy", "capacity"),
    watched="served_share",
    findings=findings,
    figures=figures,
)
