"""How many tokens a voucher should be for, when a language model streams (facts: protocol E11).

The server sends tokens while the channel's authorised amount covers them; when it does not, it says
`need-voucher` and waits. A client that pays ahead sends the next voucher when half of the last one
is used up, and stalls only if the network is slower than that half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scenarios.calibrate import DEFAULT, profile
from scenarios.experiment import Result, Row, Study
from scenarios.model.arrivals import token_gaps
from scenarios.parameters import Counts, Parameters, SizesOrNone, known

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy import Environment

    from scenarios.figures.lines import Drawn
    from scenarios.streams import Draw, Streams

_MS: Final = 1_000
POLICIES: Final = ("when asked", "ahead")


class VoucherStep(Parameters):
    """Which steps, for which stream and network."""

    steps: Counts = known(
        (1, 3, 10, 30, 100, 300), "tokens that one voucher pays for", "chosen; E11: 1 to 100"
    )
    rtt_ms: SizesOrNone = known((10.0, 50.0, 200.0), "network round trips", "E11: 0-200")
    tokens_per_s: float = known(50.0, "tokens a second of the model", "E11: 1-200", gt=0)
    spread: float = known(0.5, "relative spread of the gaps between tokens", "assumed", gt=0)
    price: int = known(100, "price of a token, base units", "/complete of the paid API", gt=0)
    tokens: int = known(1_500, "tokens of a stream", "chosen", gt=0)
    timing: str = known(DEFAULT, "profile of service times: a name or a file", "facts/profiles")


class _Stream:
    """One stream: what is authorised, what was sent, and how long it stood still."""

    def __init__(self, env: Environment, p: VoucherStep, step: int, round_trip_s: Draw) -> None:
        self.env = env
        self.step = step
        self.tokens = p.tokens
        self.round_trip_s = round_trip_s
        self.authorised = 0
        self.asked = 0
        self.vouchers = 0
        self.stalled_s = 0.0
        self.stalls = 0
        self.arrived = env.event()

    def ask(self) -> None:
        """Have the client send the next voucher; it comes a round trip and a check later."""
        self.asked += self.step
        self.vouchers += 1
        self.env.process(self._bring())

    def _bring(self) -> Generator[Any, Any, None]:
        yield self.env.timeout(self.round_trip_s())
        self.authorised += self.step
        self.arrived.succeed()
        self.arrived = self.env.event()

    def run(self, gap: Draw, margin: int) -> Generator[Any, Any, None]:
        """Send all tokens; the next voucher is asked for when only `margin` are left."""
        env = self.env
        for sent in range(self.tokens):
            if sent + margin >= self.asked:
                self.ask()
            if sent >= self.authorised:
                begun = env.now
                self.stalls += sent > 0
                while sent >= self.authorised:
                    yield self.arrived
                self.stalled_s += (env.now - begun) if sent else 0.0
            yield env.timeout(gap())


def replicate(p: VoucherStep, streams: Streams) -> list[Row]:
    """The same tokens for every step, network and policy."""
    return [
        _row(p, policy, rtt_ms, step, streams)
        for policy in POLICIES
        for rtt_ms in p.rtt_ms
        for step in p.steps
    ]


def _row(p: VoucherStep, policy: str, rtt_ms: float, step: int, streams: Streams) -> Row:
    from simpy import Environment

    env = Environment()
    check = streams.draw("check", profile(p.timing)["gate_voucher"].sampler())
    stream = _Stream(env, p, step, lambda: rtt_ms / _MS + check())
    gap = token_gaps(streams, p.tokens_per_s, p.spread)
    env.process(stream.run(gap, step // 2 if policy == "ahead" else 0))
    env.run()
    return {
        "policy": policy,
        "rtt_ms": rtt_ms,
        "step": step,
        "stalled_share": stream.stalled_s / env.now,
        "tokens_per_s": p.tokens / env.now,
        "stalls_per_1000": stream.stalls * 1_000 / p.tokens,
        "vouchers_per_1000": stream.vouchers * 1_000 / p.tokens,
        "ahead_base_units": step * p.price,
    }


def findings(result: Result) -> list[str]:
    """The smallest step that hardly stalls, for each network and policy."""
    p = result.parameters
    said = []
    for policy in POLICIES:
        for rtt_ms in p.rtt_ms:
            shares = {
                step: result.interval("stalled_share", policy, rtt_ms, step).mean
                for step in p.steps
            }
            smooth = next((step for step, share in shares.items() if share < 0.01), None)
            text = "no step does" if smooth is None else f"a step of {smooth} tokens does"
            said.append(
                f"Voucher {policy}, {rtt_ms:g} ms: to stand still for less than 1 % of the time, "
                f"{text}; with {p.steps[0]} it is {shares[p.steps[0]]:.0%}."
            )
    return said


def figures(result: Result) -> dict[str, Drawn]:
    """The share of the time that a stream stands still, over the step."""
    from scenarios.figures.lines import Line, lines

    p = result.parameters
    return {
        "stall": lines(
            "How long a stream waits for vouchers", "tokens that a voucher pays for",
            "time spent waiting, %",
            [
                Line(f"{policy}, {rtt_ms:g} ms", p.steps,
                     [result.interval("stalled_share", policy, rtt_ms, one) for one in p.steps],
                     dashed=policy == "ahead", colour=p.rtt_ms.index(rtt_ms))
                for policy in POLICIES for rtt_ms in p.rtt_ms
            ],
            log_y=False, scale=100,
        )
    }  # fmt: skip


STUDY: Final[Any] = Study(
    name="voucher_step",
    question="How many tokens should a voucher pay for, so that a stream does not wait for its "
    "client?",
    assumptions=(
        "The model makes a token only after the one before was sent: a stall is never caught up.",
        "A voucher takes one round trip and one check; none is lost.",
        "The first voucher, which opens the stream, is not counted as a stall.",
    ),
    trust="The stall is arithmetic on the round trip and the token rate, both parameters; the "
    "spread of a model's gaps is assumed and matters only near the crossing.",
    parameters=VoucherStep,
    replicate=replicate,
    keys=("policy", "rtt_ms", "step"),
    watched="tokens_per_s",
    findings=findings,
    figures=figures,
)
