"""Runs a job of `pay` and writes what came of it, for people and for programs."""

from __future__ import annotations

import base64
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson
import typer

from mock_rails.core.errors import SandboxError
from mock_rails.server import run
from sandbox.cli import channel_text, session_text
from sandbox.cli.inspect import tokens_of
from sandbox.cli.paying import (
    CODES,
    open_till,
    outcome_of,
    pay_many,
    read_stream,
    reason_of,
    worst,
)
from sandbox.cli.session_text import SAT, session_lines
from sandbox.cli.writing import latency, money, paint, say, shorten, show_json
from sandbox.streaming.events import DONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sandbox.cli.paying import Job, Result, Till
    from sandbox.cli.tally import Tally
    from sandbox.client.outcome import PaymentMade

_INTERRUPTED: Final = 130


def run_job(job: Job, info: dict[str, Any], *, stream: bool, json: bool) -> int:
    """Do it; the exit code."""
    codes: list[int] = []
    tokens = tokens_of(info)
    work = _stream if stream else _one if job.requests == 1 else _many
    try:
        run(work(job, tokens, json, codes))
    except KeyboardInterrupt:
        say("mpp-sandbox: interrupted")
        return _INTERRUPTED
    except (SandboxError, httpx.TransportError) as error:
        if json and not codes:
            show_json({"outcome": outcome_of(error), "url": job.url, "reason": reason_of(error)})
        say(paint(f"mpp-sandbox: {reason_of(error)}", "red"))
        return CODES[outcome_of(error)]
    return codes[0]


# -- one request ----------------------------------------------------------------------------------


async def _one(job: Job, tokens: Mapping[str, str], json: bool, codes: list[int]) -> None:
    async with open_till(job) as till:
        result = await till.request()
    codes.append(_code(till, result.outcome))
    fees = await till.fees()
    if json:
        show_json(_result_json(till, result, fees))
    else:
        if result.response is not None:
            _write_body(result.response)
        _say_payment(till, result, tokens, fees)
    if result.reason is not None:
        say(paint(f"mpp-sandbox: {result.reason}", "red"))


def _result_json(till: Till, result: Result, fees: dict[str, int] | None) -> dict[str, Any]:
    response, made = result.response, result.payment
    document: dict[str, Any] = {
        "outcome": result.outcome,
        "url": till.job.url,
        "status": None if response is None else response.status_code,
        "reason": result.reason,
        "spent": str(till.spent),
        "spent_by_card": {name: str(amount) for name, amount in till.by_card.items()},
        "spent_sat": str(till.sats),
        "elapsed_us": result.elapsed_us,
        "payment": made and _payment_json(made),
        "transactions": till.transactions,
        "fees": fees and {who: str(fee) for who, fee in fees.items()},
    }
    if response is not None:
        document |= _body_json(response)
    return document


def _payment_json(made: PaymentMade) -> dict[str, Any]:
    return {
        "method": made.method,
        "challenge": made.challenge_id,
        "amount": made.request.get("amount"),
        "currency": made.request.get("currency"),
        "channel": made.channel_id,
        "receipt": made.receipt,
    }


def _body_json(response: httpx.Response) -> dict[str, Any]:
    kind = response.headers.get("content-type", "")
    if "json" in kind:
        try:
            return {"body": orjson.loads(response.content)}
        except orjson.JSONDecodeError:
            pass
    try:
        return {"body": response.content.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(response.content).decode()}


def _write_body(response: httpx.Response) -> None:
    sys.stdout.buffer.write(response.content)
    if response.content and not response.content.endswith(b"\n") and sys.stdout.isatty():
        sys.stdout.buffer.write(b"\n")
    sys.stdout.flush()


def _say_payment(
    till: Till, result: Result, tokens: Mapping[str, str], fees: dict[str, int] | None
) -> None:
    if result.outcome == "free":
        say(f"Nothing was to be paid. {latency(till.wire.waited_us)}")
        return
    made = result.payment
    if made is not None:
        say(_paid_line(till, made, tokens, till.wire.waited_us))
        elsewhere = (*_at_stripe(made), *_over_lightning(till, made))
        for line in (*elsewhere, *_on_chain(till, fees), *channel_lines(till)):
            say(line)
        if till.job.is_devnets:
            say(f"Look at it: mpp-sandbox inspect {made.challenge_id[:12]}")


def _paid_line(till: Till, made: PaymentMade, tokens: Mapping[str, str], elapsed_us: int) -> str:
    currency = str(made.request.get("currency"))
    spent = till.sats if currency == SAT else till.by_card.get(currency.lower(), till.spent)
    amount = money(spent, currency, tokens or None)
    return f"{paint('Paid', 'green')} {amount} by {made.method} in {latency(elapsed_us)}."


def _at_stripe(made: PaymentMade) -> Iterator[str]:
    if made.method == "stripe/charge" and made.reference is not None:
        yield f"PaymentIntent {made.reference}"


def _over_lightning(till: Till, made: PaymentMade) -> Iterator[str]:
    if made.method == "lightning/charge" and made.reference is not None:
        fee = till.client.lightning_ledger.tally().spent - till.sats
        yield f"Payment {made.reference}, routed for {money(fee, SAT)}"


def _on_chain(till: Till, fees: dict[str, int] | None) -> Iterator[str]:
    for one in till.transactions:
        yield f"Transaction {one}"
    if fees:
        shown = ", ".join(f"{money(fee)} paid by {who}" for who, fee in fees.items())
        yield f"Fees {shown}"


def channel_lines(till: Till) -> Iterator[str]:
    """The channels that were paid by, as the client remembers them, and why they stay open."""
    for one in till.channels():
        name = shorten(f"0x{one.id.hex()}")
        if one.state.value == "closed":
            captured = one.captured or 0
            back = money(one.deposit - captured)
            yield f"Channel {name}: closed; {money(captured)} captured, {back} back."
        else:
            told = f"{money(one.spent)} of {money(one.deposit)} is spent; it stays"
            yield f"Channel {name}: {told} {one.state.value}."
    yield from session_lines(till.sessions())
    for error in till.troubles:
        yield paint(f"mpp-sandbox: {reason_of(error)}", "red")


def _code(till: Till, *outcomes: str) -> int:
    """The exit code; a channel that should have been closed and was not is a failure too."""
    return worst([*outcomes, *map(outcome_of, till.troubles)])


# -- many requests --------------------------------------------------------------------------------


async def _many(job: Job, tokens: Mapping[str, str], json: bool, codes: list[int]) -> None:
    async with open_till(job) as till:
        with _progress(job) as advance:
            tally = await pay_many(till, advance)
    tally.spent = till.spent
    tally.transactions = len(till.transactions)
    tally.fees = await till.fees()
    codes.append(_code(till, *tally.outcomes))
    if tally.requests < job.requests:
        codes[0] = max(codes[0], 1)
    if json:
        show_json({"url": job.url, **tally.to_json()})
        return
    for line in (*tally.lines(), *channel_lines(till)):
        typer.echo(line)
    if tally.requests < job.requests:
        say(f"{job.requests - tally.requests} were not sent.")


@contextmanager
def _progress(job: Job) -> Iterator[Callable[[Tally], None]]:
    """A bar on stderr, where that is a terminal that nothing else is written to."""
    if job.show is not None or not sys.stderr.isatty():
        yield lambda tally: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=job.requests)

        def advance(tally: Tally) -> None:
            bad = sum(count for name, count in tally.outcomes.items() if CODES[name])
            failures = f", {bad} not paid" if bad else ""
            told = f"{tally.per_s}/s  {tally.paid} spent{failures}"
            bar.update(task, completed=tally.requests, description=told)

        yield advance


# -- a stream -------------------------------------------------------------------------------------


async def _stream(job: Job, tokens: Mapping[str, str], json: bool, codes: list[int]) -> None:
    count = 0

    def each(data: str) -> None:
        nonlocal count
        count += data != DONE
        if json:
            show_json({"data": data})
        else:
            typer.echo(_readable(data), nl=False)
            sys.stdout.flush()

    receipt, failure = None, None
    async with open_till(job) as till:
        begun_ns = till.clock.monotonic_ns()
        try:
            receipt = await read_stream(till, each)
        except (SandboxError, httpx.TransportError) as error:
            failure = error
        elapsed_us = (till.clock.monotonic_ns() - begun_ns) // 1_000
    if json:
        document = _stream_json(till, receipt, failure)
        show_json({**document, "messages": count, "elapsed_us": elapsed_us})
    else:
        if count or failure is None:
            typer.echo()
            amount = money(till.sats, SAT) if till.sats else money(till.spent)
            paid = f"{paint('Paid', 'green')} {amount} for" if receipt else "Read"
            say(f"{paid} {count} messages in {latency(elapsed_us)}.")
        fees = await till.fees()
        for line in (*_on_chain(till, fees), *channel_lines(till)):
            say(line)
    codes.append(_code(till))
    if failure is not None:
        raise failure


def _stream_json(
    till: Till, receipt: dict[str, Any] | None, failure: Exception | None
) -> dict[str, Any]:
    """How a stream ended. One that broke off says what is left of what was paid in, too."""
    document: dict[str, Any] = {"url": till.job.url, "transactions": till.transactions}
    if failure is not None:
        document |= {"outcome": outcome_of(failure), "reason": reason_of(failure)}
    else:
        spent = {"spent": str(till.spent), "spent_sat": str(till.sats)}
        document |= {"outcome": "paid" if receipt else "free", "receipt": receipt, **spent}
    deposits = [channel_text.deposit_json(one) for one in till.channels()]
    deposits += [session_text.deposit_json(one) for one in till.sessions()]
    return {**document, "deposits": deposits}


def _readable(data: str) -> str:
    """What people want of a message: a completion's next words, or else the data on a line."""
    if data == DONE:
        return ""
    try:
        chunk = orjson.loads(data)
        text = chunk["choices"][0]["delta"].get("content", "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"{data}\n"
    return text if isinstance(text, str) else f"{data}\n"
