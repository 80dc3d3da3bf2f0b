"""The money moved and the answer was lost (core draft, Idempotency; facts: protocol 1.1 row 16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from sandbox.banner import dollars
from sandbox.failures.failure import Failure

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

QUOTE: Final = 10_000


async def play(scene: Scene) -> None:
    """Lose an answer on its way to a careless client, to a careful one, and to the shop itself."""
    scene.part("A careless client")
    scene.say("It takes a lost answer for a failure, and buys again.")
    scene.arm()
    for _ in range(2):
        try:
            answer = await scene.send("/quote", await scene.sign(await scene.ask("/quote")))
        except httpx.TransportError:
            continue
    paid = await scene.earned()
    scene.check("it has its quote", answer.status_code == httpx.codes.OK)
    scene.check(f"it paid twice for it: {dollars(paid)}", paid == 2 * QUOTE)

    scene.part("A careful client")
    scene.say(
        "It sends the same credential again, under the same Idempotency-Key. The shop has settled "
        "it before, knows what it answered, and answers that again."
    )
    scene.disarm()
    scene.arm()
    client = scene.customer()
    answer = await scene.waiting(client.get(scene.url("/quote")))
    scene.check("it has its quote", answer.status_code == httpx.codes.OK)
    scene.check("it paid once", await scene.earned() - paid == QUOTE)
    scene.check("its ledger says so", client.ledger.tally().spent == QUOTE)

    scene.part("The shop's own question to the chain")
    scene.say(
        "Here the shop hears nothing of the chain after it sent the transfer. It asks for the "
        "transfer by its hash, before it says anything to the client."
    )
    scene.disarm()
    scene.arm({"at": "tempo.submit", "do": "lose_response", "when": "nth=1"})
    paid = await scene.earned()
    answer = await scene.waiting(client.get(scene.url("/quote")))
    scene.check("the client has its quote", answer.status_code == httpx.codes.OK)
    scene.check("it paid once", await scene.earned() - paid == QUOTE)


FAILURE: Final = Failure(
    slug="response-lost-after-settlement",
    title="the money moved, and the answer was lost",
    summary=(
        "A payment is settled, and the connection breaks before the client hears of it. A client "
        "that takes this for a failure pays again."
    ),
    faults=({"at": "merchants.answer", "do": "lose", "when": "nth=1"},),
    play=play,
)
