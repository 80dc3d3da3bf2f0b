"""What three attempts cost on cards: every attempt issues a token, used or not (facts: stripe 3).

Released clients answer a refusal with another token. A token has a price of its own, so a declined
purchase costs its buyer three of them and gets nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scenarios.experiment import Result, Row, Study
from scenarios.facts import cards
from scenarios.model.arrivals import poisson, require_requests
from scenarios.model.books import CARDS, MERCHANTS, PAYERS, Books
from scenarios.model.tally import Tally
from scenarios.parameters import Counts, Parameters, Shares, known

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy import Environment

    from scenarios.figures.lines import Drawn
    from scenarios.streams import Streams

_USD: Final = 1_000_000


class CardRetries(Parameters):
    """Which purchases, and how cards answer."""

    attempts: Counts = known((1, 2, 3), "attempts at most", "three by default clients")
    declines: Shares = known(
        (0.0, 0.02, 0.05, 0.1, 0.2, 0.4), "share of first attempts that are declined", "chosen"
    )
    final: float = known(
        0.6, "share of declines that no attempt gets over", "assumed: funds, fraud", ge=0, le=1
    )
    price: int = known(500_000, "price, base units", "the least that a card can pay", ge=500_000)
    authorise_low_s: float = known(0.6, "fastest authorisation", "facts: stripe 3, inferred", ge=0)
    authorise_high_s: float = known(2.5, "slowest authorisation", "facts: stripe 3, inferred", ge=0)
    purchases: int = known(2_000, "mean purchases in a replication", "chosen", gt=0)


def _purchase(
    env: Environment, p: CardRetries, luck: tuple[float, ...], limits: tuple[int, float],
    books: Books, times: Tally,
) -> Generator[Any, Any, None]:  # fmt: skip
    """One purchase: `luck` is whether it is declined, whether finally, and then each attempt's.

    All of it is drawn when the buyer comes, so that every configuration meets the same buyers.
    """
    most, declines = limits
    begun = env.now
    refused = luck[0] < declines
    hopeless = refused and luck[1] < p.final
    for attempt in range(most):
        books.move(PAYERS, CARDS, cards.TOKEN)
        spread = p.authorise_high_s - p.authorise_low_s
        yield env.timeout(p.authorise_low_s + spread * luck[2 + 2 * attempt])
        if hopeless or (refused and (attempt == 0 or luck[3 + 2 * attempt] < declines)):
            continue
        fee = cards.card_fee(p.price)
        books.move(PAYERS, CARDS, fee)
        books.move(PAYERS, MERCHANTS, p.price - fee)
        break
    times.add(env.now, env.now - begun)


def replicate(p: CardRetries, streams: Streams) -> list[Row]:
    """Every configuration sells to the same buyers."""
    return [_row(p, most, declines, streams) for most in p.attempts for declines in p.declines]


def _row(p: CardRetries, most: int, declines: float, streams: Streams) -> Row:
    from simpy import Environment

    env, books, times = Environment(), Books(), Tally()
    uniform = streams.uniform("luck")
    draws = 2 + 2 * max(p.attempts)

    def begin(_size: int) -> Any:
        luck = tuple(uniform() for _ in range(draws))
        return _purchase(env, p, luck, (most, declines), books, times)

    gap = streams.exponential("arrivals", 1.0)
    env.process(poisson(env, begin, gap, lambda: 1.0, p.purchases))
    env.run()
    books.check()
    require_requests(times.count)
    fee = cards.card_fee(p.price)
    sold = books.balances[MERCHANTS] // (p.price - fee)
    tokens = (books.balances[CARDS] - sold * fee) // cards.TOKEN
    return {
        "attempts": most,
        "declines": declines,
        "success": sold / times.count,
        "tokens_per_sale": tokens / max(sold, 1),
        "token_cost_per_sale": tokens * cards.TOKEN / max(sold, 1),
        "cost_share": books.balances[CARDS] / max(sold, 1) / p.price,
        "time_mean_s": times.mean,
        "wasted_tokens": (tokens - sold) / times.count,
    }


def findings(result: Result) -> list[str]:
    """What the further attempts bought, and their price."""
    p = result.parameters
    once, often = p.attempts[0], p.attempts[-1]
    said = []
    for declines in p.declines:
        gained = result.difference("success", (once, declines), (often, declines))
        wasted = result.difference("wasted_tokens", (once, declines), (often, declines))
        share = result.interval("cost_share", often, declines)
        each = ""
        if gained.mean > 0:
            price = wasted.mean * cards.TOKEN / gained.mean / _USD
            each = f", ${price:.2f} of wasted tokens for each sale more"
        said.append(
            f"{declines:.0%} declined: {often} attempts sell {gained.mean * 100:.2f} more in a "
            f"hundred than {once} ({gained.low * 100:.2f} to {gained.high * 100:.2f}){each}; "
            f"fees and tokens are {share.mean:.0%} of the price."
        )
    return said


def figures(result: Result) -> dict[str, Drawn]:
    """Token cost of a sale over the share of declines."""
    from scenarios.figures.lines import Line, lines

    p = result.parameters
    at = [one * 100 for one in p.declines]
    return {
        "tokens": lines(
            "What tokens cost a sale", "first attempts declined, %", "tokens, cents a sale",
            [
                Line(f"{most} attempts" if most > 1 else "1 attempt", at,
                     [result.interval("token_cost_per_sale", most, one) for one in p.declines])
                for most in p.attempts
            ],
            log_x=False, log_y=False, scale=1 / cards.CENT,
        )
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="card_retries",
    question="What do three attempts cost on cards, and what do they sell?",
    assumptions=(
        "An attempt issues a token and then asks for an authorisation; a token is never reused.",
        "Some declines are final; the others are drawn anew for each attempt.",
        "An authorisation takes anything between its bounds alike.",
    ),
    trust="The fee is the rail's own function. The token's price has one source, and the share of "
    "final declines is an assumption: the sign is safe, the size is not.",
    parameters=CardRetries,
    replicate=replicate,
    keys=("attempts", "declines"),
    watched="tokens_per_sale",
    findings=findings,
    figures=figures,
)
