"""Stripe's news come twice, and not in order (facts: stripe 4: at least once, no order)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.failures.failure import Failure

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

PAID: Final = "payment_intent.succeeded"
REFUNDED: Final = "charge.refunded"


class CarelessShop:
    """Believes that each message is news, and that the last one is true."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.state: dict[str, str] = {}

    def hear(self, event: dict[str, Any]) -> None:
        """Send the goods when somebody has paid; remember how things stand."""
        order = order_of(event)
        self.state[order] = event["type"]
        if event["type"] == PAID:
            self.sent.append(order)


class CarefulShop:
    """Knows an event by its id, and asks Stripe how things stand."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.orders: dict[str, None] = {}

    def hear(self, event: dict[str, Any]) -> None:
        """Put an order on the list that something has happened to, once for each event."""
        if event["id"] not in self.known:
            self.known.add(event["id"])
            self.orders[order_of(event)] = None

    async def send_due(self, scene: Scene) -> list[str]:
        """Send the goods of orders that are paid for and not refunded, as Stripe has them now."""
        sent = []
        for order in self.orders:
            intent = await scene.at_stripe("GET", f"/v1/payment_intents/{order}")
            charge = await scene.at_stripe("GET", f"/v1/charges/{intent['latest_charge']}")
            if intent["status"] == "succeeded" and not charge["refunded"]:
                sent.append(order)
        return sent


def order_of(event: dict[str, Any]) -> str:
    """The PaymentIntent that an event is about."""
    thing = event["data"]["object"]
    order: str = thing["id"] if thing["object"] == "payment_intent" else thing["payment_intent"]
    return order


async def play(scene: Scene) -> None:
    """Sell two things by card, take one back, and let the news of it come as they may."""
    careless, careful = CarelessShop(), CarefulShop()
    names: dict[str, str] = {}

    def hear(event: dict[str, Any]) -> None:
        order = order_of(event)
        names.setdefault(order, f"order {len(names) + 1}")
        scene.note(f"* {event['type']} of {names[order]}")
        careless.hear(event)
        careful.hear(event)

    scene.part("Two orders, one of them refunded")
    scene.say(
        "The news of the first order are sent twice, for Stripe has lost our 200 to it. Those of "
        "the second come after those of its refund."
    )
    scene.listen("http://orders.test", hear)
    events = {"enabled_events[0]": PAID, "enabled_events[1]": REFUNDED}
    await scene.at_stripe("POST", "/v1/webhook_endpoints", url="http://orders.test/", **events)
    scene.arm()
    client = scene.customer(prefer=["stripe/charge"])
    for _ in range(2):
        await scene.waiting(client.get(scene.url("/stripe/quote")))
        await scene.settled()
    intents = (await scene.at_stripe("GET", "/v1/payment_intents"))["data"]
    second, first = (one["id"] for one in intents)
    await scene.at_stripe("POST", "/v1/refunds", payment_intent=second)
    await scene.settled()

    scene.part("A careless shop")
    scene.check("it sent the first order twice", careless.sent.count(first) == 2)
    scene.check("it sent the second, which was refunded", second in careless.sent)
    scene.check("and takes it for paid to this day", careless.state[second] == PAID)

    scene.part("A careful shop")
    scene.say(
        "It drops an event whose id it knows, and takes no event for the truth: it asks Stripe for "
        "the payment before it sends anything."
    )
    sent = await careful.send_due(scene)
    scene.check("it sends the first order, once", sent == [first])
    scene.check("three events have come to it", len(careful.known) == 3)


FAILURE: Final = Failure(
    slug="webhook-twice-and-out-of-order",
    title="the news of a payment come twice, and not in order",
    summary=(
        "Stripe sends an event at least once and promises no order. A shop that takes every "
        "message for news ships twice, and one that believes the last ships what was refunded."
    ),
    faults=(
        {"at": "stripe.webhook", "do": "duplicate", "when": "nth=1"},
        {"at": "stripe.webhook", "do": "swap", "when": "nth=2"},
    ),
    play=play,
)
