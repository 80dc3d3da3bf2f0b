"""A preimage is worth what it paid for: it is in no log, repr, error, event or file.

Facts: lightning 1.4, 2.5. The deposit's preimage spends the whole session; a later run asks the
node for it, so that nothing on disk is worth stealing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.client.errors import OutcomeUnknownError
from sandbox.client.lightning.session import LightningSessionSettings
from tests.unit.sandbox.client.lightning.world import (
    SMALL,
    customer,
    lossy,
    sell_small,
    wallet,
)
from tests.unit.sandbox.server.lightning.support import UNIT, World, opened

if TYPE_CHECKING:
    from pathlib import Path


def preimages(world: World) -> list[str]:
    found = [one.preimage for one in world.rail.node("payer").payments() if one.preimage]
    assert found
    return [one.hex() for one in found]


def contents(state: Path) -> bytes:
    return b"".join(one.read_bytes() for one in state.iterdir() if one.is_file())


def assert_hidden(world: World, text: str) -> None:
    for preimage in preimages(world):
        assert preimage not in text
        assert repr(bytes.fromhex(preimage)) not in text


async def test_preimages_are_in_no_log_no_event_no_repr_and_no_file(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    keep = LightningSessionSettings(close_on_exit=False)
    told: list[Any] = []
    async with opened() as world:
        sell_small(world)
        async with customer(
            world, state=tmp_path, lightning_session=keep, on_event=told.append
        ) as client:
            await client.get("/charge")
            for _ in range(SMALL // UNIT + 1):
                await client.get("/small")
            answer = await client.get("/small")
            seen = [client.payers, client.lightning_sessions.sessions(), answer.extensions]
            assert len(preimages(world)) == 3
            assert told
            assert_hidden(world, f"{told} {seen} {client.lightning!r} {caplog.text}")
            files = contents(tmp_path)
            for preimage in preimages(world):
                assert preimage.encode() not in files
                assert bytes.fromhex(preimage) not in files
        book = tmp_path / "lightning.sqlite3"
        assert book.stat().st_mode & 0o077 == 0


async def test_preimages_are_in_no_error() -> None:
    async with opened() as world:
        for url, accidents in (("/charge", 3), ("/session", 3)):
            async with customer(world, lossy(world, *["answer lost"] * accidents)) as client:
                with pytest.raises(OutcomeUnknownError) as unknown:
                    await client.get(url)
                error = unknown.value
                assert_hidden(world, f"{error!r} {error} {error.details} {error.hint}")


async def test_a_wallet_does_not_show_its_macaroon() -> None:
    async with opened() as world:
        assert repr(wallet(world)) == "<LightningWallet lightning on regtest>"


async def test_what_the_ledger_notes_is_no_proof(tmp_path: Path) -> None:
    async with opened() as world:
        async with customer(world, state=tmp_path) as client:
            world.arm("lightning.htlc", "stuck_then_settle", s=60)
            with pytest.raises(OutcomeUnknownError):
                await client.get("/charge?key=hidden")
        world.clock.advance(61)
        files = contents(tmp_path)
        assert preimages(world)[0].encode() not in files
        assert b"key=hidden" not in files
