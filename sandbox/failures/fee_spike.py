"""The chain's base fee rises, and small payments cost more to make than they are worth.

A transaction says the most that it pays for gas. Below that limit its sender pays what the block
asks; above it the chain refuses it (facts: tempo, fees). A budget that counts prices sees neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.banner import dollars
from sandbox.client import SessionSettings
from sandbox.failures.failure import Failure
from sandbox.info import PAYER

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

QUOTE: Final = 10_000
REQUESTS: Final = 3
SPIKE: Final = {"at": "tempo.seal", "do": "fee_spike", "args": {"base_fee": 300_000_000_000}}
"""Fifteen times the usual fee."""
WORDS: Final = "max fee per gas less than block base fee"


async def play(scene: Scene) -> None:
    """Raise the fee under charges, under a session, and above what was signed."""
    rpc = scene.devnet.rpc
    assert rpc is not None
    scene.part("A careless client")
    scene.say("It pays each request by a transaction, and counts prices only.")
    scene.arm()
    await rpc.call("anvil_mine", "0x1")  # from the next block on everybody sees the new fee
    had, client = await scene.balance(PAYER), scene.customer()
    for _ in range(REQUESTS):
        await scene.waiting(client.get(scene.url("/quote")))
    bought, cost = await scene.earned(), had - await scene.balance(PAYER)
    scene.check(f"it bought quotes for {dollars(bought)}", bought == REQUESTS * QUOTE)
    scene.check(f"the fees were more: {dollars(cost - bought)}", cost - bought > bought)
    scene.check("its ledger has not seen them", client.ledger.tally().spent == bought)

    scene.part("A careful client")
    scene.say(
        "It has a channel from quieter times. Its requests are paid by vouchers, which are no "
        "transactions, and the shop may settle them when it likes."
    )
    scene.disarm()
    client = scene.customer(session=SessionSettings(close_on_exit=False))
    await scene.waiting(client.get(scene.url("/search")))
    scene.arm()
    had, blocks = await scene.balance(PAYER), scene.chain.head.number
    for _ in range(REQUESTS):
        answer = await scene.waiting(client.get(scene.url("/search")))
        scene.check("a request is delivered", answer.is_success)
    scene.check("no transaction was made for them", scene.chain.head.number == blocks)
    scene.check("no fee was paid for them", await scene.balance(PAYER) == had)

    scene.part("A fee above what was signed")
    scene.say(
        "A transaction for which the base fee has become too high is refused as a whole. To sign "
        "for twice the going price, as here, is to say how much a payment may cost at most."
    )
    scene.disarm()
    signed = await scene.sign(await scene.ask("/quote"))
    scene.arm()
    refused = await scene.send("/quote", signed)
    scene.check(f'the chain says "{WORDS}"', WORDS in refused.text)
    scene.check("nothing was paid", await scene.balance(PAYER) == had)
    scene.check("and the shop asks again", "www-authenticate" in refused.headers)


FAILURE: Final = Failure(
    slug="fee-spike",
    title="the fee of a payment becomes more than its price",
    summary=(
        "The chain's base fee rises. A client that pays each request by a transaction pays more "
        "for the transactions than for what it buys."
    ),
    faults=(SPIKE,),
    play=play,
)
