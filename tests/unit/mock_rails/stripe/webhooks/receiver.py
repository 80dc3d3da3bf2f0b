"""A merchant's webhook receiver, as an httpx transport: what it got, and what it answers."""

from __future__ import annotations

import json
from typing import Any

import httpx


class Receiver(httpx.AsyncBaseTransport):
    """Keeps every message; answers the statuses it was given, then 200."""

    def __init__(self, *statuses: int | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self._statuses = list(statuses)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events, in the order of their arrival."""
        return [json.loads(request.content) for request in self.requests]

    @property
    def types(self) -> list[str]:
        """Their types."""
        return [event["type"] for event in self.events]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Take a message."""
        self.requests.append(request)
        status = self._statuses.pop(0) if self._statuses else 200
        if isinstance(status, Exception):
            raise status
        return httpx.Response(status, text="thanks")
