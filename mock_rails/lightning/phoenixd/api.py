"""One node's phoenixd as a plain ASGI application (facts: lightning 4.5)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from mock_rails.connection import break_off, live, read_body
from mock_rails.lightning.errors import LightningError, ResponseLostError
from mock_rails.lightning.lnd.waiting import Departed, unless
from mock_rails.lightning.phoenixd import calls, shapes
from mock_rails.lightning.phoenixd.calls import Call, Refused
from mock_rails.lightning.phoenixd.listeners import Listeners

if TYPE_CHECKING:
    import httpx

    from mock_rails.connection import Message, Receive, Send
    from mock_rails.lightning.phoenixd.calls import Handler
    from mock_rails.lightning.rail import Lightning


BODY_LIMIT: Final = 64 * 1024
MOST_FIELDS: Final = 50

_FORM: Final = "application/x-www-form-urlencoded"
_UNAUTHORIZED: Final = (
    "Invalid authentication (use basic auth with the http password set in phoenix.conf)"
)
_WRONG_METHOD: Final = "Invalid http method (use the correct GET/POST)"
_UNKNOWN: Final = "Unknown endpoint (check api doc)"


@dataclass(frozen=True, slots=True)
class _Endpoint:
    verb: str
    handler: Handler
    limited: bool = True
    """Whether the password of limited access will do."""


_FIXED: Final = {
    "/createinvoice": _Endpoint("POST", calls.create_invoice),
    "/payinvoice": _Endpoint("POST", calls.pay_invoice, limited=False),
    "/decodeinvoice": _Endpoint("POST", calls.decode_invoice),
    "/getinfo": _Endpoint("GET", calls.get_info),
    "/getbalance": _Endpoint("GET", calls.get_balance),
    "/payments/incoming": _Endpoint("GET", calls.list_incoming),
    "/payments/outgoing": _Endpoint("GET", calls.list_outgoing),
}
_NAMED: Final = {
    "/payments/incoming": _Endpoint("GET", calls.find_incoming),
    "/payments/outgoing": _Endpoint("GET", calls.find_outgoing),
    "/payments/outgoingbyhash": _Endpoint("GET", calls.find_outgoing_by_hash),
}
NOT_EMULATED: Final = frozenset(
    {"/createoffer", "/getoffer", "/getlnaddress", "/payoffer", "/paylnaddress", "/decodeoffer",
     "/lnurlpay", "/lnurlwithdraw", "/lnurlauth", "/sendtoaddress", "/bumpfee", "/closechannel",
     "/export", "/listchannels", "/estimateliquidityfees"}
)  # fmt: skip
"""What phoenixd can and this cannot; it says so."""


class PhoenixdApi:
    """One node's endpoint. Hand it to any ASGI server, or to httpx's ASGI transport."""

    def __init__(
        self,
        rail: Lightning,
        node_name: str,
        password: str,
        limited_password: str | None = None,
        *,
        webhook_url: str | None = None,
        webhook_secret: str = "",
        webhook_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`limited_password` is for those who may ask and look, and not pay. Webhooks are signed
        with `webhook_secret`, or with the password where there is none."""
        self.rail = rail
        self.node = rail.node(node_name)
        self._password = password
        self._limited_password = limited_password
        self._listeners = Listeners(
            self.node, webhook_url, webhook_secret or password, webhook_transport
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, one WebSocket, or the application's lifetime."""
        kind = scope["type"]
        if kind == "http":
            try:
                self.node.reached()
                await self._http(scope, receive, send)
            except ResponseLostError:
                await break_off(receive, send)
            except Departed:
                return
        elif kind == "websocket":
            try:
                self.node.reached()
                await self._websocket(scope, receive, send)
            except ResponseLostError:
                await break_off(receive, send)
        elif kind == "lifespan":
            # Let the listeners begin before the first request, so that they miss nothing.
            begun = self.rail.context.clock.yield_to_loop
            await live(receive, send, self.rail.keep_time, self._listeners.run, begun=begun)
        else:
            raise ValueError(f"ASGI scope {kind!r} is not served here")

    # -- HTTP -------------------------------------------------------------------------------------

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        body = await read_body(receive, BODY_LIMIT)
        if body is None:
            return
        try:
            if len(body) > BODY_LIMIT:
                raise Refused(413, "Payload Too Large")
            endpoint, part = _find(scope["method"], scope["path"])
            self._check(scope, limited=endpoint.limited)
            fields = _fields(scope, body)
            work = endpoint.handler(Call(self.node, fields, part))
            answer = shapes.text(await unless(_left(receive), work))
        except Refused as refused:
            await _answer(send, refused.status, refused.text, "text/plain; charset=UTF-8")
        except LightningError as error:
            await _answer(send, error.status, error.detail, "text/plain; charset=UTF-8")
        else:
            await _answer(send, 200, answer, "application/json")

    def _check(self, scope: Message, *, limited: bool) -> None:
        """HTTP Basic, with any user."""
        given = _header(scope, b"authorization")
        scheme, _, coded = given.partition(" ")
        try:
            written = base64.b64decode(coded.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            written = ""
        password = written.partition(":")[2].encode()
        known = [self._password]
        if limited and self._limited_password is not None:
            known.append(self._limited_password)
        if scheme.lower() != "basic" or not any(
            hmac.compare_digest(password, one.encode()) for one in known
        ):
            raise Refused(401, _UNAUTHORIZED)

    # -- WebSockets -------------------------------------------------------------------------------

    async def _websocket(self, scope: Message, receive: Receive, send: Send) -> None:
        """A message for each payment that comes in."""
        await receive()
        try:
            if scope["path"] != "/websocket":
                raise Refused(404, _UNKNOWN)
            self._check(scope, limited=True)
        except Refused:
            await send({"type": "websocket.close"})
            return
        with self._listeners.listening() as messages:
            await send({"type": "websocket.accept"})
            left = asyncio.ensure_future(_left(receive))
            try:
                while True:
                    text = await unless(left, messages.get())
                    await send({"type": "websocket.send", "text": text})
            except Departed:
                return
            finally:
                left.cancel()
                await asyncio.gather(left, return_exceptions=True)

    # -- lifetime ---------------------------------------------------------------------------------


def _find(verb: str, path: str) -> tuple[_Endpoint, str]:
    """The endpoint that is meant, and what stands at its end."""
    folder, _, part = path.rpartition("/")
    if path in _FIXED:
        endpoint, part = _FIXED[path], ""
    elif folder in _NAMED and part:
        endpoint = _NAMED[folder]
    elif path in NOT_EMULATED:
        raise Refused(501, f"{path} is not emulated")
    else:
        raise Refused(404, _UNKNOWN)
    if endpoint.verb != verb:
        raise Refused(405, _WRONG_METHOD)
    return endpoint, part


def _fields(scope: Message, body: bytes) -> dict[str, str]:
    """The form of a POST, the query of a GET; the first of several fields of a name counts."""
    if scope["method"] == "POST":
        kind = _header(scope, b"content-type").partition(";")[0].strip().lower()
        if body and kind != _FORM:
            raise Refused(415, "Unsupported Media Type")
        written = body
    else:
        written = scope.get("query_string", b"")
    try:
        pairs = parse_qsl(written.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except (ValueError, UnicodeDecodeError):
        raise Refused(400, "the parameters cannot be read") from None
    return dict(reversed(pairs))


def _header(scope: Message, wanted: bytes) -> str:
    return next(
        (value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted), ""
    )


async def _left(receive: Receive) -> None:
    """Wait until the client is gone."""
    while not (await receive())["type"].endswith(".disconnect"):
        pass


async def _answer(send: Send, status: int, text: str, kind: str) -> None:
    body = text.encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="Ktor Server", charset=UTF-8'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
