"""One credential is shown twice (core draft, single use; facts: protocol 1.1 rows 16 and 17)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sandbox.banner import dollars
from sandbox.failures.failure import Failure

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

QUOTE: Final = 10_000
TWINS: Final = 5


async def play(scene: Scene) -> None:
    """Show a credential again, many times at once, under another path and under its own key."""
    scene.part("Shown again")
    scene.say("Whoever has seen the credential, be it in a log, shows it once more.")
    credential = await scene.sign(await scene.ask("/quote"))
    first = await scene.send("/quote", credential)
    second = await scene.send("/quote", credential)
    scene.check("the first is delivered", first.status_code == 200)
    scene.check("the second is refused, and told a fresh price", second.status_code == 402)
    scene.check("no receipt says otherwise", "payment-receipt" not in second.headers)
    scene.check(f"the shop has {dollars(QUOTE)}", await scene.earned() == QUOTE)

    scene.part("Shown many times at once")
    scene.say(
        "A check that looks first and writes later lets all of them through: each looks before any "
        "has written."
    )
    credential = await scene.sign(await scene.ask("/quote"))
    answers = await asyncio.gather(*(scene.send("/quote", credential) for _ in range(TWINS)))
    delivered = [one for one in answers if one.status_code == 200]
    scene.check(f"of {TWINS} one is delivered", len(delivered) == 1)
    scene.check("and one is paid for", await scene.earned() == 2 * QUOTE)

    scene.part("Shown for something else")
    scene.say("A credential for a quote buys no report, be it cheaper or dearer.")
    credential = await scene.sign(await scene.ask("/quote"))
    other = await scene.send("/report", credential)
    scene.check("it is refused", other.status_code == 402)
    scene.check("and nothing is taken", await scene.earned() == 2 * QUOTE)

    scene.part("A careful client that heard no answer")
    scene.say(
        "It says by an Idempotency-Key that this is the same request again. Then it is no attack, "
        "but a question: what did you answer?"
    )
    first = await scene.send("/quote", credential, key="order-17")
    again = await scene.send("/quote", credential, key="order-17")
    scene.check("both are delivered", first.status_code == again.status_code == 200)
    scene.check("they are the same answer", first.content == again.content)
    scene.check("one is paid for", await scene.earned() == 3 * QUOTE)


FAILURE: Final = Failure(
    slug="duplicate-credential",
    title="one credential is shown twice",
    summary=(
        "A credential is money to whoever holds it. A shop that looks at a payment but not at "
        "whether it was spent before delivers twice for one price."
    ),
    play=play,
)
