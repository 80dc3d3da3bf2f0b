"""Server-Timing (W3C): a paid answer may say how long its phases took, to the microsecond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core import Clock
from mock_rails.core.errors import BadInput
from sandbox.server.gate import Gate
from tests.unit.sandbox.server.support import App, FakeOffer, Shop

if TYPE_CHECKING:
    from sandbox.server.request import PaidRequest

HEADER = "server-timing"


class StopWatch(Clock):
    """A clock whose counter goes only where a test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.at_us = 0

    def monotonic_ns(self) -> int:
        return self.at_us * 1_000


class SlowOffer(FakeOffer):
    """An offer whose payment takes 12.5 ms."""

    def __init__(self, watch: StopWatch) -> None:
        super().__init__()
        self.watch = watch

    def matches(self, echoed: Any) -> bool:
        self.watch.at_us += 7  # a part of what admitting a credential costs
        return super().matches(echoed)

    async def settle(self, credential: Any, request: PaidRequest) -> Any:
        self.watch.at_us += 12_500
        return await super().settle(credential, request)


class SlowApp(App):
    """An application that thinks for 1.04 ms before its answer begins."""

    watch: StopWatch

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.watch.at_us += 1_040
        await super().__call__(scope, receive, send)


def shop(*, server_timing: bool) -> Shop:
    watch = StopWatch()
    app = SlowApp()
    app.watch = watch
    return Shop(SlowOffer(watch), clock=watch, app=app, server_timing=server_timing)


async def test_a_paid_answer_tells_verify_settle_and_deliver_in_milliseconds() -> None:
    async with shop(server_timing=True) as open_shop:
        answer = await open_shop.pay()
        assert answer.headers[HEADER] == "verify;dur=0.007, settle;dur=12.500, deliver;dur=1.040"


async def test_who_has_not_paid_is_told_nothing() -> None:
    async with shop(server_timing=True) as open_shop:
        assert HEADER not in (await open_shop.get()).headers


async def test_it_is_off_unless_it_is_asked_for() -> None:
    async with shop(server_timing=False) as open_shop:
        assert HEADER not in (await open_shop.pay()).headers


async def test_an_answer_that_is_given_again_does_not_repeat_the_phases_of_the_first() -> None:
    async with shop(server_timing=True) as open_shop:
        headers = {"Idempotency-Key": "once"}
        first = await open_shop.pay(headers=headers)
        assert HEADER in first.headers
        again = await open_shop.get(
            headers={**headers, "Authorization": first.request.headers["authorization"]}
        )
        assert (again.status_code, again.text) == (200, first.text)
        assert HEADER not in again.headers


async def test_a_gate_without_a_journal_has_no_phases_to_tell() -> None:
    async with shop(server_timing=False) as one:
        with pytest.raises(BadInput, match="this gate keeps none"):
            Gate(
                one.app, one.routes, challenges=one.challenges, store=one.store, clock=one.clock,
                server_timing=True,
            )  # fmt: skip
