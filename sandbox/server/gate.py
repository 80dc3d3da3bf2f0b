"""The payment gate: an ASGI application around another, whose listed routes cost money.

    challenge -> verify -> settle -> deliver

Core draft; facts: protocol 1.1, 1.5, 2.5 and 2.9. pympp's handler decides only about a payment, and
its framework glue runs the route after each (2.3, G1-G7). This gate speaks ASGI itself, so that it
can answer a message to a channel with 204, a HEAD with a bootstrap, a dead channel with 410, and
charge a stream as it flows. What a payment is stays the offers' business.

The application sees `scope["mpp"]`, the Settlement of what it is paid for.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from mpp.errors import BadRequestError, PaymentError, PaymentRequiredError

from mock_rails.core.errors import BadInput
from sandbox.server.admission import ChallengeEnded, admit
from sandbox.server.answers import Answers
from sandbox.server.delivery import Courier, expose_answers
from sandbox.server.exchange import Exchange
from sandbox.server.refusals import (
    ContentTooLargeError,
    GateFailedError,
    OutcomeUnknownError,
    PolicyRefusedError,
    Refused,
    StoreFailedError,
)
from sandbox.server.repeats import Repeats
from sandbox.server.request import PaidRequest
from sandbox.server.single_use import SingleUse
from sandbox.server.stores.errors import StoreError
from sandbox.server.trouble import StoreTrouble
from sandbox.server.visit import (
    BodyTooLarge,
    ClientLeft,
    Visit,
    as_message,
    bootstraps,
    costs,
    found_credential,
    frame_requests,
    in_its_words,
    may_have_body,
    read_body,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_rails.core.clock import Clock
    from mock_rails.core.journal import Journal
    from sandbox.server.admission import Admitted
    from sandbox.server.challenges import Challenges
    from sandbox.server.delivery import Message, Receive, Send
    from sandbox.server.offer import Settlement
    from sandbox.server.repeats import Repeat
    from sandbox.server.route import Route
    from sandbox.server.stores import Store

BODY_LIMIT: Final = 1 << 20

_LOG: Final = logging.getLogger("sandbox.server")


class Gate:
    """An ASGI application that takes payments for another one's routes."""

    def __init__(
        self,
        app: Any,
        routes: Sequence[Route],
        *,
        challenges: Challenges,
        store: Store,
        clock: Clock,
        journal: Journal | None = None,
        body_limit: int = BODY_LIMIT,
        server_timing: bool = False,
    ) -> None:
        """With `server_timing` paid answers say in a Server-Timing field how long their phases took
        here; the phases are the journal's, which it needs."""
        self.app = app
        if server_timing and journal is None:
            raise BadInput("Server-Timing tells a journal's phases, and this gate keeps none.")
        self._routes = {route.path: route for route in routes}
        if len(self._routes) != len(routes):
            raise BadInput("Two routes have the same path; one route takes several methods.")
        self._sockets = {route.socket_path: route for route in routes if route.socket_path}
        self._challenges = challenges
        self._clock = clock
        self._journal = journal
        self._body_limit = body_limit
        self._answers = Answers(challenges)
        self._courier = Courier(app, clock, server_timing=server_timing)
        self._trouble = StoreTrouble(clock)
        self._single_use = SingleUse(store.replays(), clock)
        self._repeats = Repeats(store, clock, challenges, self._single_use)
        self._bootstraps = {route.path: bootstraps(route) for route in routes}
        for route in routes:
            for offer in (*route.offers, *self._bootstraps[route.path]):
                challenges.prepare(offer)
                if (go_by := getattr(offer, "go_by", None)) is not None:
                    go_by(clock)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve a paid request, or hand anything else to the application as it came."""
        kind = scope["type"]
        if kind == "http":
            route = self._routes.get(scope["path"])
            if route is None and (route := self._sockets.get(scope["path"])) is not None:
                # A WebSocket's client gets its 402 from the same URL over HTTP (2.9).
                scope = {**scope, "path": route.path, "raw_path": route.path.encode()}
            if route is not None:
                await self._http(route, scope, receive, send)
                return
        elif kind == "websocket":
            route = self._sockets.get(scope["path"])
            if route is not None:
                await self._socket(route, scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def pay_once(
        self, authorization: str, route: Route, request: PaidRequest, *, buys: bool = False
    ) -> tuple[Settlement, str, Exchange | None]:
        """Settle the credential of a WebSocket frame, and say which challenge it answered and where
        it is recorded what came of it.

        `request` is the socket's handshake. With `buys` the credential is for the GET that this
        stands for, price and all. Raises a PaymentError if the credential is refused.
        """
        asked, posted = frame_requests(route, authorization, request.scope)
        visit = self._visit(Visit(route, asked, _no_answer))
        try:
            paid = await self._paid(visit, asked if buys else posted)
            if paid is None:
                raise Refused("credential", PaymentRequiredError(self._challenges.realm))
        except Refused as refused:
            refused = in_its_words(visit, refused)
            if visit.exchange is not None:
                visit.exchange.refused(refused, ())
            raise refused.error from refused
        admitted, settlement, _ = paid
        assert settlement is not None  # a frame has no Idempotency-Key, so it is never repeated
        return settlement, admitted.challenge_id, visit.exchange

    async def purge(self) -> int:
        """Forget the kept answers of earlier processes whose time is over; how many there were.

        Those of this process go by themselves. For the start, where the store outlives processes.
        """
        return await self._repeats.purge()

    # -- HTTP -------------------------------------------------------------------------------------

    async def _http(self, route: Route, scope: Message, receive: Receive, send: Send) -> None:
        method = scope["method"]
        request = PaidRequest(scope)
        proofs = self._bootstraps[route.path] if method == "HEAD" else ()
        if not proofs and not costs(route, method) and not _is_message(route, request):
            await self.app(scope, receive, expose_answers(send) if method == "OPTIONS" else send)
            return
        visit = self._visit(Visit(route, request, send, bootstraps=proofs))
        try:
            if may_have_body(request):
                await self._read(request, receive)
            paid = await self._paid(visit, as_message(route, request))
        except Refused as refused:
            await self._answers.refuse(visit, refused)
            return
        except ClientLeft:
            return
        except Exception:
            _LOG.exception("the payment gate failed")
            await self._answers.refuse(visit, Refused("gate", GateFailedError()))
            return
        if paid is None:
            await self._answers.ask(visit)
            return
        admitted, settlement, repeat = paid
        if settlement is None:
            assert repeat is not None
            assert repeat.answer is not None
            await self._answers.repeat(visit, repeat.answer)
        elif settlement.delivers:
            try:
                await self._courier.deliver(visit, admitted, settlement, repeat, receive)
            except Refused as refused:  # a stream's price turned out not to be covered
                if repeat is not None and not settlement.amount:  # nothing was charged for it
                    await repeat.abandon()
                await self._answers.refuse(visit, refused)
        else:
            await self._answers.acknowledge(visit, settlement, repeat)

    def _visit(self, visit: Visit) -> Visit:
        """The visit with its record, if records are kept."""
        if self._journal is not None:
            visit.exchange = Exchange(self._journal, self._clock, visit.request, visit.progress)
        return visit

    async def _read(self, request: PaidRequest, receive: Receive) -> None:
        """Read the body before anything is charged, for what is too large is not worth paying."""
        try:
            request.body = await read_body(request, receive, self._body_limit)
        except BodyTooLarge:
            error = ContentTooLargeError(self._body_limit)
            raise Refused("body", error, expected=f"at most {self._body_limit} bytes") from None

    async def _paid(
        self, visit: Visit, message: PaidRequest
    ) -> tuple[Admitted, Settlement | None, Repeat | None] | None:
        """What the request pays with, settled; None if it pays with nothing. Without a settlement
        it was answered before. `message` is the request as the offer is to see it."""
        request, exchange = visit.request, visit.exchange
        _check_policy(visit.route, request)
        try:
            found = found_credential(request)
        except BadRequestError as error:
            raise Refused("one-credential", error, expected=1) from error
        except PaymentError as error:
            raise Refused("credential", error) from error
        if exchange is not None:
            exchange.lap("parse")
        if found is None:
            return None
        try:
            return await self._accepted(visit, found, message)
        except StoreError as error:  # what the offer raises is sorted: this came before or after it
            self._trouble.tell(error)
            raise Refused("store", StoreFailedError(error)) from error
        except Refused as refused:
            if isinstance(refused.error, StoreFailedError):
                self._trouble.tell(refused.error.failure)
            raise

    async def _accepted(
        self, visit: Visit, found: str, message: PaidRequest
    ) -> tuple[Admitted, Settlement | None, Repeat | None]:
        """The same, of a credential that there is. One that paid before its challenge ended gets
        its answer again, and one that may have paid is not asked to pay anew."""
        request = visit.request
        try:
            admitted = admit(found, visit.taken, request, self._challenges, visit.progress)
        except ChallengeEnded as ended:
            repeat = await self._repeats.after_end(ended.admitted, request)
            if repeat is None:
                await self._single_use.check_unmarked(ended.admitted)
                raise
            return ended.admitted, None, repeat
        if visit.exchange is not None:
            visit.exchange.lap("verify")
        return await self._settled(visit, admitted, message)

    async def _settled(
        self, visit: Visit, admitted: Admitted, message: PaidRequest
    ) -> tuple[Admitted, Settlement | None, Repeat | None]:
        """The same, of a credential that was admitted."""
        exchange = visit.exchange
        repeat = await self._repeats.begin(admitted, visit.request)
        if repeat is not None and repeat.answer is not None:
            return admitted, None, repeat
        try:
            settlement = await self._single_use.settle(admitted, message)
        except Refused as refused:
            if repeat is not None:
                await _end(repeat, admitted, refused)
            raise
        if exchange is not None:
            exchange.lap("settle")
            exchange.paid(settlement)
        return admitted, settlement, repeat

    # -- WebSockets -------------------------------------------------------------------------------

    async def _socket(self, route: Route, scope: Message, receive: Receive, send: Send) -> None:
        """The WebSocket twin of a streamed route: the application answers a GET behind it."""
        from sandbox.server.streaming import SocketPayment, run_app_as_stream, serve_socket

        handshake = PaidRequest({**scope, "type": "http", "method": "GET"})

        async def pay(authorization: str) -> SocketPayment:
            return SocketPayment(*await self.pay_once(authorization, route, handshake))

        async def buy(authorization: str) -> SocketPayment:
            paid = await self.pay_once(authorization, route, handshake, buys=True)
            return SocketPayment(*paid)

        await serve_socket(
            scope,
            receive,
            send,
            pay=pay,
            buy=buy,
            open_stream=lambda paid: run_app_as_stream(self.app, scope, path=route.path, mpp=paid),
            clock=self._clock,
        )


async def _end(repeat: Repeat, admitted: Admitted, refused: Refused) -> None:
    """The attempt has failed. Where nobody knows what it charged, its credential's mark says so; a
    voucher has none, and what was written for it may still arrive, so that its lease runs on."""
    if not isinstance(refused.error, OutcomeUnknownError):
        await repeat.abandon()
    elif admitted.offer.is_single_use:
        await repeat.leave()


async def _no_answer(message: Message) -> None:
    """A frame is answered by whoever reads the socket."""


def _check_policy(route: Route, request: PaidRequest) -> None:
    if route.policy is None:
        return
    reason = route.policy(request)
    if reason is not None:
        raise Refused("policy", PolicyRefusedError(reason), got=reason)


def _is_message(route: Route, request: PaidRequest) -> bool:
    """Whether it only speaks of a payment: a POST on a route that serves no POST (facts: protocol
    2.5), a GET on one that serves no GET (lightning 2.2)."""
    if not route.is_managed:
        return False
    if request.method == "GET":
        return any(getattr(offer, "asks_on_get", False) for offer in route.offers)
    if request.method != "POST":
        return False
    try:
        return found_credential(request) is not None
    except PaymentError:
        return True  # it has one; what is wrong with it is said where it is looked at
