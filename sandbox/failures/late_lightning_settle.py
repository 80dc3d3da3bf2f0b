"""A Lightning payment gets stuck on its way and arrives late (facts: lightning 5.3, 7.1).

What a node has sent it cannot call back. The payment is neither made nor failed until the payee
takes it or a hop gives it back, and the time that a node is told to try for is no limit to that.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sandbox.failures.failure import Failure

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

LATE_S: Final = 120
PATIENCE_S: Final = 30
QUOTE_SAT: Final = 10
STUCK: Final = {
    "at": "lightning.htlc",
    "do": "stuck_then_settle",
    "args": {"s": LATE_S},
    "when": "nth=1",
}


async def play(scene: Scene) -> None:
    """Let a payment arrive late for a client that pays another invoice, and for one that waits."""
    scene.part("A careless client")
    scene.say(
        f"After {PATIENCE_S} seconds it takes its payment for lost, and asks for a new invoice."
    )
    scene.arm()
    first, second = scene.customer(), scene.customer()
    given_up = asyncio.ensure_future(first.get(scene.url("/lightning/quote")))
    await scene.later(seconds=PATIENCE_S)
    answer = await scene.waiting(second.get(scene.url("/lightning/quote")))
    scene.check("it has its quote", answer.is_success)
    scene.say(f"{LATE_S} seconds after it was sent the first payment arrives.")
    late = await scene.waiting(given_up)
    scene.check("the first invoice is paid as well", late.is_success)
    spent = first.lightning_ledger.tally().spent + second.lightning_ledger.tally().spent
    scene.check(f"both have cost it {spent} sat with the fees", spent > 2 * QUOTE_SAT)

    scene.part("A careful client")
    scene.say(
        "It asks its node what became of the payment, and waits while that is open. Money that is "
        "under way is reserved in its ledger, and spent on nothing else."
    )
    scene.disarm()
    scene.arm()
    client, began = scene.customer(), scene.clock.now_s()
    paying = asyncio.ensure_future(client.get(scene.url("/lightning/quote")))
    await scene.later(seconds=PATIENCE_S)
    tally = client.lightning_ledger.tally()
    scene.check("it has reserved the price and the fees", tally.reserved > QUOTE_SAT)
    answer = await scene.waiting(paying)
    scene.check("it has its quote", answer.is_success)
    scene.check(f"it has waited {LATE_S} seconds for it", scene.clock.now_s() - began >= LATE_S)
    tally = client.lightning_ledger.tally()
    once = tally.reserved == 0 and tally.spent == spent // 2
    scene.check(f"it paid once: {tally.spent} sat with the fees", once)


FAILURE: Final = Failure(
    slug="late-lightning-settle",
    title="a Lightning payment arrives after its sender has given up",
    summary=(
        "A payment is stuck at a hop for minutes, and then arrives. A client that has paid another "
        "invoice meanwhile has paid twice."
    ),
    faults=(STUCK,),
    play=play,
)
