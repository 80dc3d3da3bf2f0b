"""Lightning sessions in words and as JSON, from the payer's book (facts: lightning 2.5). Pure.

They are no channels: a deposit was paid to the merchant, who sends the rest back, so that nothing
but its word and the return invoice say what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from sandbox.cli.writing import money, paint_state, shorten
from sandbox.streaming.events import DONE, RECEIPT, SESSION_TIMEOUT, EventParser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import httpx

    from sandbox.client.lightning.session import SessionRecord

SAT: Final = "sat"

_COLUMNS: Final = "  {:<14}  {:<8}  {:>12}  {:>12}  {}"


def session_json(session: SessionRecord) -> dict[str, Any]:
    """A session for programs; amounts are text, invoices and challenges are left out."""
    pending = session.top_up
    return {
        "id": session.id.hex(),
        "state": session.state.value,
        "host": session.host,
        "realm": session.realm,
        "url": session.url,
        "deposit_sat": str(session.deposit_sat),
        "told_sat": None if session.told_sat is None else str(session.told_sat),
        "top_up_sat": None if pending is None else str(pending.amount_sat),
        "promised_sat": None if session.refund_sat is None else str(session.refund_sat),
        "refund_status": session.refund_status,
        "received_sat": None if session.received_sat is None else str(session.received_sat),
        "opened_at_s": session.opened_at_s,
        "return_ends_s": session.return_ends_s,
    }


def deposit_json(session: SessionRecord) -> dict[str, Any]:
    """What became of a session's deposit: as for a channel, in satoshis. What is not known yet is
    null: only the server counts, and tells it when it wants more or closes."""
    back = session.received_sat
    used = session.told_sat if back is None else session.deposit_sat - back
    if back is None and used is not None:
        used = min(used, session.deposit_sat)
        back = session.deposit_sat - used
    return {
        "method": "lightning/session",
        "id": session.id.hex(),
        "state": session.state.value,
        "currency": SAT,
        "deposit": str(session.deposit_sat),
        "used": None if used is None else str(used),
        "back": None if back is None else str(back),
    }


def session_rows(sessions: Sequence[SessionRecord]) -> list[str]:
    """The sessions in columns."""
    if not sessions:
        return ["  none"]
    lines = [_COLUMNS.format("session", "state", "deposit", "came back", "host")]
    for one in sessions:
        back = "-" if one.received_sat is None else money(one.received_sat, SAT)
        amounts = f"{money(one.deposit_sat, SAT):>12}  {back:>12}"
        state = paint_state(one.state.value)
        lines.append(f"  {shorten(one.id.hex()):<14}  {state}  {amounts}  {one.host}")
    return lines


def session_lines(sessions: Sequence[SessionRecord]) -> Iterator[str]:
    """What is told of sessions that were paid by."""
    for one in sessions:
        name = shorten(one.id.hex())
        held = money(one.deposit_sat, SAT)
        if one.state.value != "closed":
            yield f"Session {name}: {held} were paid in; it stays {one.state.value}."
        elif one.received_sat is None:
            yield f"Session {name}: closed; of {held}, nothing has come back yet."
        else:
            yield f"Session {name}: closed; {money(one.received_sat, SAT)} of {held} came back."


def streamed(response: httpx.Response, price_sat: int) -> tuple[int, bool]:
    """What an answer has cost that a deposit has paid for, and whether it broke off because nobody
    made another one: a stream is charged by the message, and its receipt is in it (facts 2.4)."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        return price_sat, False
    messages = 0
    for event in EventParser(len(response.content) + 1).feed(response.content):
        if event.is_message and event.data != DONE:
            messages += 1
        elif event.name == SESSION_TIMEOUT:
            return messages * price_sat, True
        elif event.name == RECEIPT:
            return _spent(event.data or "", price_sat), False
    return price_sat, False


def _spent(receipt: str, price_sat: int) -> int:
    try:
        spent = orjson.loads(receipt)["spent"]
    except (ValueError, LookupError, TypeError):
        return price_sat
    return spent if type(spent) is int else price_sat
