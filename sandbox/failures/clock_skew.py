"""A client's clock is wrong (facts: protocol 1.3; tempo, expiring nonces).

Challenges and transfers end at instants that two machines have to agree on. A clock that is slow
signs transfers that have ended already; one that is fast takes every challenge for expired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.abi import Function
from mock_rails.tempo.tx.model import Call
from sandbox.chain.errors import TransactionRefused
from sandbox.chain.sender import Sender
from sandbox.client import Wallet
from sandbox.devnet import CURRENCY
from sandbox.failures.failure import Failure
from sandbox.info import MERCHANT, PAYER
from sandbox.recording.held_clock import HeldClock

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

QUOTE: Final = 10_000
SKEW_S: Final = 600
TRANSFER: Final = Function("transfer(address to, uint256 amount)")
WORDS: Final = "transaction expired"


async def play(scene: Scene) -> None:
    """Pay with a clock that is slow, by itself and with the chain's help, and with a fast one."""
    scene.part("A careless client, whose clock is slow by ten minutes")
    scene.say("It signs by its own clock: a transfer that is valid for a moment of the past.")
    rpc = scene.devnet.rpc
    assert rpc is not None
    said = ""
    sender = Stubborn(rpc, Wallet.dev(PAYER), clock=skewed(scene, -SKEW_S))
    transfer = TRANSFER.call(Wallet.dev(MERCHANT).address, QUOTE)
    try:
        await sender.send([Call(CURRENCY, 0, transfer)])
    except TransactionRefused as error:
        said = error.words
    scene.check(f'the chain says "{WORDS}"', WORDS in said)
    scene.check("nothing was paid", await scene.earned() == 0)

    scene.part("A careful client, with the same clock")
    scene.say("It learns from the refusal what time the chain has, and signs by that.")
    client = scene.customer(clock=skewed(scene, -SKEW_S))
    answer = await scene.waiting(client.get(scene.url("/quote")))
    scene.check("it has its quote", answer.is_success)
    scene.check("it paid once", await scene.earned() == QUOTE)

    scene.part("A clock that is fast by ten minutes")
    scene.say(
        "To it the shop's challenges have ended before they came. To pay one might be to pay for "
        "nothing: it asks once more, tells what is wrong, and pays nothing."
    )
    client = scene.customer(clock=skewed(scene, SKEW_S))
    answer = await scene.waiting(client.get(scene.url("/quote")))
    told = answer.extensions["mpp"].reason
    scene.check(f'it says: "{told}"', "expired" in told)
    scene.check("it has paid nothing", await scene.earned() == QUOTE)
    scene.check("and has nothing reserved", client.ledger.tally().reserved == 0)


class Stubborn(Sender):
    """The mistake: its own clock is right, whatever the chain says."""

    async def sync(self, words: str = "") -> None:
        """It does not listen."""


def skewed(scene: Scene, by_s: int) -> HeldClock:
    """A clock that is wrong by this much."""
    return HeldClock(scene.clock.wall_us() + by_s * 10**6)


FAILURE: Final = Failure(
    slug="clock-skew",
    title="a client's clock is wrong",
    summary=(
        "Payments are valid for seconds, challenges for minutes. A client whose clock is slow "
        "signs what has ended, and one whose clock is fast believes that nothing can be paid."
    ),
    play=play,
)
