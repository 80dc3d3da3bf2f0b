"""What a paid answer carries, what an unpaid one does, and what of it others may see.

Facts: protocol 1.1, rows 4, 5, 14 and 30.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.sandbox.server.support import App, Shop, challenge_of, credential, paid, problem

# -- what the application does ---------------------------------------------------------------------


async def test_an_application_that_raises_has_been_paid_and_the_client_is_told() -> None:
    async with Shop(app=App(fails=ValueError("a secret of the shop"))) as shop:
        answer = await shop.pay()
        assert (answer.status_code, problem(answer)) == (500, "delivery-failed")
        assert "Do not pay again" in answer.json()["hint"]
        assert "secret" not in answer.text
        failed = shop.journal.read(kind="exchange.failed")[0]
        assert failed.data["paid"] is True
        assert failed.data["reason"] == "the application raised ValueError"


async def test_an_application_that_raises_after_its_answer_began_breaks_the_connection() -> None:
    async with Shop(app=App(fails=ValueError("x"), fails_late=True)) as shop:
        asked = await shop.get()
        transport = httpx.ASGITransport(shop.gate)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
            with pytest.raises(ValueError, match="x"):
                await http.get("/goods", headers=paid(challenge_of(asked)))
        assert shop.kinds()[-1] == "exchange.failed"


async def test_an_application_that_says_nothing_is_answered_for() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        pass

    async with Shop(app=silent) as shop:
        assert problem(await shop.pay()) == "delivery-failed"


async def test_errors_of_the_application_have_no_receipt() -> None:
    receipt = (b"payment-receipt", b"a lie")
    async with Shop(app=App(status=404, headers=[receipt])) as shop:
        answer = await shop.pay()
        assert answer.status_code == 404
        assert "payment-receipt" not in answer.headers
        assert answer.headers["cache-control"] == "private"
        assert shop.kinds()[-1] == "exchange.failed"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"public, max-age=60", "private, max-age=60"),
        (b"max-age=60, S-MaxAge=90, Public", "private, max-age=60"),
        (b"private, max-age=60", "private, max-age=60"),
        (b"no-store", "no-store"),
        (b"public, no-store", "private, no-store"),
        (b"", "private"),
    ],
)
async def test_a_paid_answer_is_for_one_client(given: bytes, kept: str) -> None:
    async with Shop(app=App(headers=[(b"cache-control", given)])) as shop:
        assert (await shop.pay()).headers["cache-control"] == kept


async def test_a_head_is_paid_for_and_has_no_body() -> None:
    async with Shop() as shop:
        asked = await shop.http.head("/goods")
        assert (asked.status_code, asked.content) == (402, b"")
        answer = await shop.http.head("/goods", headers=paid(challenge_of(asked)))
        assert answer.status_code == 200
        assert "payment-receipt" in answer.headers


async def test_a_client_that_leaves_before_its_body_is_complete_pays_nothing() -> None:
    async with Shop() as shop:
        header = credential(challenge_of(await shop.get()))
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/goods",
            "query_string": b"",
            "headers": [(b"authorization", header.encode()), (b"transfer-encoding", b"chunked")],
        }
        sent: list[Any] = []
        events = iter(
            [
                {"type": "http.request", "body": b"x", "more_body": True},
                {"type": "http.disconnect"},
            ]
        )

        async def receive() -> Any:
            return next(events)

        async def send(message: Any) -> None:
            sent.append(message)

        await shop.gate(scope, receive, send)
        assert sent == []
        assert shop.offers[0].asked == []


async def test_a_client_that_leaves_while_the_application_works_is_on_record() -> None:
    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async with Shop(app=waiting) as shop:
        header = credential(challenge_of(await shop.get()))
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/goods",
            "query_string": b"",
            "headers": [(b"authorization", header.encode())],
        }

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            raise AssertionError(message)

        await shop.gate(scope, receive, send)
        (failed,) = shop.journal.read(kind="exchange.failed")
        assert failed.data["reason"] == "the client left"


# -- headers ---------------------------------------------------------------------------------------


async def test_the_second_header_field_leaves_the_first_to_the_application() -> None:
    async with Shop(header="Payment-Authorization") as shop:
        login = {"Authorization": "Bearer login"}
        challenge = challenge_of(await shop.get(headers=login))
        assert challenge.header == "Payment-Authorization"
        headers = {**login, "Payment-Authorization": credential(challenge)}
        assert (await shop.get(headers=headers)).status_code == 200
        assert (b"authorization", b"Bearer login") in shop.app.scopes[0]["headers"]


async def test_pages_of_other_origins_can_read_what_they_are_asked_and_given() -> None:
    async with Shop() as shop:
        origin = {"Origin": "https://page.test"}
        asked = await shop.get(headers=origin)
        assert "WWW-Authenticate" in asked.headers["access-control-expose-headers"]
        assert asked.headers["access-control-allow-origin"] == "*"
        answer = await shop.get(headers={**origin, **paid(challenge_of(asked))})
        assert "Payment-Receipt" in answer.headers["access-control-expose-headers"]
        preflight = await shop.http.options("/goods", headers=origin)
        assert preflight.status_code == 200
        assert "Payment-Receipt" in preflight.headers["access-control-expose-headers"]


async def test_the_applications_own_exposed_headers_stay() -> None:
    async with Shop(app=App(headers=[(b"access-control-expose-headers", b"X-Own")])) as shop:
        exposed = (await shop.pay()).headers["access-control-expose-headers"]
        assert exposed.startswith("X-Own, ")
        assert "Payment-Receipt" in exposed


async def test_a_browser_gets_a_page() -> None:
    async with Shop(summary="<b>Cats</b>") as shop:
        accept = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Host": "<i>"}
        answer = await shop.get("/goods?q=$(boom)'", headers=accept)
        assert answer.status_code == 402
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert challenge_of(answer).id
        assert "<script" not in answer.text
        assert "<b>" not in answer.text
        assert "<i>" not in answer.text
