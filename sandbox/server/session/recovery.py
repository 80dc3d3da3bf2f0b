"""At start-up: what was under way when the process died is looked up on the chain and gone on with.

    opening   mined: open. Failed: forgotten. Not mined: kept; the client may send it again, and
              the watch forgets it when it is old.
    closing   gone from the chain: closed, with what was captured. Still there: the close that the
              record holds is sent again.
    open      those that owe something are looked at now: a chain that began anew, or was set back
              to before it, knows nothing of them and cannot pay. The watch looks at the others
              first thing, for a payer may have asked to leave.

A killed server had answered nobody, so nothing here is announced to anyone; but every voucher that
was accepted is in its record, and counts (DESIGN 2.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpp.errors import PaymentError

from sandbox.methods.tempo_session import Status
from sandbox.methods.tempo_session.problems import ChannelNotFoundError

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
    owed: int = 0
    """What was delivered on the open ones and not captured, in base units."""
    unknown: int = 0
    """Open ones that owe something and that the chain does not know."""
    lost: int = 0
    """What those owe. No chain will pay it."""


async def recover(context: SessionContext, state: ChainState, closer: Closer) -> Recovered:
    """Go through all records once. A chain that cannot be asked leaves them as they are."""
    open_, decided, doubtful, owed, unknown, lost = 0, 0, 0, 0, 0, 0
    async for channel in context.book.scan():
        context.escrows.add(channel.book)
        if channel.status is Status.OPEN:
            open_ += 1
            owed += channel.exposure
            if channel.exposure and not await _is_known(channel, state):
                unknown += 1
                lost += channel.exposure
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
    found = Recovered(open_, decided, doubtful, owed, unknown, lost)
    if any(found):
        context.background.note("server.recovered", **found._asdict())
    return found


async def _is_known(channel: Channel, state: ChainState) -> bool:
    """Whether the chain knows it, as far as can be told."""
    try:
        await state.refresh(channel)
    except ChannelNotFoundError:
        return False
    except PaymentError:
        pass  # it cannot be asked
    return True
