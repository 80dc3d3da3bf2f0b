"""Paying into a session: its first deposit, and further ones (facts: lightning 2.2-2.4).

The server names the amount. What the budget and the settings do not allow is refused before
anything is paid, and what was paid and not acknowledged is said again before anything else is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.client.errors import OutcomeUnknownError, PaymentNotPreparedError
from sandbox.client.lightning.cashier import unknown_outcome
from sandbox.client.lightning.errors import (
    DepositRefusedError,
    LightningPaymentFailedError,
    TopUpFailedError,
)
from sandbox.client.lightning.reading import SESSION, read_deposit, read_session
from sandbox.client.lightning.record import PendingTopUp, SessionRecord, State, place_of
from sandbox.client.lightning.session.live import Live
from sandbox.client.lightning.session.wire import problem_of
from sandbox.lightning.node import NodeError
from sandbox.methods.lightning_session import TopUp, check_return_invoice

if TYPE_CHECKING:
    from mpp import Challenge

    from sandbox.client.lightning.session.lane import Lane
    from sandbox.client.lightning.session.live import Services
    from sandbox.client.payer import Order
    from sandbox.lightning.node import MadeInvoice
    from sandbox.methods.lightning_session import SessionRequest

_MEMO = "Session refund"


async def open_session(
    services: Services, lane: Lane, challenge: Challenge, request: SessionRequest, order: Order
) -> None:
    """Pay the first deposit; the lane's session is then paid, and not yet shown to the server."""
    wallet, clock = services.wallet, services.clock
    invoice = read_deposit(request, network=wallet.network, clock=clock)
    check_limit(services, request.deposit_sat, 0)
    session_id = invoice.payment_hash
    debit = services.cashier.reserve(
        invoice,
        host=order.host,
        evidence=evidence_of(session_id),
        session=session_id.hex(),
        price_sat=request.amount_sat,
    )
    try:
        returning = await _return_invoice(services)
        record = SessionRecord(
            id=session_id,
            host=order.host,
            realm=challenge.realm,
            url=order.url,
            place=place_of(order),
            challenge=challenge.to_echo(),
            return_invoice=returning.bolt11,
            return_hash=returning.payment_hash,
            return_ends_s=clock.now_s() + services.settings.return_expiry_s,
            deposit_sat=request.deposit_sat,
            opened_at_s=clock.now_s(),
        )
        services.book.save(record)
    except BaseException:
        services.ledger.release(debit.reservation)
        raise
    live = Live(services, record)
    live.outlay.debits.append(debit)
    lane.session = live
    try:
        await services.cashier.pay(debit, invoice)
    except LightningPaymentFailedError:
        forget(lane, live)
        raise
    live.save(state=State.PAID)


def forget(lane: Lane, live: Live) -> None:
    """Its first deposit was not paid, by all that the node knows: there is no session."""
    live.outlay.debits.clear()
    live.save(state=State.CLOSED, received_sat=0)
    if lane.session is live:
        lane.session = None


async def top_up(services: Services, live: Live, url: str, *, seen: int) -> None:
    """Make the deposit grow, unless it has since `seen` further deposits were counted."""
    async with live.funding:
        if live.top_ups != seen or not live.is_sure:
            return
        if live.record.top_up is None:
            await _pay_top_up(services, live, url)
        await _hand_over(services, live)


async def finish_top_up(services: Services, live: Live) -> None:
    """Show the server a further deposit that was begun, if there is one: what is not credited does
    not come back. Raises `OutcomeUnknownError` while nobody knows what came of it."""
    async with live.funding:
        if live.record.top_up is None:
            return
        try:
            await _hand_over(services, live)
        except (LightningPaymentFailedError, TopUpFailedError):
            return
        except OutcomeUnknownError as unknown:
            if not unknown.paid:
                raise


def check_limit(services: Services, deposit_sat: int, held_sat: int) -> None:
    """Raise if a deposit makes a session hold more than the settings allow."""
    limit = services.settings.max_deposit_sat
    if limit is not None and held_sat + deposit_sat > limit:
        raise DepositRefusedError(
            f"The server asks for a deposit of {deposit_sat} sat; a session may be paid {limit},"
            f" and {held_sat} are in it.",
            hint="Raise max_deposit_sat if that is meant to be paid.",
            details={"deposit": deposit_sat, "held": held_sat, "limit": limit},
        )


def evidence_of(session_id: bytes) -> dict[str, Any]:
    """What the ledger notes of a deposit besides its hash and amount."""
    return {"method": SESSION, "session": session_id.hex()}


async def _return_invoice(services: Services) -> MadeInvoice:
    """Where the rest goes: without an amount, for a month (facts: 2.3)."""
    try:
        made = await services.wallet.node.create_invoice(
            amount_sat=None, memo=_MEMO, expiry_s=services.settings.return_expiry_s
        )
    except NodeError as error:
        raise PaymentNotPreparedError(
            f"There is no invoice for what is to come back: {error.detail}",
            hint="Nothing was paid.",
        ) from error
    check_return_invoice(made.bolt11, network=services.wallet.network, now_s=services.clock.now_s())
    return made


async def _pay_top_up(services: Services, live: Live, url: str) -> None:
    record, wallet = live.record, services.wallet
    asked = await services.wire.challenge(url, record.realm)
    request = read_session(asked.challenge, network=wallet.network, clock=services.clock)
    invoice = read_deposit(request, network=wallet.network, clock=services.clock)
    check_limit(services, request.deposit_sat, record.deposit_sat)
    debit = services.cashier.reserve(
        invoice,
        host=record.host,
        evidence=evidence_of(record.id),
        session=record.id.hex(),
        price_sat=request.amount_sat,
    )
    pending = PendingTopUp(
        invoice.payment_hash,
        request.deposit_sat,
        asked.challenge.to_echo(),
        url,
        asked.verb,
    )
    live.outlay.debits.append(debit)
    live.save(top_up=pending)
    try:
        await services.cashier.pay(debit, invoice)
    except LightningPaymentFailedError:
        live.outlay.drop(debit)
        live.save(top_up=None)
        raise


async def _hand_over(services: Services, live: Live) -> None:
    """Show the server what was paid; it credits it once, however often it is shown."""
    pending = live.record.top_up
    if pending is None:
        raise AssertionError("what is handed over was paid")
    try:
        preimage = await live.proof_of(pending.payment_hash)
    except LightningPaymentFailedError:
        debit = live.outlay.debit(pending.payment_hash)
        if debit is not None:
            live.outlay.drop(debit)
        live.save(top_up=None)
        raise
    answer = await services.wire.tell(
        pending.url, pending.verb, pending.challenge, TopUp(live.record.id, preimage)
    )
    if not answer.is_success:
        live.save(top_up=None)  # what it was worth, the close shows
        debit = live.outlay.debit(pending.payment_hash)
        words = f"The server answered HTTP {answer.status_code} to a deposit that was paid."
        if debit is None:
            raise TopUpFailedError(words, details={"problem": problem_of(answer)})
        raise unknown_outcome(debit, words, paid=True, problem=problem_of(answer))
    live.top_ups += 1
    live.save(top_up=None, deposit_sat=live.record.deposit_sat + pending.amount_sat)
