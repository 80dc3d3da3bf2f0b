"""The session benchmark's load program and payments: what is counted was paid (DESIGN 2.3)."""

from __future__ import annotations

import os

import httpx
import pytest
from mpp import Challenge

from benchmarks.micro.rpc_load import Load
from benchmarks.micro.session.charges import Charges
from benchmarks.micro.session.load import (
    CHALLENGED,
    PAID,
    PAID_OR_FLAWED,
    AnswerError,
    Run,
    ask,
    cpu_ms,
    drive,
    get,
    split_answer,
)
from benchmarks.micro.session.our_server import charge_gate, pympp_app, session_world
from benchmarks.micro.session.report import Results, ratios
from benchmarks.micro.session.stages import measure
from benchmarks.micro.session.vouchers import Vouchers
from benchmarks.micro.session.world import PATH, PRICE, channels
from mock_rails.core.clock import Clock
from mock_rails.server import Host
from mock_rails.tempo import Chain, TempoApi

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nPayment-Receipt: r\r\n\r\nok"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\npayment-receipt: r\r\ntransfer-encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
)
EMPTY = b"HTTP/1.1 204 No Content\r\nPayment-Receipt: r\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "body"), [(PLAIN, b"ok"), (CHUNKED, b"abc0123456789abcdef"), (EMPTY, b"")]
)
def test_an_answer_is_complete_when_its_last_byte_is_there(answer: bytes, body: bytes) -> None:
    for end in range(len(answer)):
        assert split_answer(answer[:end]) is None, answer[:end]
    found = split_answer(answer + b"HTTP")
    assert found is not None
    head, read, rest = found
    assert (read, rest) == (body, b"HTTP")
    assert head.startswith(b"HTTP/1.1 20")


def test_an_answer_of_unknown_length_is_no_answer() -> None:
    with pytest.raises(AnswerError, match="neither its length"):
        split_answer(b"HTTP/1.1 200 OK\r\n\r\nwho knows")
    with pytest.raises(AnswerError, match="trailers"):
        split_answer(CHUNKED[:-2] + b"Expires: 0\r\n\r\n")


def test_only_what_was_paid_counts() -> None:
    head = PLAIN.split(b"\r\n\r\n", maxsplit=1)[0]
    assert PAID.check(head, b"ok")
    with pytest.raises(AnswerError, match="402"):
        PAID.check(b"HTTP/1.1 402 Payment Required\r\nPayment-Receipt: r", b"")
    with pytest.raises(AnswerError, match="payment-receipt"):
        PAID.check(b"HTTP/1.1 200 OK\r\nX-Payment-Receipt: r", b"")
    failed = b"HTTP/1.1 500 Internal Server Error"
    assert not PAID_OR_FLAWED.check(failed, b"problems/internal-payment-error")
    with pytest.raises(AnswerError, match="500"):
        PAID.check(failed, b"problems/internal-payment-error")


def test_processor_time_is_told_of_any_process() -> None:
    assert cpu_ms([os.getpid()]) > 0
    assert cpu_ms([]) == 0


async def test_every_voucher_pays_for_one_request() -> None:
    world = await session_world(Clock())
    async with Host(world.gate) as host:
        vouchers = Vouchers(host.port)
        for connections in (1, 3):
            lanes = await vouchers.lanes(6, connections)
            run = await drive(host.port, lanes, PAID, pids=[os.getpid()])
            assert run.load.count == 6
        with pytest.raises(AnswerError, match="402"):
            await drive(host.port, [[get(PATH, port=host.port)]], PAID)
    kept = {one.id: one for one in await world.server.channels()}
    assert [kept[one.id].spent for one in channels()[:4]] == [8 * PRICE, 2 * PRICE, 2 * PRICE, 0]


async def test_every_charge_is_mined() -> None:
    chain = Chain()
    async with (
        httpx.AsyncClient() as http,
        Host(TempoApi(chain)) as node,
        Host(charge_gate(Clock(), node.url, http)) as host,
    ):
        charges = Charges(host.port, node.port, 2)
        await charges.fund()
        funded = chain.head.number
        run = await drive(host.port, await charges.lanes(4, 2), PAID)
    assert run.load.count == 4
    blocks = [chain.history.by_number(n) for n in range(funded + 1, chain.head.number + 1)]
    assert sum(len(block.receipts) for block in blocks if block) == 4


async def test_both_handlers_ask_for_the_same_charge() -> None:
    no_chain = "http://127.0.0.1:9"
    asked = []
    http = httpx.AsyncClient()
    for app in (charge_gate(Clock(), no_chain, http), pympp_app(no_chain)):
        async with Host(app) as host:
            request = get(PATH, port=host.port)
            assert (await drive(host.port, [[request] * 2], CHALLENGED)).load.count == 2
            (answer,) = await ask(host.port, [request])
            challenge = Challenge.from_www_authenticate(answer.field("www-authenticate") or "")
            # pympp names the route in the request; our gate does in the opaque part.
            challenge.request.pop("_mppx_scope", None)
            asked.append((challenge.realm, challenge.method, challenge.intent, challenge.request))
    await http.aclose()
    assert asked[0] == asked[1]


async def test_the_stages_are_parts_of_the_whole() -> None:
    split = await measure(turns=2, per_turn=5)
    assert 0 < split.recover < split.verify < split.gate
    assert 0 < split.store < split.voucher
    assert min(split.parse, split.handler) > 0


def test_ratios_are_of_medians_and_tell_their_bars() -> None:
    results = Results()
    for server, rates in (("sandbox", (300, 100, 200)), ("mppx", (4, 5, 3))):
        fresh = Results()
        fresh.runs["session, 16 connections"][server] += [
            Run(Load(rate, 1_000_000_000, [1] * rate), 1.0) for rate in rates
        ]
        results.add(fresh)
    assert ratios(results) == {"session.requests": "50.00 (bar 25, aim 50)"}
