"""At start-up: what was under way when the process died is looked up on the chain and gone on with.

    opening   mined: open. Failed: forgotten. Not mined: kept; the client may send it again, and
              the watch forgets it when it is old.
    closing   gone from the chain: closed, with what was captured. Still there: the close that the
              record holds is sent again.
    open      the watch looks at each of them first thing, for a payer may have asked to leave.

A killed server had answered nobody, so nothing here is announced to anyone; but every voucher that
was accepted is in its record, and counts (DESIGN 2.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpp.errors import PaymentError

from sandbox.methods.tempo_session import Status

if TYPE_CHECKING:
    from sandbox.methods.tempo_session import Channel
    from sandbox.server.session.chain_state import ChainState
    from sandbox.server.session.closing import Closer
    from sandbox.server.session.context import SessionContext


class Recovered(NamedTuple):
    """What a start found: channels open, brought to an end, and still in doubt."""

    open: int = 0
    settled: int = 0
    """Interrupted openings and closes that are decided now."""
    in_doubt: int = 0


async def recover(context: SessionContext, state: ChainState, closer: Closer) -> Recovered:
    """Go through all records once. A chain that cannot be asked leaves them as they are."""
    open_, decided, doubtful = 0, 0, 0
    async for channel in context.book.scan():
        context.escrows.add(channel.book)
        if channel.status is Status.OPEN:
            open_ += 1
        elif channel.status is Status.OPENING:
            left: Channel | None
            try:
                left = await state.resolve_opening(channel)
            except PaymentError:
                left = await context.book.get(channel.id)
            if left is not None and left.status is Status.OPENING:
                doubtful += 1
            else:
                decided += 1
        elif channel.status is Status.CLOSING:
            if await closer.resume(channel) is None:
                doubtful += 1
            else:
                decided += 1
    found = Recovered(open_, decided, doubtful)
    if any(found):
        context.background.note("server.recovered", **found._asdict())
    return found
