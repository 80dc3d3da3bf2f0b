"""The chain is a rail: it keeps every promise of `mock_rails.core.compliance`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.core.compliance import RailCompliance
from mock_rails.tempo import editing
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.rail import Chain
from tests.integration.tempo.desk import SHOP, Desk, tour

if TYPE_CHECKING:
    from mock_rails.core import RailContext


class TestTheChainIsARail(RailCompliance):
    """With instant mining: one of every operation."""

    def make_rail(self, context: RailContext) -> Chain:
        return Chain(context)

    def disturb(self, rail: Chain) -> None:
        desk = Desk(rail)
        tour(desk)
        editing.deal(rail, PATH_USD, SHOP, 123)


class TestAChainWithWaitingTransactions(RailCompliance):
    """Without it, transactions wait in the pool, some for a nonce that has not come: they are part
    of the state as well."""

    def make_rail(self, context: RailContext) -> Chain:
        return Chain(context, ChainSettings(block_time_ms=1_000, history_depth=4))

    async def disturb(self, rail: Chain) -> None:  # type: ignore[override]
        desk = Desk(rail)
        for gap in (1, 0, 4):
            who = 1 + gap
            first = rail.nonce(desk.people[who], pending=True)
            nonce = first + (gap + len(rail.pool) if gap else 0)
            await rail.submit(desk.sign(who, desk.transfer(PATH_USD, SHOP, 5), nonce=nonce).raw)
        rail.mine(2)
        await rail.submit(desk.sign(6, desk.transfer(PATH_USD, SHOP, 9)).raw)
        assert len(rail.pool) >= 2
