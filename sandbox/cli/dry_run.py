"""`pay --dry-run`: asks, reads what the answer wants, and shows what would be paid, and how."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import typer

from mock_rails.core.errors import SandboxError
from mock_rails.server import run
from sandbox.cli.inspect import tokens_of
from sandbox.cli.paying import CODES, open_till, outcome_of, reason_of
from sandbox.cli.writing import money, paint, say, show_json
from sandbox.client.amounts import host_of
from sandbox.client.budget import Payment
from sandbox.client.cards import CardPayer
from sandbox.client.errors import PaymentRefusedError
from sandbox.client.payer import Order
from sandbox.client.selection import Choice, accept_payment, payable, read_challenges

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.cli.paying import Job, Till


def show_plan(job: Job, info: Mapping[str, Any], *, json: bool) -> int:
    """Show what `pay` would do; the exit code: 0 if it would pay, 1 if it would not."""
    codes: list[int] = []
    try:
        run(_plan(job, tokens_of(dict(info)), json, codes))
    except (SandboxError, httpx.TransportError) as error:
        say(paint(f"mpp-sandbox: {reason_of(error)}", "red"))
        return CODES[outcome_of(error)]
    return codes[0]


async def _plan(job: Job, tokens: Mapping[str, str], json: bool, codes: list[int]) -> None:
    async with open_till(job) as till, httpx.AsyncClient(transport=till.wire) as http:
        accepts = ("accept-payment", accept_payment(till.client.payers))
        answer = await http.request(
            job.method, job.url, headers=[accepts, *job.headers], content=job.body
        )
        if answer.status_code != httpx.codes.PAYMENT_REQUIRED:
            codes.append(0)
            _show({"status": answer.status_code, "would": []}, tokens, json)
            return
        order = Order(url=job.url, method=job.method, host=host_of(job.url))
        choices = payable(read_challenges(answer).challenges, till.client.payers)
        plans = [_planned(till, one, order) for one in choices]
    codes.append(0 if any("refused" not in one for one in plans) else 1)
    _show({"status": answer.status_code, "would": plans}, tokens, json)


def _planned(till: Till, choice: Choice, order: Order) -> dict[str, Any]:
    """One way to pay, best first, and what the budget says to it."""
    challenge, payer = choice
    plan: dict[str, Any] = {
        "method": payer.name,
        "challenge": challenge.id,
        "amount": challenge.request.get("amount"),
        "currency": challenge.request.get("currency"),
    }
    ledger = till.client.ledger
    if isinstance(payer, CardPayer):
        ledger = till.client.card_ledger
    elif payer.name.startswith("lightning/"):
        ledger = till.client.lightning_ledger
    try:
        payment = Payment(
            int(challenge.request["amount"]),
            currency=challenge.request["currency"],
            host=order.host,
            recipient=challenge.request.get("recipient"),
        )
        ledger.release(ledger.reserve(payment))
    except PaymentRefusedError as refusal:
        plan["refused"] = reason_of(refusal)
        return plan
    return plan | payer.preview(challenge) if isinstance(payer, CardPayer) else plan


def _show(document: dict[str, Any], tokens: Mapping[str, str], json: bool) -> None:
    if json:
        show_json(document)
        return
    for line in _lines(document, tokens):
        typer.echo(line)


def _lines(document: Mapping[str, Any], tokens: Mapping[str, str]) -> Iterator[str]:
    plans = document["would"]
    if document["status"] != httpx.codes.PAYMENT_REQUIRED:
        yield f"Nothing is to be paid: it answers {document['status']}."
        return
    if not plans:
        yield "It asks for a payment that nothing here can make."
    is_first = True
    for plan in plans:
        amount = str(plan["amount"])
        with suppress(ValueError):
            amount = money(int(amount), plan["currency"], tokens or None)
        if "refused" in plan:
            yield f"Would not pay {amount} by {plan['method']}: {plan['refused']}"
            continue
        word = "Would pay" if is_first else "Else"
        yield f"{word} {amount} by {plan['method']}, for the challenge {plan['challenge']}."
        is_first = False
        if "form" in plan:
            yield f"  POST {plan['post']}"
            yield from (f"    {name}={value}" for name, value in plan["form"].items())
