"""A payer may be killed after any of its writes: the next one's ledger is what its node has paid.

Facts: lightning 1.5, 2.5. Its state directory is copied after each write, as a kill there would
leave it; then each copy is gone on with.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.client.ledger import Tally
from sandbox.client.lightning.book import LightningBook
from sandbox.client.spending import Spending
from tests.unit.sandbox.client.lightning.world import (
    COST,
    customer,
    debits,
)
from tests.unit.sandbox.server.lightning.support import World, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Copies:
    """The state directory after each write that followed a payment."""

    def __init__(self, world: World, state: Path, into: Path) -> None:
        self._world, self._state, self._into = world, state, into
        self.made: list[Path] = []

    def take(self) -> None:
        if "SUCCEEDED" in debits(self._world):
            copy = self._into / f"{len(self.made)}"
            shutil.copytree(self._state, copy)
            self.made.append(copy)


@pytest.fixture
def copying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[World], Copies]:
    """From now on, the state in `tmp_path / "state"` is copied after each write."""

    def begin(world: World) -> Copies:
        copies = Copies(world, tmp_path / "state", tmp_path / "copies")
        turn, write = Spending.turn, LightningBook._write

        @contextmanager
        def seen_turn(spending: Spending) -> Iterator[None]:
            with turn(spending):
                yield
            copies.take()

        def seen_write(book: LightningBook, *values: Any) -> None:
            write(book, *values)
            copies.take()

        monkeypatch.setattr(Spending, "turn", seen_turn)
        monkeypatch.setattr(LightningBook, "_write", seen_write)
        return copies

    return begin


async def test_a_charge_is_counted_as_it_was_paid_wherever_a_kill_falls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copying: Callable[[World], Copies]
) -> None:
    async with opened() as world:
        copies = copying(world)
        async with customer(world, state=tmp_path / "state") as client:
            await client.get("/charge")
        monkeypatch.undo()
        assert len(copies.made) >= 2
        for copy in copies.made:
            async with customer(world, state=copy) as client:
                assert await client.reconcile() == ()
                assert client.lightning_ledger.tally() == Tally(COST, 0), copy.name
        assert debits(world) == ["SUCCEEDED"]


async def test_a_session_is_counted_as_it_came_to_wherever_a_kill_falls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copying: Callable[[World], Copies]
) -> None:
    async with opened() as world:
        before_msat = world.balance()
        copies = copying(world)
        async with customer(world, state=tmp_path / "state") as client:
            for _ in range(5):
                await client.get("/session")
        monkeypatch.undo()
        paid_sat = (before_msat - world.balance()) // 1_000
        for copy in copies.made:
            async with customer(world, state=copy) as client:
                await client.reconcile()
                await client.lightning_sessions.close_all()
                assert client.lightning_ledger.tally() == Tally(paid_sat, 0), copy.name
