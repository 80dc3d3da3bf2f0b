"""A place that keeps records and marks: what the gate is given, and what the devnet closes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from sandbox.server.stores.codec import Codec
    from sandbox.server.stores.records import RecordStore
    from sandbox.server.stores.replays import ReplayStore

T = TypeVar("T")


class Store(Protocol):
    """Memory, a SQLite file or a Redis database, whichever of them it is."""

    def records(self, name: str, codec: Codec[T]) -> RecordStore[T]:
        """The collection of this name; the same name always means the same records."""
        ...

    def replays(self) -> ReplayStore:
        """The replay marks, one set for the whole place."""
        ...

    async def close(self) -> None:
        """Let go of files and connections; closing twice is fine, using it afterwards is not."""
        ...
