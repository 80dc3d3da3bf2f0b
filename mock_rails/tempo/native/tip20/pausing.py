"""Stopping a token and letting it go on (facts 2.2 and 3)."""

from __future__ import annotations

from mock_rails.tempo.abi import Event
from mock_rails.tempo.native.contract import function, view
from mock_rails.tempo.native.tip20.ledger import Ledger
from mock_rails.tempo.native.tip20.roles import PAUSE_ROLE, UNPAUSE_ROLE, Roles


class Pausing(Ledger, Roles):
    """Two roles, so that whoever may stop a token need not be able to restart it."""

    PauseStateUpdate = Event("PauseStateUpdate(address indexed updater, bool isPaused)")

    @view("paused() returns (bool)")
    def paused(self) -> bool:
        """Whether transfers, mints, burns and fee payments are stopped."""
        return bool(self.paused_flag)

    @function("pause()")
    def pause(self) -> None:
        """Stop the token."""
        self._set_paused(PAUSE_ROLE, True)

    @function("unpause()")
    def unpause(self) -> None:
        """Let it go on."""
        self._set_paused(UNPAUSE_ROLE, False)

    def _set_paused(self, role: bytes, paused: bool) -> None:
        self.require_role(role)
        self.paused_flag = paused
        self.emit(self.PauseStateUpdate, self.sender, paused)
