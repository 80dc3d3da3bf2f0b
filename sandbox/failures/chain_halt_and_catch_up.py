"""The chain makes no blocks for a while, and then all that has waited is in one (facts: tempo).

A transfer that was sent is not gone because nobody hears of it: it waits in the pool, and is mined
when the chain goes on, unless its validity has ended by then. What a client pays meanwhile for the
same thing is mined with it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sandbox.banner import dollars
from sandbox.failures.failure import Failure

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

QUOTE: Final = 10_000
PATIENCE_S: Final = 8


async def play(scene: Scene) -> None:
    """Halt the chain under a client that pays again, and under one that waits."""
    scene.part("A careless client")
    scene.say(f"It waits {PATIENCE_S} seconds for an answer, gives up, and pays again.")
    scene.arm()
    first = await paying(scene)
    await scene.later(seconds=PATIENCE_S)
    second = await paying(scene)
    await scene.later(seconds=1)
    scene.say("The chain goes on, and mines what has waited.")
    scene.disarm()
    both = await scene.waiting(first) and await scene.waiting(second)
    scene.check("both are delivered, the first to nobody", both)
    paid = await scene.earned()
    scene.check(f"it paid twice for it: {dollars(paid)}", paid == 2 * QUOTE)

    scene.part("A careful client")
    scene.say(
        "It waits as long as its transfer is valid: until that ends it may be mined, and only then "
        "is to pay again not to pay twice."
    )
    scene.arm()
    client = scene.customer()
    answer = asyncio.ensure_future(client.get(scene.url("/quote")))
    await scene.later(seconds=PATIENCE_S)
    scene.say("The chain goes on.")
    scene.disarm()
    scene.check("it has its quote", (await scene.waiting(answer)).is_success)
    scene.check("it paid once", await scene.earned() - paid == QUOTE)
    scene.check("its ledger says so", client.ledger.tally().spent == QUOTE)


async def paying(scene: Scene) -> asyncio.Task[bool]:
    """Send a payment, and do not wait for its answer; whether that is a quote."""
    credential = await scene.sign(await scene.ask("/quote"))

    async def sent() -> bool:
        headers = {"authorization": credential}
        return (await scene.http.get(scene.url("/quote"), headers=headers)).is_success

    task = asyncio.ensure_future(sent())
    await scene.settled()
    return task


FAILURE: Final = Failure(
    slug="chain-halt-and-catch-up",
    title="the chain halts, and mines everything when it goes on",
    summary=(
        "No blocks are made for some seconds. A client that takes the silence for a failure pays "
        "again, and both transfers are mined when the chain goes on."
    ),
    faults=({"at": "tempo.seal", "do": "halt"},),
    play=play,
)
