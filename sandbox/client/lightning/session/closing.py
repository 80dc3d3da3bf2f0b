"""A session's end, and what it came to (facts: lightning 2.2, 2.5, 2.6.5).

The server pays what is left to the return invoice. What it says of that is one thing, and what has
arrived another: aperture says `failed` and pays a little later, and leaves `refundSats` out when it
is 0. So the payer's own node is asked. Only what came back is free in the budget again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.lightning.errors import LightningPaymentFailedError, SessionNotClosedError
from sandbox.client.lightning.record import State
from sandbox.client.lightning.session.funding import finish_top_up, forget
from sandbox.client.lightning.session.wire import problem_of
from sandbox.lightning.node import NodeError
from sandbox.methods.lightning_session import Close, Open, Refund

if TYPE_CHECKING:
    import httpx

    from sandbox.client.lightning.session.lane import Lane
    from sandbox.client.lightning.session.live import Live, Services

_STEP_MS: Final = 50
_ENDED: Final = frozenset({"session-closed", "session-not-found"})


async def close_session(services: Services, lane: Lane, live: Live) -> None:
    """Have the server close it and send back what is left."""
    if live.record.state is State.CLOSED:
        await settle(services, live)
        return
    try:
        preimage = await live.preimage()
    except LightningPaymentFailedError:
        drop(lane, live)
        return
    await finish_top_up(services, live)
    if live.record.state is State.PAID:
        await show_deposit(services, live, preimage)
    asked = await services.wire.challenge(live.record.url, live.record.realm)
    payload = Close(live.record.id, preimage)
    answer = await services.wire.tell(
        live.record.url, asked.verb, asked.challenge.to_echo(), payload
    )
    if answer.is_success:
        live.save(**_refund(answer))
        await _ended(services, lane, live)
    elif problem_of(answer) in _ENDED:
        await _ended(services, lane, live)
    else:
        raise SessionNotClosedError(
            f"{live.record.host} answered HTTP {answer.status_code} to the session's close.",
            details={"session": live.record.id.hex(), "problem": problem_of(answer)},
        )


async def end_of(services: Services, lane: Lane, live: Live) -> None:
    """The server has no such session any more: it was idle, or the server has forgotten it."""
    await _ended(services, lane, live)


def drop(lane: Lane, live: Live) -> None:
    """The node knows of no such payment: it was not made, or it is another node than the one that
    made it, such as a devnet's that was started anew."""
    if live.record.state is State.PAYING:
        forget(lane, live)
    else:
        strand(lane, live)


def strand(lane: Lane, live: Live) -> None:
    """The server took the deposit, and knows nothing of it. It may still come back."""
    live.save(state=State.CLOSED)
    live.outlay.doubt()
    if lane.session is live:
        lane.session = None


async def settle(services: Services, live: Live, *, patience_ms: int = 0) -> bool:
    """Count what a closed session has cost, as far as that is known; whether all of it is."""
    if not await live.look_up():
        live.outlay.doubt()
        return False
    record = live.record
    waited_ms = 0
    while (received := await _received(services, live)) is None and waited_ms < patience_ms:
        await services.clock.wall_sleep(timedelta(milliseconds=_STEP_MS))
        waited_ms += _STEP_MS
    if received is None and _comes_no_more(services, live):
        received = 0
    if received is None:
        if record.refund_sat is not None and record.received_sat is None:
            live.outlay.spend(max(0, live.outlay.total_sat - record.refund_sat))
        live.outlay.doubt()
        return False
    live.outlay.spend(max(0, live.outlay.total_sat - received))
    live.outlay.free()
    live.save(received_sat=received)
    return True


async def _ended(services: Services, lane: Lane, live: Live) -> None:
    live.save(state=State.CLOSED)
    if lane.session is live:
        lane.session = None
    is_promised = bool(live.record.refund_sat) and live.record.refund_status == Refund.SUCCEEDED
    await settle(services, live, patience_ms=services.wallet.patience_ms if is_promised else 0)


async def show_deposit(services: Services, live: Live, preimage: bytes) -> None:
    """Open the session that was paid for, so that it can be closed: it buys what its URL sells
    once, and the rest comes back."""
    record = live.record
    payload = Open(preimage, record.return_invoice)
    try:
        answer = await services.wire.tell(record.url, "GET", record.challenge, payload, stream=True)
    except OutcomeUnknownError:
        return  # the close shows whether it is open
    await answer.aclose()


async def _received(services: Services, live: Live) -> int | None:
    """How much has come back; a node that does not answer does not know."""
    try:
        return await services.wallet.node.received_sat(live.record.return_hash)
    except NodeError:
        return None


def _comes_no_more(services: Services, live: Live) -> bool:
    record = live.record
    is_nothing = record.refund_status == Refund.SKIPPED and not record.refund_sat
    return is_nothing or services.clock.now_s() >= record.return_ends_s


def _refund(answer: httpx.Response) -> dict[str, Any]:
    """What the server says of the refund. What it leaves out is nothing, as aperture has it."""
    try:
        said = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        return {}
    amount, status = said.get("refundSats", 0), said.get("refundStatus")
    is_amount = type(amount) is int and amount >= 0
    return {
        "refund_sat": amount if is_amount else None,
        "refund_status": status if isinstance(status, str) else None,
    }
