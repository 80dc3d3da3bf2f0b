"""A stream is read more slowly than it is sent (facts: protocol 2.8).

What a server has written is charged, and between it and its reader are buffers of megabytes: of the
server, of proxies, of the client's own machine. Who authorises a whole stream ahead pays for what
lies in them, read or not. Vouchers for a token each bound that by a token.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mpp import Credential

from sandbox.banner import dollars
from sandbox.client import Wallet
from sandbox.control import channels
from sandbox.failures.failure import Failure
from sandbox.info import PAYER
from sandbox.methods.tempo_session import SessionProtocol
from sandbox.methods.tempo_session.voucher import Book, sign_voucher

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

TOKEN: Final = 100
TOKENS: Final = 40
PATH: Final = f"/complete?tokens={TOKENS}"
READ: Final = 3
PAUSE_S: Final = 45


async def play(scene: Scene) -> None:
    """Read slowly, by a voucher for everything and by vouchers for a token each."""
    scene.part("A careful client")
    scene.say(f"It signs a voucher when it has read a token. After {READ} tokens it reads no more.")
    client = scene.customer()
    async with AsyncExitStack() as stack:
        events = await scene.waiting(stack.enter_async_context(client.stream(scene.url(PATH))))
        tokens = aiter(events)
        for _ in range(READ):
            await scene.waiting(anext(tokens))
        await scene.later(seconds=PAUSE_S)
        scene.check(f"after {PAUSE_S} seconds it owes what it has read", await owed(scene) == READ)
        await scene.waiting(anext(tokens))
        scene.check("it reads on, and pays on", await owed(scene) == READ + 1)
        scene.say("It has enough, and hangs up.")
    await scene.settled()
    scene.check(f"it owes {READ + 1} tokens of {TOKENS}", await owed(scene) == READ + 1)
    scene.check("its ledger says so", client.ledger.tally().spent == (READ + 1) * TOKEN)

    scene.part("A careless client")
    scene.say("It signs for the whole stream ahead, reads a token, and is busy with it.")
    before = await owed(scene)
    headers = {"authorization": ahead(scene, (before + TOKENS) * TOKEN)}
    request = scene.http.build_request("GET", scene.url(PATH), headers=headers)
    response = await scene.waiting(scene.http.send(request, stream=True))
    pieces = response.aiter_bytes()
    await scene.waiting(anext(pieces))
    await scene.settled()
    scene.say("It has no use for the rest, and hangs up.")
    await scene.waiting(response.aclose())
    cost = (await owed(scene) - before) * TOKEN
    scene.check(f"it has read a token and owes {dollars(cost)}", cost == TOKENS * TOKEN)


async def owed(scene: Scene) -> int:
    """How many tokens the shop has charged to the channel."""
    (channel,) = (await channels.listed(scene.devnet))["channels"]
    return int(channel["spent"]) // TOKEN


def ahead(scene: Scene, cumulative: int) -> str:
    """The client's newest voucher, but for more."""
    newest = Credential.from_authorization(scene.wire.paid[-1].credential)
    payload: dict[str, Any] = dict(newest.payload)
    book = Book(SessionProtocol.V2, scene.chain.chain_id, b"")
    channel_id = bytes.fromhex(payload["channelId"][2:])
    signature = sign_voucher(book, channel_id, cumulative, Wallet.dev(PAYER))
    payload |= {"cumulativeAmount": str(cumulative), "signature": f"0x{signature.hex()}"}
    return replace(newest, payload=payload).to_authorization()


FAILURE: Final = Failure(
    slug="slow-reader-on-a-paid-stream",
    title="a stream is charged faster than it is read",
    summary=(
        "A server sends as fast as it is paid, and its reader is slower. Who has authorised the "
        "whole stream ahead pays for what lies in buffers, and is never read."
    ),
    play=play,
)
