"""The shop dies after it was paid and before it delivered (facts: protocol 2.3, G8; 1.1 row 16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.banner import dollars
from sandbox.client.errors import OutcomeUnknownError
from sandbox.control import channels
from sandbox.failures.failure import Failure

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

QUOTE: Final = 10_000
SEARCH: Final = 1_000


async def play(scene: Scene) -> None:
    """Kill the shop between payment and delivery: of a charge, and of a session's request."""
    scene.part("A charge")
    scene.say(
        "The shop has settled it and dies. What goes on in its place finds in the store that this "
        "was paid, and not whether it was delivered. It neither delivers twice nor asks twice."
    )
    scene.arm()
    client = scene.customer()
    known: OutcomeUnknownError | None = None
    try:
        await scene.waiting(client.get(scene.url("/quote")))
    except OutcomeUnknownError as error:
        known = error
    scene.check("the client is not told that it has its quote", known is not None)
    scene.check(
        "it knows from the chain that it has paid", known is not None and known.paid is True
    )
    scene.check(f"it paid {dollars(QUOTE)}, once", await scene.earned() == QUOTE)
    scene.check("its ledger says so", client.ledger.tally().spent == QUOTE)

    scene.part("The same credential later")
    scene.say("A careless shop has lost its marks with the process, and would take it for new.")
    await scene.later(minutes=2)
    tried = scene.wire.paid[-1]
    again = await scene.send(tried.path, tried.credential, key=tried.key)
    scene.check("nothing is delivered for it", "payment-receipt" not in again.headers)
    scene.check("and no new payment asked for", "www-authenticate" not in again.headers)
    scene.check("and nothing taken", await scene.earned() == QUOTE)

    scene.part("A session")
    scene.say(
        "Each search is written down as spent before it is made. A shop that writes afterwards "
        "gives a search away with every crash, and one that keeps it in memory the whole channel."
    )
    url = scene.url("/search?q=crash")
    await scene.waiting(client.get(url))
    scene.disarm()
    scene.arm()
    try:
        await scene.waiting(client.get(url))
    except OutcomeUnknownError:
        scene.say("The client does not know what became of its second search. It goes on.")
    answer = await scene.waiting(client.get(url))
    scene.check("the channel outlives the process", answer.status_code == 200)
    (channel,) = client.sessions.channels()
    await scene.waiting(channels.close(scene.devnet, f"0x{channel.id.hex()}"))
    scene.check(
        "of three searches one was paid and not had, and no more",
        await scene.earned() == QUOTE + 3 * SEARCH,
    )


FAILURE: Final = Failure(
    slug="server-crash-between-accept-and-deliver",
    title="the shop dies after it was paid and before it delivers",
    summary=(
        "A process is killed between the payment and the delivery. What goes on in its place must "
        "know what was paid, deliver nothing twice, and take at most one price for nothing."
    ),
    faults=({"at": "merchants.deliver", "do": "crash", "when": "nth=1"},),
    play=play,
)
