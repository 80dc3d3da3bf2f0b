"""What a spike of the base fee costs, by charge and by session (facts: protocol 6, E18; tempo 4.4).

Others fill the chain's blocks for a while. The base fee climbs by an eighth a block until its cap,
and falls again when they leave; who had a channel open pays nothing meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scenarios.experiment import Result, Row, Study
from scenarios.facts import tempo
from scenarios.model.arrivals import poisson, visit_sizes
from scenarios.model.chain import BLOCK_GAS, Chain
from scenarios.parameters import Parameters, known

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy import Environment

    from scenarios.figures.lines import Drawn
    from scenarios.streams import Draw, Streams

_MS: Final = 1_000
_PHASES: Final = ("before", "spike", "after")
_INTENTS: Final = ("charge", "session")


class FeeSpike(Parameters):
    """How long the spike is and how high, and who pays through it."""

    spike_s: float = known(
        120.0, "length of the spike; before and after it as much", "chosen", gt=0
    )
    others_gas: int = known(
        20_000_000, "gas of others in a block of the spike", "twice the target of TIP-1067", ge=0
    )
    quiet_gas: int = known(1_000_000, "gas of others in any other block", "chosen", ge=0)
    block_ms: float = known(500.0, "block time", "the docs' finality, E3", gt=0)
    requests: int = known(30, "mean requests in a visit", "chosen", gt=0)
    think_s: float = known(2.0, "mean time between requests", "chosen", ge=0)
    visits_per_s: float = known(1.0, "visits that begin in a second", "chosen", gt=0)


@dataclass(slots=True)
class _Purse:
    env: Environment
    chain: Chain
    think: Draw
    spike_s: float
    fees: list[int]
    requests: list[int]
    dearest: int = 0

    def phase(self) -> int:
        """Before, in or after the spike."""
        return min(int(self.env.now / self.spike_s), 2)

    def send(self, gas: int) -> Generator[Any, Any, None]:
        """A transaction, paid in the block that takes it, counted where it was sent."""
        phase = self.phase()
        block = self.chain.submit(self.env.now, gas)
        yield self.env.timeout(self.chain.wait_s(self.env.now, block))
        fee = self.chain.fee(block, gas)
        self.fees[phase] += fee
        self.dearest = max(self.dearest, self.chain.base_fee)


def _charges(purse: _Purse, requests: int) -> Generator[Any, Any, None]:
    for _ in range(requests):
        purse.requests[purse.phase()] += 1
        yield from purse.send(tempo.CHARGE)
        yield purse.env.timeout(purse.think())


def _session(purse: _Purse, requests: int) -> Generator[Any, Any, None]:
    yield from purse.send(tempo.OPEN)
    for _ in range(requests):
        purse.requests[purse.phase()] += 1
        yield purse.env.timeout(purse.think())
    yield from purse.send(tempo.CLOSE)


def replicate(p: FeeSpike, streams: Streams) -> list[Row]:
    """The same visits by charge and by session; one row for each phase."""
    from simpy import Environment

    first = p.spike_s / (p.block_ms / _MS)

    def others(block: int) -> int:
        return p.others_gas if first <= block < 2 * first else p.quiet_gas

    rows: list[Row] = []
    for intent, visit in zip(_INTENTS, (_charges, _session), strict=True):
        env = Environment()
        chain = Chain(p.block_ms / _MS, others_gas=others, block_gas=BLOCK_GAS)
        think = streams.exponential("think", p.think_s)
        purse = _Purse(env, chain, think, p.spike_s, [0, 0, 0], [0, 0, 0])
        sizes = visit_sizes(streams, p.requests)
        gap = streams.exponential("arrivals", 1 / p.visits_per_s)

        def begin(size: int, visit: Any = visit, purse: _Purse = purse) -> Any:
            return visit(purse, size)

        env.process(poisson(env, begin, gap, sizes, 3 * p.spike_s))
        env.run()
        rows += [
            {
                "intent": intent,
                "phase": phase,
                "fee_per_request": purse.fees[number] / max(purse.requests[number], 1),
                "requests_made": purse.requests[number],
                "dearest_base_fee": purse.dearest,
            }
            for number, phase in enumerate(_PHASES)
        ]
    return rows


def findings(result: Result) -> list[str]:
    """How much dearer a request becomes in the spike."""
    said = []
    for intent in _INTENTS:
        fees = [result.interval("fee_per_request", intent, phase) for phase in _PHASES]
        said.append(
            f"{intent}: {fees[0].mean:.1f} base units a request before, {fees[1].mean:.1f} in the "
            f"spike ({fees[1].low:.1f} to {fees[1].high:.1f}), {fees[2].mean:.1f} after."
        )
    saved = result.difference("fee_per_request", ("session", "spike"), ("charge", "spike"))
    dearest = result.interval("dearest_base_fee", "charge", "spike")
    return [
        *said,
        f"In the spike, with a base fee of up to {dearest.mean / 1e9:.1f}e9, a charge costs "
        f"{saved.mean:.0f} base units more than a session's request "
        f"({saved.low:.0f} to {saved.high:.0f}).",
    ]


def figures(result: Result) -> dict[str, Drawn]:
    """The fee of a request in the three phases."""
    from scenarios.figures.lines import Line, lines

    at = (1, 2, 3)
    return {
        "spike": lines(
            "What a fee spike does", "when the request was made",
            "fee per request, base units",
            [Line(one, at, [result.interval("fee_per_request", one, phase) for phase in _PHASES])
             for one in _INTENTS],
            log_x=False,
            names=_PHASES,
        )
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="fee_spike",
    question="What does a spike of the base fee cost, by charge and by session?",
    assumptions=(
        "Others fill the blocks with the same gas throughout; the payers do not hold back.",
        "The base fee moves by the chain's own rule; every payer pays it without a tip.",
        "A session that ends in the spike closes in it, instead of waiting for calm.",
        "No payer had a channel closed before, whose slot would make the next one cheap to open.",
    ),
    trust="The price's path is the rail's own function. That nobody holds back overstates the "
    "cost; a merchant may settle later and then pays what a session pays outside the spike.",
    parameters=FeeSpike,
    replicate=replicate,
    keys=("intent", "phase"),
    watched="fee_per_request",
    findings=findings,
    figures=figures,
)
