"""A client that lost its memory finds its channel with HEAD (facts: protocol 2.6; D3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mpp import ChallengeEcho, Credential
from mpp._canonical import canonical_b64url
from mpp.errors import InvalidPayloadError, VerificationFailedError

from mock_rails.tempo.addresses import ALPHA_USD
from sandbox.client.wallet import Wallet
from sandbox.methods.tempo_proof import VERSIONS, proof_digest
from sandbox.methods.tempo_session import Snapshot
from tests.unit.sandbox.server.session.support import HEAD, make_world

if TYPE_CHECKING:
    from typing import Any

    from sandbox.server.session import BootstrapOffer

PAYER = Wallet.dev(1)


def prove(
    offer: BootstrapOffer, wallet: Wallet = PAYER, version: str = "3", **changes: Any
) -> Credential:
    """A proof for a challenge of the offer."""
    chain_id = offer.request["methodDetails"]["chainId"]
    echo = ChallengeEcho(
        id="challenge-0",
        realm="shop.test",
        method="tempo",
        intent="charge",
        request=canonical_b64url(dict(offer.request)),
    )
    digest = proof_digest(chain_id, wallet.address, echo.id, echo.realm, version=version)
    fields = {
        "payload": {"type": "proof", "signature": "0x" + wallet.sign(digest).encode().hex()},
        "source": f"did:pkh:eip155:{chain_id}:0x{wallet.address.hex()}",
    }
    return Credential(echo, **(fields | changes))


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_payer_is_told_of_its_channel(version: str) -> None:
    async with make_world() as world:
        offer = world.offer()
        payer = world.payer(offer, PAYER)
        await payer.open()
        await payer.voucher(300)
        bootstrap = offer.bootstrap
        assert bootstrap is not None
        answer = await bootstrap.settle(prove(bootstrap, version=version), HEAD)
        assert (answer.delivers, answer.amount) == (False, 0)
        headers = dict(answer.headers)
        assert headers["Payment-Session"] == "0x" + payer.id.hex()
        snapshot = Snapshot.from_header(headers["Payment-Session-Snapshot"])
        snapshot.verify()
        assert (snapshot.accepted, snapshot.spent, snapshot.required) == (300, 200, 200)


async def test_the_channel_with_most_left_is_chosen_and_a_closed_one_never() -> None:
    async with make_world() as world:
        offer = world.offer()
        bootstrap = world.server.bootstrap_offer(offer)
        ids = {}
        for deposit in (1_000, 5_000, 2_000):
            payer = world.payer(offer, PAYER)
            payer.salt = deposit
            await payer.open(deposit)
            ids[deposit] = payer
        chosen = dict((await bootstrap.settle(prove(bootstrap), HEAD)).headers)
        assert chosen["Payment-Session"] == "0x" + ids[5_000].id.hex()
        await ids[5_000].close(100)
        chosen = dict((await bootstrap.settle(prove(bootstrap), HEAD)).headers)
        assert chosen["Payment-Session"] == "0x" + ids[2_000].id.hex()


async def test_a_payer_without_a_channel_here_is_told_nothing() -> None:
    async with make_world() as world:
        payer = world.payer(world.offer(currency=ALPHA_USD), PAYER)
        await payer.open()
        bootstrap = world.server.bootstrap_offer(world.offer())
        answer = await bootstrap.settle(prove(bootstrap), HEAD)
        assert (answer.delivers, answer.headers) == (False, ())


async def test_nobody_is_told_of_another_payers_channel() -> None:
    async with make_world() as world:
        offer = world.offer()
        await world.payer(offer, PAYER).open()
        bootstrap = world.server.bootstrap_offer(offer)
        stranger = Wallet.dev(3)
        assert (await bootstrap.settle(prove(bootstrap, stranger), HEAD)).headers == ()
        claimed = prove(bootstrap, PAYER).source
        with pytest.raises(VerificationFailedError, match="does not match source"):
            await bootstrap.settle(prove(bootstrap, stranger, source=claimed), HEAD)
        for source in (None, "did:pkh:eip155:1:" + claimed.rpartition(":")[2], "0x12"):
            with pytest.raises(VerificationFailedError, match="source is invalid"):
                await bootstrap.settle(prove(bootstrap, source=source), HEAD)
        for payload in ({"type": "hash"}, {"type": "proof"}, {"type": "proof", "signature": 5}, []):
            with pytest.raises(InvalidPayloadError):
                await bootstrap.settle(prove(bootstrap, payload=payload), HEAD)
        short = {"type": "proof", "signature": "0x1234"}
        with pytest.raises(VerificationFailedError):
            await bootstrap.settle(prove(bootstrap, payload=short), HEAD)


async def test_an_offer_knows_its_own_challenges() -> None:
    async with make_world() as world:
        assert world.offer(bootstrap=False).bootstrap is None
        bootstrap = world.server.bootstrap_offer(world.offer())
        assert bootstrap.matches(dict(bootstrap.request))
        assert not bootstrap.matches({**bootstrap.request, "amount": "1"})
        assert await bootstrap.personal_request(HEAD) is None
        assert (bootstrap.method, bootstrap.intent, bootstrap.is_single_use) == (
            "tempo", "charge", True,
        )  # fmt: skip
