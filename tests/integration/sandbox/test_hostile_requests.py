"""Hostile requests around a good credential, on the devnet's merchants: fields, methods, frames.

Issue 3, hostile input; facts: protocol 1.1 rows 12 and 16, 1.5 and 2.9. As in `test_hostile`: each
is refused with the status and type of the rule that was broken, and nothing moves.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from mpp import Challenge

from tests.conformance.session.payer import encode
from tests.integration.sandbox.hostile import (
    CHAT,
    DEEP,
    Site,
    base64url,
    check_problem,
    echo_of,
    open_site,
    raw,
    spoilt,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with open_site() as site:
        yield site


# -- fields beside the credential ------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        ["k" * 256],
        [""],
        ["two words"],
        ['"'],
        ['"open'],
        ["é"],
        ["a", "b"],
        ["a", "a"],
        ["a\tb"],
    ],
    ids=repr,
)
async def test_an_idempotency_key_that_is_none(site: Site, values: list[str]) -> None:
    for path, good in (
        ("/search", await site.voucher(site.victim)),
        ("/quote", await site.charge("/quote")),
    ):
        headers = [("idempotency-key", value.encode("latin-1")) for value in values]
        kind = await site.refused(path, good, "bad-request", headers=headers)
        assert kind == "bad-request"


async def test_an_idempotency_key_belongs_to_one_request_of_one_payer(site: Site) -> None:
    key = {"idempotency-key": "the-same"}
    first = await site.charge("/quote")
    paid = await site.send("/quote", first, headers=key)
    assert paid.status_code == 200
    await site.answered()
    before = await site.remembers()
    report = await site.charge("/report")
    answer = await site.send("/report", report, headers=key)
    assert answer.status_code == 422
    assert check_problem(answer).endswith("idempotency-mismatch")
    again = await site.send("/quote", first, headers=key)
    assert (again.status_code, again.content) == (200, paid.content)
    assert again.headers["payment-receipt"] == paid.headers["payment-receipt"]
    assert await site.remembers() == before
    stranger = await site.voucher(site.reporter)
    assert (await site.send("/report", stranger, headers=key)).status_code == 200


async def test_an_idempotency_key_with_another_body(site: Site) -> None:
    key = {"idempotency-key": "one-body"}
    challenge = (await site.challenges(CHAT, "POST"))["session"]
    good = await site.voucher(site.streamer, 10) | {"challenge": echo_of(challenge)}
    bodies = [json.dumps({"prompt": "p", "tokens": n}).encode() for n in (1, 2)]
    first = await site.send(CHAT, good, method="POST", headers=key, content=bodies[0])
    assert first.status_code == 200, first.text
    await site.answered()
    before = await site.remembers()
    for body, status in ((bodies[1], 422), (b"", 422), (bodies[0], 409)):
        answer = await site.send(CHAT, good, method="POST", headers=key, content=body)
        assert answer.status_code == status, answer.text
        check_problem(answer)
    assert await site.remembers() == before


@pytest.mark.parametrize(
    "value",
    [
        "tempo/session;q=2",
        "tempo/session;q=-1",
        "tempo/session;q=NaN",
        "*/*;q=0",
        "stripe/charge",
        "/,,;=",
        "é/\u00ff",
        "tempo/session;q=0.0000000000000000000001",
        "a/b," * 8_000,
        '"' * 4_000,
        "tempo/" + "s" * 60_000,
    ],
    ids=lambda value: value[:24],
)
async def test_nonsense_about_what_the_client_takes(site: Site, value: str) -> None:
    before = await site.remembers()
    for path in ("/search", "/report"):
        response = await site.http.get(
            f"{site.api}{path}", headers={"accept-payment": value.encode("latin-1")}
        )
        assert check_problem(response, "payment-required")
        assert response.headers.get_list("www-authenticate")
    assert await site.remembers() == before


async def test_nonsense_about_which_channel_the_client_has(site: Site) -> None:
    channel = site.victim.channel
    assert channel is not None
    known = "0x" + channel.id.hex()
    before = await site.remembers()
    for value in (
        "",
        "0x",
        known[:-1],
        known[2:],
        known + "00",
        f"{known},{known}",
        "é",
        "x" * 60_000,
    ):
        for path in ("/search", "/quote", "/report"):
            response = await site.http.get(
                f"{site.api}{path}", headers={"payment-session": value.encode("latin-1")}
            )
            check_problem(response, "payment-required")
            for field in response.headers.get_list("www-authenticate"):
                details = Challenge.from_www_authenticate(field).request.get("methodDetails", {})
                assert "sessionSnapshot" not in details
    assert await site.remembers() == before


async def test_http_methods(site: Site) -> None:
    """What does not cost anything delivers nothing; what is unknown is the application's 405."""
    voucher = encode(await site.voucher(site.victim)).encode()
    before = await site.remembers()
    for method in (
        b"PUT",
        b"DELETE",
        b"PATCH",
        b"OPTIONS",
        b"TRACE",
        b"get",
        b"PROPFIND",
        b"X" * 90,
    ):
        for field in (b"x: y", b"authorization: " + voucher):
            status, head, _ = await raw(site, field, line=method + b" /search HTTP/1.1")
            assert 400 <= status < 500, (method, status)
            assert b"\r\npayment-receipt:" not in head
    for line in (
        b"GET /search HTTP/9.9", b"GET search HTTP/1.1", b"GET /search\x00 HTTP/1.1",
        b"GET //search HTTP/1.1", b"GET /search/ HTTP/1.1", b"GET /%73earch/../quote HTTP/1.1",
        b"GET /quote%00 HTTP/1.1", b"GET /quote%2f HTTP/1.1", b"GET /QUOTE HTTP/1.1",
    ):  # fmt: skip
        status, head, _ = await raw(site, b"authorization: " + voucher, line=line)
        assert 300 <= status < 500, (line, status)
        assert b"\r\npayment-receipt:" not in head
    assert await site.remembers() == before


async def test_a_path_in_another_spelling_costs_the_same(site: Site) -> None:
    for path in (b"/%73earch", b"/search?", b"/search#x"):
        status, head, _ = await raw(site, b"x: y", line=b"GET " + path + b" HTTP/1.1")
        assert status == 402, path
        assert b"www-authenticate" in head


async def test_bodies_that_are_too_large_or_lie_about_their_length(site: Site) -> None:
    voucher = b"authorization: " + encode(await site.voucher(site.streamer, 11)).encode()
    before = await site.remembers()
    large = await site.http.post(site.api + CHAT, content=bytes((1 << 20) + 1))
    assert check_problem(large).endswith("content-too-large")
    assert large.status_code == 413
    line = b"POST /v1/chat/completions HTTP/1.1"
    for fields in (
        [b"content-length: -1"], [b"content-length: 1e3"], [b"content-length: \xb2"],
        [b"content-length: 99999999999999999999999"], [b"content-length: 1", b"content-length: 2"],
        [b"transfer-encoding: chunked", b"content-length: 5"],
    ):  # fmt: skip
        status, head, _ = await raw(site, voucher, *fields, line=line)
        assert 400 <= status < 500, (fields, status)
        assert b"\r\npayment-receipt:" not in head
    assert await site.remembers() == before


# -- WebSockets ------------------------------------------------------------------------------------


async def socket_answers(site: Site, *frames: str | bytes) -> tuple[list[dict[str, Any]], int]:
    """What the server said to these frames, and the code it closed with."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed

    url = site.api.replace("http", "ws", 1) + "/complete/ws"
    said = []
    async with connect(url, max_size=None, compression=None) as socket:
        try:
            for frame in frames:
                await socket.send(frame)
        except ConnectionClosed:
            pass  # it had heard enough
        try:
            async with asyncio.timeout(10):
                while True:
                    said.append(json.loads(await socket.recv()))
        except ConnectionClosed:
            pass
        assert socket.close_code is not None
        return said, socket.close_code


def frame(authorization: object) -> str:
    return json.dumps({"mpp": "authorization", "authorization": authorization})


@pytest.mark.parametrize(
    "sent",
    [
        ["{"],
        [""],
        ["null"],
        ["[]"],
        [DEEP],
        ["1" * 100_000],
        [b"\xff\xfe"],
        [bytes(2_000_000)],
        ["x" * 2_000_000],
        ['{"mpp":"authorization"}'],
        ['{"mpp":"message","data":"free"}'],
        ['{"mpp":"payment-receipt","data":{}}'],
        ['{"mpp":["authorization"]}'],
        ['{"mpp":"authorization","authorization":"\\ud800"}'],
        [frame(None)],
        [frame(["Payment x"])],
        [frame("")],
        [frame("Bearer x")],
        [frame("Payment")],
        [frame("Payment " + base64url(DEEP))],
        [frame("Payment " + base64url("[]"))],
        [frame("Payment " + base64url('{"challenge":{"id":"x","method":"tempo"},"payload":[]}'))],
        [frame("Payment \r\n\N{SNOWMAN}")],
        [frame("Payment " + "A" * 70_000)],
        [frame("Payment nonsense")] * 100,
        ['{"mpp":"payment-close-request"}'] * 100,
    ],
    ids=lambda sent: f"{len(sent)} of {str(sent[0])[:40]}",
)
async def test_nonsense_on_a_websocket(site: Site, sent: list[str | bytes]) -> None:
    before = await site.remembers()
    said, code = await socket_answers(site, *sent)
    assert await site.remembers() == before
    if "close-request" in str(sent[0]):
        assert (said, code) in (([], 1000), ([one for one in said if one["status"] == 429], 1008))
        return
    assert code == 1008, said
    (error,) = said
    assert error["mpp"] == "payment-error"
    assert 400 <= error["status"] < 500
    assert "Traceback" not in error["message"]


async def test_good_credentials_that_a_websocket_does_not_take(site: Site) -> None:
    voucher = await site.voucher(site.searcher, 8)
    charge = await site.charge("/quote")
    mine = await site.voucher(site.streamer, 12)
    bad = spoilt(mine, "payload.signature", voucher["payload"]["signature"])
    for members in (voucher, charge, bad):
        before = await site.remembers()
        said, code = await socket_answers(site, *[frame(encode(members))] * 100)
        assert {one["mpp"] for one in said} == {"payment-error"}
        assert said[0]["status"] in {400, 402, 429}
        assert code == 1008
        assert await site.remembers() == before
