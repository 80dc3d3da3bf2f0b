"""How large a deposit: capital that is locked against transactions for topping up (E10).

A channel is opened with a deposit for so many requests; when it is used up, the payer tops up by as
much again and the request waits for the block. What is left comes back when the channel is closed,
at once or, where the server is gone, after the grace period.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.execution.fees import MIN_BASE_FEE
from scenarios.experiment import Result, Row, Study
from scenarios.facts import tempo
from scenarios.model.arrivals import poisson, require_requests, visit_sizes
from scenarios.model.books import ESCROW, MERCHANTS, PAYERS, VALIDATORS, Books
from scenarios.model.chain import Chain
from scenarios.parameters import Counts, Parameters, known

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy import Environment

    from scenarios.figures.lines import Drawn
    from scenarios.streams import Draw, Streams

_YEAR_S: Final = 365 * 86_400
_MS: Final = 1_000


class DepositSize(Parameters):
    """Which deposits, for which visits."""

    deposits: Counts = known(
        (1, 3, 10, 30, 100, 300, 1_000), "deposits, in requests that they pay for", "chosen"
    )
    requests: int = known(30, "mean requests in a visit", "chosen", gt=0)
    price: int = known(1_000, "price of a request, base units", "/search of the paid API", gt=0)
    think_s: float = known(2.0, "mean time between requests", "chosen", ge=0)
    block_ms: float = known(500.0, "block time", "the docs' finality, E3", gt=0)
    base_fee: int = known(MIN_BASE_FEE, "base fee, atto a gas", tempo.SOURCE, gt=0)
    abandoned: float = known(
        0.02, "share of channels that the server never closes", "assumed", ge=0, le=1
    )
    grace_s: float = known(900.0, "wait of a forced close", "facts: tempo; 15 minutes", ge=0)
    capital_per_year: float = known(0.10, "cost of locked capital, a year", "assumed", ge=0)
    visits: int = known(300, "mean visits in a replication", "chosen", gt=0)


@dataclass(slots=True)
class Till:
    """What the visits of one run add up to."""

    env: Environment
    chain: Chain
    books: Books
    think: Draw
    fate: Draw
    locked_area: float = 0.0
    """Base units x seconds."""
    top_ups: int = 0
    served: int = 0
    unpaid: int = 0
    """Requests that a server answered which then was gone with their vouchers."""
    channels: int = 0


def visit(p: DepositSize, deposit: int, till: Till, requests: int) -> Generator[Any, Any, None]:
    """A channel from its opening until all of its money is free again."""
    env, timeout, books = till.env, till.env.timeout, till.books
    abandoned = till.fate() < p.abandoned
    till.channels += 1
    amount = deposit * p.price
    since, locked, left = env.now, 0, 0
    for number in range(requests):
        if left < p.price:
            gas = tempo.TOP_UP if number else tempo.OPEN
            block = till.chain.submit(env.now, gas)
            yield timeout(till.chain.wait_s(env.now, block))
            books.move(PAYERS, VALIDATORS, till.chain.fee(block, gas))
            books.move(PAYERS, ESCROW, amount)
            till.locked_area += locked * (env.now - since)
            since, locked = env.now, locked + amount
            left += amount
            till.top_ups += number > 0
        left -= p.price
        till.served += 1
        yield timeout(till.think())
    if abandoned:
        books.move(PAYERS, VALIDATORS, till.chain.fee(_block(till), tempo.REQUEST_CLOSE))
        yield timeout(p.grace_s)
    till.locked_area += locked * (env.now - since)
    if abandoned:
        # Nothing was settled, and the vouchers went with the server: all of it comes back.
        books.move(ESCROW, PAYERS, locked)
        books.move(PAYERS, VALIDATORS, till.chain.fee(_block(till), tempo.WITHDRAW))
        till.unpaid += requests
    else:
        books.move(ESCROW, PAYERS, left)
        books.move(ESCROW, MERCHANTS, locked - left)
        books.move(MERCHANTS, VALIDATORS, till.chain.fee(_block(till), tempo.CLOSE))


def _block(till: Till) -> int:
    """The block that is being sealed, for a transaction that nobody waits for."""
    return int(till.env.now / till.chain.block_time_s)


def replicate(p: DepositSize, streams: Streams) -> list[Row]:
    """Every deposit serves the same visits."""
    from simpy import Environment

    rows: list[Row] = []
    for deposit in p.deposits:
        env = Environment()
        chain = Chain(p.block_ms / _MS, p.base_fee)
        think, fate = streams.exponential("think", p.think_s), streams.uniform("fate")
        till = Till(env, chain, Books(), think, fate)
        sizes, gap = visit_sizes(streams, p.requests), streams.exponential("arrivals", 1.0)

        def begin(size: int, deposit: int = deposit, till: Till = till) -> Any:
            return visit(p, deposit, till, size)

        env.process(poisson(env, begin, gap, sizes, p.visits))
        env.run()
        till.books.check()
        require_requests(till.served)
        fees = till.books.balances[VALIDATORS] / till.served
        locked = till.locked_area / till.served
        capital = locked * p.capital_per_year / _YEAR_S
        rows.append(
            {
                "deposit": deposit,
                "fee_per_request": fees,
                "capital_per_request": capital,
                "cost_per_request": fees + capital,
                "locked_mean_per_channel": till.locked_area / (env.now * till.channels),
                "locked_unit_s_per_request": locked,
                "unpaid_share": till.unpaid / till.served,
                "top_ups_per_channel": till.top_ups / till.channels,
            }
        )
    return rows


def findings(result: Result) -> list[str]:
    """The cheapest deposit, and what the extremes cost."""
    p = result.parameters
    costs = {one: result.interval("cost_per_request", one) for one in p.deposits}
    best = min(costs, key=lambda one: costs[one].mean)
    said = [
        f"Cheapest is a deposit for {best} requests, {best / p.requests:.1f} times the mean visit: "
        f"{costs[best].mean:.2f} base units a request "
        f"({costs[best].low:.2f} to {costs[best].high:.2f})."
    ]
    for one in (p.deposits[0], p.deposits[-1]):
        capital = result.interval("capital_per_request", one)
        tops = result.interval("top_ups_per_channel", one)
        said.append(
            f"For {one} requests it costs {costs[one].mean:.2f}, of which capital "
            f"{capital.mean:.3g}, with {tops.mean:.1f} top-ups a channel."
        )
    return said


def figures(result: Result) -> dict[str, Drawn]:
    """Fees and capital over the deposit."""
    from scenarios.figures.lines import Line, lines

    deposits = result.parameters.deposits
    shown = (("fees", "fee_per_request"), ("capital", "capital_per_request"),
             ("together", "cost_per_request"))  # fmt: skip
    return {
        "deposit": lines(
            "What a deposit costs", "deposit, requests", "base units a request",
            [Line(name, deposits, [result.interval(metric, one) for one in deposits])
             for name, metric in shown],
        )
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="deposit_size",
    question="How large should a channel's deposit be: how much capital is locked, how often must "
    "it be topped up?",
    assumptions=(
        "Visits are geometric in length; a payer does not know how long its own will be.",
        "A top-up is as large as the deposit, and its request waits for the block.",
        "A server that is gone had settled nothing: the payer asks for a forced close, waits for "
        "the grace period and withdraws all of the deposit.",
        "Locked capital has a price by the year; nothing else is lost with it.",
        "No payer had a channel closed before, whose slot would make the next one cheap to open.",
    ),
    trust="Fees are the chain's receipts; the price of capital and the share of abandoned channels "
    "are assumptions, and at their default capital hardly weighs: vary them before concluding.",
    parameters=DepositSize,
    replicate=replicate,
    keys=("deposit",),
    watched="cost_per_request",
    findings=findings,
    figures=figures,
)
