"""The one session that all requests to a host and realm share, and whose turn it is to open it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sandbox.client.errors import PaymentNotPreparedError

if TYPE_CHECKING:
    from sandbox.client.lightning.session.live import Live


class Lane:
    """While one request opens the session, the others wait for what comes of it."""

    def __init__(self, host: str, realm: str) -> None:
        self.host = host
        self.realm = realm
        self.session: Live | None = None
        self._turn: asyncio.Task[Any] | None = None
        self._over = asyncio.Event()

    async def wait(self, patience_s: float) -> None:
        """Until nobody is opening it. A task whose call is over has given its turn back, however
        that ended: it is done, or it is the one that asks again."""
        while (task := self._turn) is not None:
            if task.done() or task is asyncio.current_task():
                self.end()
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._over.wait()
                    continue
            raise PaymentNotPreparedError(
                f"Another request is opening the session at {self.host}, and has not come to an"
                " end with it."
            )

    def begin(self) -> None:
        """It is the calling task's turn."""
        task = asyncio.current_task()
        self._turn = task
        self._over = asyncio.Event()
        if task is not None:
            task.add_done_callback(lambda _: self.end(task))

    def end(self, task: asyncio.Task[Any] | None = None) -> None:
        """The turn is over, unless it is another task's by now."""
        if task is None or task is self._turn:
            self._turn = None
            self._over.set()
