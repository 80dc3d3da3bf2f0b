"""The price's time runs out between signature and arrival (facts: protocol 1.1 row 9, 1.2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sandbox.banner import dollars
from sandbox.client.errors import OutcomeUnknownError
from sandbox.failures.failure import Failure

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

QUOTE: Final = 10_000


async def play(scene: Scene) -> None:
    """Let a credential come too late, then its settlement, then its retry."""
    scene.part("The credential comes too late")
    scene.say("It waited for a person to approve it, and the person was at lunch.")
    credential = await scene.sign(await scene.ask("/quote"))
    await scene.later(minutes=6)
    late = await scene.send("/quote", credential)
    scene.check("it is refused as expired", late.json()["type"].endswith("/payment-expired"))
    scene.check("with a fresh challenge", "www-authenticate" in late.headers)
    scene.check("and nothing is taken", await scene.earned() == 0)

    scene.part("The settlement ends too late")
    scene.say(
        "The credential comes two seconds before the end, and the chain takes ten. A shop that "
        "looks at the clock again after it was paid keeps the money and delivers nothing."
    )
    challenge = await scene.ask("/quote")
    await scene.later(minutes=4, seconds=58)
    credential = await scene.sign(challenge)
    scene.arm({"at": "tempo.seal", "do": "halt"})
    under_way = asyncio.ensure_future(
        scene.http.get(scene.url("/quote"), headers={"authorization": credential})
    )
    await scene.settled()
    await scene.later(seconds=10)
    scene.disarm()
    await scene.mine()
    paid = await scene.waiting(under_way)
    scene.check("it is delivered", paid.status_code == 200)
    scene.check(f"for {dollars(QUOTE)}", await scene.earned() == QUOTE)

    scene.part("The retry comes too late")
    scene.say(
        "The answers are lost, and the client is out of reach until the challenge is over. Now an "
        "'expired' would prove nothing: the first try was in time. A careless client signs anew "
        "here; a careful one asks the chain. This shop has kept its answer, and gives it again to "
        "the same credential with the same Idempotency-Key."
    )
    scene.arm({"at": "merchants.answer", "do": "lose"})
    client = scene.customer()
    try:
        await scene.waiting(client.get(scene.url("/quote")))
    except OutcomeUnknownError:
        scene.say("PaidClient says that it does not know, and signs nothing more.")
    scene.disarm()
    await scene.later(minutes=6)
    open_ends = await scene.waiting(client.reconcile())
    scene.check("the chain has told it: nothing is open", not open_ends)
    scene.check("it has paid once", client.ledger.tally().spent == QUOTE)
    tried = scene.wire.paid[-1]
    again = await scene.send(tried.path, tried.credential, key=tried.key)
    scene.check("it gets what it paid for", "payment-receipt" in again.headers)
    scene.check("and has paid once, as the shop says too", await scene.earned() == 2 * QUOTE)


FAILURE: Final = Failure(
    slug="expired-challenge-race",
    title="the price's time runs out on the way",
    summary=(
        "A challenge is good for minutes. A credential that comes too late must cost nothing, one "
        "that came in time must be worth its price, and a client must not mistake one for the "
        "other."
    ),
    play=play,
)
