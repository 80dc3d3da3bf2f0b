"""JSON-RPC over HTTP to any Tempo node: one POST a call, on a connection that is kept (facts 5.1).

An error says what is certain. `RpcError`: the node answered. `RpcUnavailable`: it has changed
nothing. `RpcOutcomeUnknown`: it may have. Reads whose answer is lost are asked once more; what
changes something never is, for only the caller knows whether that is safe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
import orjson

from sandbox.chain.errors import RpcError, RpcOutcomeUnknown, RpcUnavailable
from sandbox.chain.values import read_quantity

if TYPE_CHECKING:
    from types import TracebackType

_JSON: Final = {"content-type": "application/json"}
_REQUEST_TIMEOUT: Final = 408
_RATE_LIMITED: Final = 429
_RATE_LIMITED_CODE: Final = -32005
_KEEP_ALIVE: Final = httpx.Limits(max_connections=256, max_keepalive_connections=64)

_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
# httpx's in-process transport asserts that an answer is whole, where a socket would break.
_LOST: Final = (httpx.TransportError, AssertionError)

_READS: Final = frozenset(
    {
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_estimateGas",
        "eth_gasPrice",
        "eth_getBlockByNumber",
        "eth_getCode",
        "eth_getLogs",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
    }
)


class TempoRpc:
    """One node.

    `http` is a client of the caller's, who also closes it: an `httpx.ASGITransport` reaches a chain
    in the same process. Without one, the node gets a client of its own.
    """

    def __init__(
        self, url: str, *, http: httpx.AsyncClient | None = None, timeout_s: float = 30
    ) -> None:
        self.url = url
        self.timeout_s = timeout_s
        self._owned = http is None
        # Certificates take long to load, and only https looks at them.
        self.http = http or httpx.AsyncClient(limits=_KEEP_ALIVE, verify=url.startswith("https:"))
        self._chain_id: int | None = None
        self._asked = 0

    @property
    def host(self) -> str:
        """The node's host and port: all of its URL that may be shown, for some hold keys."""
        parts = urlsplit(self.url)
        return parts.netloc.rpartition("@")[2] or "the node"

    async def call(self, method: str, *params: Any) -> Any:
        """Call a method and return its result."""
        self._asked += 1
        body = orjson.dumps(
            {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params}
        )
        try:
            return await self._post(method, body)
        except RpcOutcomeUnknown:
            if method not in _READS:
                raise
        try:
            return await self._post(method, body)
        except RpcOutcomeUnknown as error:  # of a read there is no outcome to wonder about
            raise RpcUnavailable(error.detail, hint=error.hint) from error

    async def chain_id(self) -> int:
        """The chain's id; asked once."""
        if self._chain_id is None:
            self._chain_id = read_quantity(await self.call("eth_chainId"), "eth_chainId")
        return self._chain_id

    async def block_number(self) -> int:
        """The chain's height."""
        return read_quantity(await self.call("eth_blockNumber"), "eth_blockNumber")

    async def aclose(self) -> None:
        """Close the connections, unless the client is the caller's."""
        if self._owned:
            await self.http.aclose()

    async def __aenter__(self) -> TempoRpc:
        """Use it in a block, to have it closed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.aclose()

    def __repr__(self) -> str:
        """The host only."""
        return f"<TempoRpc {self.host}>"

    # -- the wire ---------------------------------------------------------------------------------

    async def _post(self, method: str, body: bytes) -> Any:
        try:
            response = await self.http.post(
                self.url, content=body, headers=_JSON, timeout=self.timeout_s
            )
        except (*_NEVER_SENT, httpx.InvalidURL) as error:
            raise RpcUnavailable(
                f"{self.host} cannot be reached for {method}: {_why(error)}.",
                hint="Is the node running, and is the URL right?",
            ) from error
        except _LOST as error:
            raise RpcOutcomeUnknown(
                f"{self.host} was asked for {method} and did not answer: {_why(error)}."
            ) from error
        answer = _read(response.content)
        if answer is not None:
            failure = answer.get("error")
            if isinstance(failure, dict):
                raise _as_error(failure)
            if "result" in answer and response.is_success:
                return answer["result"]
        raise self._not_an_answer(method, response.status_code)

    def _not_an_answer(
        self, method: str, status: int
    ) -> RpcUnavailable | RpcOutcomeUnknown | RpcError:
        if status == _RATE_LIMITED:
            return RpcError(_RATE_LIMITED_CODE, "rate limit exceeded (HTTP 429)")
        if 300 <= status < 500 and status != _REQUEST_TIMEOUT:
            return RpcUnavailable(
                f"{self.host} turned {method} away with HTTP {status}.",
                hint="Is this the URL of a Tempo node, and does it ask for a key?",
            )
        return RpcOutcomeUnknown(
            f"{self.host} answered {method} with HTTP {status} and no JSON-RPC answer.",
            hint="Is this the URL of a Tempo node?",
        )


def _read(content: bytes) -> dict[str, Any] | None:
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _as_error(failure: dict[str, Any]) -> RpcError:
    code = failure.get("code")
    message = failure.get("message")
    return RpcError(
        code if isinstance(code, int) else -32603,
        message if isinstance(message, str) and message else "no message",
        failure.get("data"),
    )


def _why(error: BaseException) -> str:
    return type(error).__name__
