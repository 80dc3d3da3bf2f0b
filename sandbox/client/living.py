"""Which runs of a wallet's programs are alive: each holds a small file of its own."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mock_rails.held import Held

if TYPE_CHECKING:
    from pathlib import Path

_MARK: Final = "spending.{}.alive"


def sign_of_life(state: Path, run: int) -> Held:
    """One run's sign of life in a directory, until it is released or the process ends."""
    return Held(state / _MARK.format(run))


def living_runs(state: Path) -> set[int]:
    """The runs that are alive. What dead ones have left lying about is removed."""
    found: set[int] = set()
    for path in state.glob(_MARK.format("*")):
        number = path.name.split(".")[1]
        if not number.isdecimal():
            continue
        try:
            Held(path).release()
        except BlockingIOError:
            found.add(int(number))
    return found


class ChannelsInUse:
    """Which channels this run uses, where other runs that share the directory can see it."""

    def __init__(self, state: Path | None) -> None:
        self._state = state
        self._held: dict[bytes, Held] = {}

    def use(self, channel_id: bytes) -> None:
        """This run pays with the channel."""
        if self._state is not None and channel_id not in self._held:
            with suppress(OSError):  # somebody closes it; or nothing can be written any more
                self._held[channel_id] = Held(self._path(channel_id), shared=True)

    def leave(self, channel_id: bytes) -> bool:
        """This run is done with the channel. Whether no other living run uses it."""
        if self._state is None:
            return True
        hold = self._held.pop(channel_id, None)
        try:
            hold = hold or Held(self._path(channel_id), shared=True)
        except BlockingIOError:
            return False
        is_last = hold.is_only()
        hold.release()
        return is_last

    def close(self) -> None:
        """This run is over."""
        for channel_id in tuple(self._held):
            self.leave(channel_id)

    def _path(self, channel_id: bytes) -> Path:
        assert self._state is not None
        return self._state / f"channel.{channel_id.hex()}.used"
