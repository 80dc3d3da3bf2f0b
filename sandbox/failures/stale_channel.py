"""One side goes on with a channel that the other has ended (facts: protocol 2.5, 2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.banner import dollars
from sandbox.control import channels
from sandbox.failures.failure import Failure

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

SEARCH: Final = 1_000


async def play(scene: Scene) -> None:
    """End a channel on the shop's side, then on the payer's, and let the other go on with it."""
    url = scene.url("/search?q=channel")
    client = scene.customer()

    scene.part("The shop has closed it")
    scene.say(
        "A shop closes its channels when it is redeployed. Its customer knows nothing of it, and "
        "sends the next voucher."
    )
    await scene.waiting(client.get(url))
    (channel,) = client.sessions.channels()
    await scene.waiting(channels.close(scene.devnet, f"0x{channel.id.hex()}"))
    scene.check("the shop has its search's price", await scene.earned() == SEARCH)
    old = scene.wire.paid[-1]
    again = await scene.send(old.path, old.credential)
    scene.check("the old credential is told that the channel is gone", again.status_code == 410)

    scene.part("A careful client")
    scene.say("It takes a 410 for an end, not for an error, and opens another channel.")
    answer = await scene.waiting(client.get(url))
    scene.check("it has its search", answer.status_code == 200)
    scene.check("by a channel of its own", client.sessions.channels()[-1].id != channel.id)
    scene.check(f"it has spent {dollars(2 * SEARCH)}", client.ledger.tally().spent == 2 * SEARCH)

    scene.part("The payer leaves by the chain")
    scene.say(
        "It asks the escrow to close, past the shop. A shop that does not watch the chain goes on "
        "taking vouchers, and in 15 minutes nothing is left behind them."
    )
    newest = client.sessions.channels()[-1]
    await scene.waiting(client.sessions.force_close(newest.id))
    await scene.later(minutes=1)
    scene.check("the shop saw it, and took what it was owed", await scene.earned() == 2 * SEARCH)
    old = scene.wire.paid[-1]
    late = await scene.send(old.path, old.credential)
    scene.check("it takes no more vouchers of that channel", late.status_code == 410)
    await scene.later(minutes=15)
    scene.check(
        "the payer's way out brings it no cent of the shop's", (await scene.earned() == 2 * SEARCH)
    )


FAILURE: Final = Failure(
    slug="stale-channel",
    title="one side goes on with a channel that the other has ended",
    summary=(
        "A channel has two ends and a chain between them. Where one side has closed it, the "
        "other's vouchers buy nothing, or its deliveries earn nothing, until it looks."
    ),
    play=play,
)
