"""Who comes when: open arrivals, arrivals from a trace, and the tokens of a stream (style 4.2)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_rails.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from simpy import Environment

    from scenarios.streams import Draw, Streams

    Visit = Callable[[int], Generator[Any, Any, None]]


def poisson(
    env: Environment, visit: Visit, gap: Draw, size: Draw, until_s: float
) -> Generator[Any, Any, None]:
    """Visits at exponential gaps until a time; each is given its size when it arrives."""
    timeout, process = env.timeout, env.process
    while True:
        yield timeout(gap())
        if env.now >= until_s:
            return
        process(visit(int(size())))


def trace(
    env: Environment, visit: Visit, arrivals: Iterable[tuple[float, int]]
) -> Generator[Any, Any, None]:
    """Visits at recorded times, in seconds from the beginning, with their recorded sizes."""
    for at_s, size in arrivals:
        if at_s < env.now:
            raise BadInput(f"A trace goes back in time at {at_s:g} s.")
        yield env.timeout(at_s - env.now)
        env.process(visit(size))


def read_trace(file: str, size: Draw) -> Iterator[tuple[float, int]]:
    """Arrivals from a CSV file, a line each: seconds from the beginning, and how many requests.

    Where a line says no number, it is drawn. A first line that is no number is a heading. The file
    is read as it is played, so a long one needs no memory.
    """
    try:
        with Path(file).open(encoding="utf-8", newline="") as lines:
            for number, fields in enumerate(csv.reader(lines), start=1):
                if number == 1 and fields and not _is_number(fields[0]):
                    continue
                if fields:
                    yield _arrival(file, number, fields, size)
    except OSError as error:
        raise BadInput(f"Cannot read the trace {file}: {error.strerror}.") from None


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdecimal()


def _arrival(file: str, number: int, fields: Sequence[str], size: Draw) -> tuple[float, int]:
    at, many = fields[0].strip(), fields[1].strip() if len(fields) > 1 else ""
    if not _is_number(at) or (many and not (many.isdecimal() and int(many))):
        raise BadInput(f"{file}, line {number}: no arrival.", hint="Write seconds,requests.")
    return float(at), int(many or size())


def require_requests(count: int) -> None:
    """Refuse a run in which nobody asked for anything: no mean can be told of it."""
    if not count:
        raise BadInput(
            "Nobody came in one of the runs.", hint="Make it longer, or let more visits begin."
        )


def visit_sizes(streams: Streams, mean: int) -> Draw:
    """How many requests a visit has: geometric, at least one; no memory, so any may be the last."""
    return streams.draw("visits", lambda generator, size: generator.geometric(1 / mean, size))


def token_gaps(streams: Streams, tokens_per_s: float, spread: float) -> Draw:
    """The gaps between the tokens of a language model: gamma, `spread` is their relative spread.

    1 is a Poisson stream, 0.3 a steady decoder; bursts of several tokens are above 1.
    """
    shape = spread**-2
    scale = 1 / (tokens_per_s * shape)
    return streams.draw("tokens", lambda generator, size: generator.gamma(shape, scale, size))


def zipf_clients(streams: Streams, weights: Sequence[float]) -> Draw:
    """Which service a client asks next, by the services' popularity."""
    return streams.draw(
        "services", lambda generator, size: generator.choice(len(weights), size, p=weights)
    )
