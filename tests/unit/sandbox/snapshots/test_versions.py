"""A snapshot that this version wrote once is loaded for good: teams commit them beside their tests.

`version-1.json` is a devnet on New Year of 2026 with a charge, a card's payment, a channel with two
requests, and an armed fault. Whoever changes a format lets it be read, or raises its version.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copyfile

from mock_rails.core import snapshot
from sandbox.devnet import Devnet
from sandbox.settings import DevnetSettings
from sandbox.snapshots import compare

KEPT = Path(__file__).parent / "version-1.json"


async def test_version_1_is_what_it_was(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    copyfile(KEPT, state)
    settings = replace(DevnetSettings().with_free_ports(), state=state)
    async with Devnet(settings) as devnet:
        assert devnet.context.clock.utc().isoformat() == "2026-01-01T00:00:00+00:00"
        (fault,) = devnet.context.faults.list()
        assert fault["fault"]["when"] == {"probability": "1/20", "times": 3}
        assert devnet.merchants is not None
        (channel,) = await devnet.merchants.sessions.channels()
        assert (channel.units, channel.spent, channel.settled) == (2, 2_000, 0)

        now = snapshot.take(devnet.context, devnet.parts)
        difference = compare(snapshot.load(KEPT), now)
        assert (difference.ledgers, difference.items) == ((), ())
        devnet.context.faults.clear()  # lest it drops what brings the money in
        await devnet.stop()
    assert [one.captured for one in devnet.captures] == [2_000]
