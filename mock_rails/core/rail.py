"""What a rail is to the rest of the sandbox, and what it is made from.

A rail is one kind of money: a chain, a card processor, a Lightning network. The devnet, the
snapshots and the tests treat all of them through the `Rail` protocol and know none by name. Its
meaning is pinned down by `mock_rails.core.compliance`, which every rail must pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mock_rails.core.clock import Clock
from mock_rails.core.faults import Faults
from mock_rails.core.journal import DEFAULT_CAPACITY, Journal
from mock_rails.core.seeds import Seeds

if TYPE_CHECKING:
    from mock_rails.core.faults import FaultPoint

DEFAULT_SEED = "mpp-sandbox"


@runtime_checkable
class Rail(Protocol):
    """One kind of money, deterministic and self-contained.

    Everything that moves money must leave the rail conserved; everything it holds must be in its
    snapshot. Names of its fault points and of its seeded streams begin with `<name>.`.
    """

    @property
    def name(self) -> str:
        """The rail's short name: `tempo`, `stripe`, `lightning`."""

    def fault_points(self) -> tuple[FaultPoint, ...]:
        """The places where faults may strike; registered with the context when constructed."""

    def snapshot(self) -> dict[str, Any]:
        """The whole state as JSON values: texts, whole numbers, booleans, nulls, lists and objects.

        The document is a copy: later payments do not change it.
        """

    def restore(self, document: object) -> None:
        """Become the state of a snapshot. A document that is not one raises SnapshotError and
        changes nothing."""

    def check_conservation(self) -> None:
        """Raise ConservationError if money appeared or vanished."""

    def digest(self) -> str:
        """A hash of the state: equal states, equal digests. `snapshot.digest` makes one."""

    def reset(self) -> None:
        """Become what the rail was when it was constructed."""


@dataclass(frozen=True, slots=True)
class RailContext:
    """What all rails of one sandbox share, and what each is constructed with."""

    clock: Clock
    seeds: Seeds
    journal: Journal
    faults: Faults

    @classmethod
    def create(
        cls,
        seed: int | str = DEFAULT_SEED,
        clock: Clock | None = None,
        journal_capacity: int = DEFAULT_CAPACITY,
    ) -> RailContext:
        """A fresh context; without a clock, one that follows the wall."""
        clock = clock or Clock()
        seeds = Seeds(seed)
        journal = Journal(clock, journal_capacity)
        return cls(clock, seeds, journal, Faults((), seeds, journal))
