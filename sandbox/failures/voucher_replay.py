"""A session's voucher is shown again, or an older one (facts: protocol 2.3, 2.5)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sandbox.banner import dollars
from sandbox.control import channels
from sandbox.failures.failure import Failure

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

SEARCH: Final = 1_000
COPIES: Final = 4


async def play(scene: Scene) -> None:
    """Show each voucher of a customer again, then one many times at once, then one with its key."""
    url = scene.url("/search?q=voucher")
    scene.part("A customer searches three times")
    client = scene.customer()
    for _ in range(3):
        await scene.waiting(client.get(url))
    vouchers = list(scene.wire.paid)

    scene.part("Somebody shows its vouchers again")
    scene.say(
        "A voucher is a sum of all there was so far, and its signature stays good. A shop that "
        "checks the signature and not what was spent delivers for ever."
    )
    for one in reversed(vouchers):
        answer = await scene.send(one.path, one.credential)
        scene.check("nothing is delivered", answer.status_code == 402)

    scene.part("A new voucher, many times at once")
    scene.say("A shop that reads what was spent and then writes it delivers to several of them.")
    await scene.waiting(client.get(url))
    newest = scene.wire.paid[-1]
    copies = (scene.send(newest.path, newest.credential) for _ in range(COPIES))
    answers = await asyncio.gather(*copies)
    scene.check("nothing is delivered twice", {one.status_code for one in answers} == {402})

    scene.part("The customer itself, whose answer was lost")
    scene.say("It sends the same voucher under the same Idempotency-Key: a question, no purchase.")
    again = await scene.send(newest.path, newest.credential, key=newest.key)
    scene.check("it gets its answer again", again.status_code == 200)
    answer = await scene.waiting(client.get(url))
    scene.check("its channel is none the worse for all this", answer.status_code == 200)

    scene.part("The shop closes the channel")
    (channel,) = client.sessions.channels()
    await scene.waiting(channels.close(scene.devnet, f"0x{channel.id.hex()}"))
    scene.check(
        f"it has {dollars(5 * SEARCH)} for five searches", await scene.earned() == 5 * SEARCH
    )


FAILURE: Final = Failure(
    slug="voucher-replay",
    title="a session's voucher is shown again",
    summary=(
        "A voucher is a signed sum, and its signature is as good the second time. A shop that "
        "does not keep what was spent of it, in one step with the check, gives its goods away."
    ),
    play=play,
)
