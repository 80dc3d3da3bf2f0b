"""The verbs of an HTTP client, each by its `request`: `PaidClient`'s and its wrappers'."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


class Verbs(ABC):
    """GET and the others, in terms of `request`."""

    @abstractmethod
    async def request(self, method: str, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """Send a request with httpx's options, and pay if that is asked for."""

    async def get(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """GET."""
        return await self.request("GET", url, **options)

    async def post(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """POST; the body is sent again with the payment."""
        return await self.request("POST", url, **options)

    async def put(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """PUT; the body is sent again with the payment."""
        return await self.request("PUT", url, **options)

    async def delete(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """DELETE."""
        return await self.request("DELETE", url, **options)

    async def head(self, url: str | httpx.URL, **options: Any) -> httpx.Response:
        """HEAD."""
        return await self.request("HEAD", url, **options)
