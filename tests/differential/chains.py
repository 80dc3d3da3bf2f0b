"""The two chains that are compared, behind one synchronous JSON-RPC client each.

Ours runs in this process, but only its dispatcher is spoken to, with the bytes that a socket would
carry; anvil is a process of its own. Everything that a test learns of either comes over JSON-RPC.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import orjson

from mock_rails.core import RailContext
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.rail import Chain as SandboxRail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

CHAIN_ID = 1337
_TIMEOUT_S = 20

Request = tuple[str, tuple[Any, ...]]
"""A method and its parameters."""


class RefusedError(Exception):
    """The chain answered an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: Any = error.get("data")


class JsonRpc(Protocol):
    """A chain that answers JSON-RPC."""

    name: str

    def __call__(self, method: str, *params: Any) -> Any:
        """The result, or `RefusedError`."""

    def batch(self, requests: Sequence[Request]) -> list[Any]:
        """The results of several requests in one exchange, or `RefusedError`."""


class Sandbox:
    """Our chain, on the wall clock as anvil is."""

    name = "sandbox"

    def __init__(self) -> None:
        chain = SandboxRail(RailContext.create("differential"), ChainSettings(chain_id=CHAIN_ID))
        self._dispatcher = TempoApi(chain).dispatcher
        self._runner = asyncio.Runner()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.close()

    def __call__(self, method: str, *params: Any) -> Any:
        return _result(self._exchange(_request(method, params)))

    def batch(self, requests: Sequence[Request]) -> list[Any]:
        """The results of several requests in one exchange, or `RefusedError`."""
        return _results(self._exchange([_request(*request) for request in requests]))

    def _exchange(self, question: Any) -> Any:
        body = self._runner.run(self._dispatcher.answer(orjson.dumps(question)))
        return orjson.loads(body or b"")


class Anvil:
    """Foundry's anvil in its Tempo mode, listening on this machine."""

    name = "anvil"

    def __init__(self, port: int) -> None:
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_TIMEOUT_S)

    def __enter__(self) -> Anvil:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def __call__(self, method: str, *params: Any) -> Any:
        return _result(self._exchange(_request(method, params)))

    def batch(self, requests: Sequence[Request]) -> list[Any]:
        """The results of several requests in one exchange, or `RefusedError`."""
        return _results(self._exchange([_request(*request) for request in requests]))

    def _exchange(self, question: Any) -> Any:
        headers = {"Content-Type": "application/json"}
        response = self._http.post("/", content=orjson.dumps(question), headers=headers)
        return orjson.loads(response.content)


def _request(method: str, params: tuple[Any, ...]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def _results(answers: list[dict[str, Any]]) -> list[Any]:
    return [_result(answer) for answer in answers]


def _result(answer: dict[str, Any]) -> Any:
    if "error" in answer:
        raise RefusedError(answer["error"])
    return answer["result"]


def to_hex(data: bytes) -> str:
    """0x-prefixed hex."""
    return "0x" + data.hex()
