"""A card that is declined is tried again and again (facts: stripe 0.2, 1.5, 2.9).

Each try is a payment of its own to the bank: issuers answer with declines that last, card networks
bill the shop for tries after a final no, and a wave of them looks like somebody testing cards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.client import CardWallet, PaymentDeclinedError
from sandbox.failures.failure import Failure

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

TRIES: Final = 3
PRICE: Final = 50
OTHER_CARD: Final = "pm_card_mastercard"


async def play(scene: Scene) -> None:
    """Decline a card to a careless client, and to one that listens."""
    scene.part("A careless client")
    scene.say("It takes a bank's no for a failure like any other, and tries again at once.")
    scene.arm()
    client = scene.customer()
    for _ in range(TRIES):
        answer = await scene.waiting(client.get(scene.url("/stripe/quote")))
    scene.check("it has no quote", not answer.is_success)
    scene.check("its bank was asked three times", declined(scene) == TRIES)
    scene.check("nothing was charged, which is luck", client.card_ledger.tally().spent == 0)

    scene.part("A careful client")
    scene.say(
        "It takes the no for an answer: it withdraws the token, and tells who it works for. They "
        "have another card, which the bank of the first knows nothing of."
    )
    client, told = scene.customer(), ""
    answer = await scene.waiting(client.get(scene.url("/stripe/quote")))
    try:
        answer.extensions["mpp"].raise_if_unpaid()
    except PaymentDeclinedError as error:
        told = error.detail
    scene.check(f'it says: "{told}"', told.endswith("Nothing was charged."))
    scene.check("the bank was asked once", declined(scene) == TRIES + 1)
    client = scene.customer(
        card=CardWallet(
            OTHER_CARD, stripe_url=scene.devnet.stripe_url or "", transport=scene.devnet.switchboard
        )
    )
    answer = await scene.waiting(client.get(scene.url("/stripe/quote")))
    scene.check("by the other card it has its quote", answer.is_success)
    scene.check("it paid once", client.card_ledger.tally().spent == PRICE)


def declined(scene: Scene) -> int:
    """How often a card said no."""
    return len([one for one in scene.events("fault.fired") if one.data["at"] == "stripe.card"])


FAILURE: Final = Failure(
    slug="decline-storm",
    title="a declined card is tried again and again",
    summary=(
        "A bank says no, and a client asks again at once, as if the network had failed. The shop "
        "is billed for the tries, and the card may be blocked for all shops."
    ),
    faults=(
        {
            "at": "stripe.card",
            "do": "decline",
            "args": {"decline_code": "insufficient_funds"},
            "where": {"last4": "4242"},
        },
    ),
    play=play,
)
