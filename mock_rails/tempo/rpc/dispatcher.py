"""JSON-RPC 2.0 over bytes: one parse in, one dump out, whatever carries them.

The dispatcher knows the envelope and nothing of the chain; families of methods are plain classes
whose methods wear `@method("eth_...")`. Three habits of clients decide the details (facts 5.1): a
success has no `error` member and an error no `result`; ids come back as they came; a batch is
answered in order, one call after another, so that a batch of writes and reads means what it says.
"""

from __future__ import annotations

import logging
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from mock_rails.core.errors import SandboxError, nearest
from mock_rails.tempo.errors import (
    InternalError,
    InvalidParams,
    MethodNotFound,
    ResponseLostError,
    RpcError,
)
from mock_rails.tempo.rpc.params import Params

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from mock_rails.tempo.rpc.connection import Connection

    Handler = Callable[[Params], Any]

_Method = TypeVar("_Method", bound="Callable[..., Any]")

BATCH_LIMIT: Final = 1_000

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600

_LONGEST_NAME: Final = 64

_LOGGER = logging.getLogger(__name__)


def method(*names: str) -> Callable[[_Method], _Method]:
    """Give a function its JSON-RPC name, and its other names where tools disagree."""

    def mark(function: _Method) -> _Method:
        function.rpc_names = names  # type: ignore[attr-defined]
        return function

    return mark


class Dispatcher:
    """A table of methods, and what a request needs around it."""

    def __init__(self, families: Iterable[object], *, batch_limit: int = BATCH_LIMIT) -> None:
        self.batch_limit = batch_limit
        self._plain: dict[str, Handler] = {}
        self._waiting: dict[str, Callable[[Params], Awaitable[Any]]] = {}
        for family in families:
            self._adopt(family)

    @property
    def methods(self) -> list[str]:
        """The names of all methods, sorted."""
        return sorted([*self._plain, *self._waiting])

    def _adopt(self, family: object) -> None:
        for attribute in vars(type(family)).values():
            for name in getattr(attribute, "rpc_names", ()):
                if name in self._plain or name in self._waiting:
                    raise ValueError(f"{name} is defined twice")
                table: dict[str, Any] = (
                    self._waiting if iscoroutinefunction(attribute) else self._plain
                )
                table[name] = attribute.__get__(family)

    # -- the envelope -----------------------------------------------------------------------------

    async def answer(self, body: bytes | str, connection: Connection | None = None) -> bytes | None:
        """The answer to a request or batch; None when it holds notifications only."""
        try:
            message = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            return orjson.dumps(_failure(None, PARSE_ERROR, f"parse error: {error}"))
        if isinstance(message, list):
            return await self._batch(message, connection)
        reply = await self._single(message, connection)
        return None if reply is None else _dump(reply)

    async def _batch(self, messages: list[Any], connection: Connection | None) -> bytes | None:
        if not messages:
            return orjson.dumps(_failure(None, INVALID_REQUEST, "empty batch"))
        if len(messages) > self.batch_limit:
            return orjson.dumps(
                _failure(
                    None,
                    INVALID_REQUEST,
                    f"a batch of {len(messages)} calls exceeds the limit of {self.batch_limit}",
                )
            )
        replies = [await self._single(message, connection) for message in messages]
        answered = [_dump(reply) for reply in replies if reply is not None]
        return b"[" + b",".join(answered) + b"]" if answered else None

    async def _single(self, message: Any, connection: Connection | None) -> dict[str, Any] | None:
        if type(message) is not dict:
            return _failure(None, INVALID_REQUEST, "a request must be a JSON object")
        request_id = message.get("id")
        if request_id is not None and type(request_id) is not int and type(request_id) is not str:
            return _failure(None, INVALID_REQUEST, "id must be an integer, a string or null")
        name = message.get("method")
        if type(name) is not str:
            return _failure(request_id, INVALID_REQUEST, "method must be a string")
        try:
            result = await self._call(name, message.get("params"), connection)
        except RpcError as error:
            reply = {"jsonrpc": "2.0", "id": request_id, "error": error.to_json()}
        else:
            reply = {"jsonrpc": "2.0", "id": request_id, "result": result}
        return reply if "id" in message else None

    async def _call(self, name: str, values: Any, connection: Connection | None) -> Any:
        if values is None:
            values = []
        elif type(values) is not list:
            raise InvalidParams(f"invalid params: {name} takes them as an array")
        params = Params(values, connection)
        try:
            handler = self._plain.get(name)
            if handler is not None:
                return handler(params)
            waiting = self._waiting.get(name)
            if waiting is not None:
                return await waiting(params)
        except (RpcError, ResponseLostError):
            raise
        except SandboxError as error:
            code = InvalidParams.code if error.status < 500 else InternalError.code
            raise RpcError(str(error), code=code, data=error.details or None) from error
        except Exception as error:
            _LOGGER.exception("%s failed", name)
            raise InternalError("internal error") from error
        raise self._unknown(name)

    def _unknown(self, name: str) -> MethodNotFound:
        hint = nearest(name, self.methods) if len(name) <= _LONGEST_NAME else ""
        suffix = f". {hint}" if hint.startswith("Did you mean") else ""
        return MethodNotFound(
            f"the method {name[:_LONGEST_NAME]} does not exist/is not available{suffix}"
        )


def _dump(reply: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(reply)
    except TypeError:
        _LOGGER.exception("an answer is not JSON")
        return orjson.dumps(_failure(reply["id"], InternalError.code, "internal error"))


def _failure(request_id: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}
