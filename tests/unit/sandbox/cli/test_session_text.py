"""Lightning sessions told apart from channels, and what became of both kinds of deposit.

Facts: lightning 2.5. The server counts what a session has spent; the node knows what came back.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import httpx
import pytest
from mpp import ChallengeEcho
from typer.testing import CliRunner

from sandbox.cli import app, channel_text
from sandbox.cli.session_text import (
    deposit_json,
    session_json,
    session_lines,
    session_rows,
    streamed,
)
from sandbox.client.lightning.book import LightningBook
from sandbox.client.lightning.session import SessionRecord, State
from tests.unit.sandbox.cli.test_channel_text import CHANNEL

if TYPE_CHECKING:
    from pathlib import Path

OPEN = SessionRecord(
    id=bytes(range(32)),
    host="shop.test:80",
    realm="shop",
    url="http://shop.test/search",
    place="",
    challenge=ChallengeEcho("id", "shop", "lightning", "session", "e30"),
    return_invoice="lnbcrt1secret",
    return_hash=bytes(32),
    return_ends_s=2_000,
    deposit_sat=40,
    opened_at_s=1_000,
    state=State.OPEN,
)
CLOSED = replace(OPEN, state=State.CLOSED, refund_sat=36, refund_status="succeeded")
RETURNED = replace(CLOSED, received_sat=36)


def test_sessions_are_told_by_what_was_paid_in_and_came_back() -> None:
    assert list(session_lines([OPEN, RETURNED])) == [
        "Session 00010203…1e1f: 40 sat were paid in; it stays open.",
        "Session 00010203…1e1f: closed; 36 sat of 40 sat came back.",
    ]


def test_a_refund_that_has_not_arrived_is_not_said_to_be_nothing() -> None:
    """Aperture refunds after its answer (facts 2.6.5)."""
    (line,) = session_lines([CLOSED])
    assert line == "Session 00010203…1e1f: closed; of 40 sat, nothing has come back yet."


def test_rows_line_up_in_80_columns() -> None:
    head, row = map(click.unstyle, session_rows([RETURNED]))
    for shown, name in (("40 sat", "deposit"), ("36 sat", "came back")):
        assert row.index(shown) + len(shown) == head.index(name) + len(name)
    assert len(row) <= 80
    assert session_rows([]) == ["  none"]


def test_of_a_deposit_what_nobody_has_said_is_not_known() -> None:
    assert (deposit_json(OPEN)["used"], deposit_json(OPEN)["back"]) == (None, None)
    told = deposit_json(replace(OPEN, told_sat=39))
    assert (told["deposit"], told["used"], told["back"]) == ("40", "39", "1")
    lied = deposit_json(replace(OPEN, told_sat=41))
    assert (lied["used"], lied["back"]) == ("40", "0")
    returned = deposit_json(replace(RETURNED, told_sat=39))
    assert (returned["used"], returned["back"]) == ("4", "36")


def test_a_channels_deposit_is_told_in_the_same_words() -> None:
    told = channel_text.deposit_json(CHANNEL)
    assert set(told) == set(deposit_json(OPEN))
    assert (told["used"], told["back"]) == ("3000", "997000")  # signed, so the merchant's to take
    closed = channel_text.deposit_json(replace(CHANNEL, captured=2_000))
    assert (closed["used"], closed["back"]) == ("2000", "998000")


def test_the_list_has_the_sessions_of_all_nodes_apart_from_channels(tmp_path: Path) -> None:
    for name, record in ((b"one", RETURNED), (b"two", replace(OPEN, id=bytes(32)))):
        book = LightningBook(tmp_path, name)
        book.save(record)
        book.close()
    options = ["--state-dir", str(tmp_path), "--control-url", "http://127.0.0.1:9"]
    listed = CliRunner().invoke(app, ["channels", "list", *options]).stdout
    order = ["Yours", "none", "Your Lightning sessions", "40 sat", "The merchants'"]
    places = [listed.index(one) for one in order]
    assert places == sorted(places)
    assert listed.count("shop.test:80") == 2
    told = json.loads(CliRunner().invoke(app, ["channels", "list", "--json", *options]).stdout)
    assert told["payer"] == []
    assert [one["id"][:4] for one in told["lightning_sessions"]] == ["0000", "0001"]
    assert told["lightning_sessions"][1] == session_json(RETURNED)
    assert "lnbcrt1secret" not in json.dumps(told)


RECEIPT = b'event: payment-receipt\ndata: {"spent": 6, "units": 3}\n\n'
TIMEOUT = b'event: session-timeout\ndata: {"balanceSpent": 4}\n\n'
WORDS = b"data: one\n\n: keep-alive\n\ndata: two\n\n"


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("application/json", b"{}", (2, False)),
        ("text/event-stream; charset=utf-8", WORDS + RECEIPT + b"data: [DONE]\n\n", (6, False)),
        ("text/event-stream", WORDS + TIMEOUT, (4, True)),
        ("text/event-stream", WORDS, (2, False)),
        ("text/event-stream", b"event: payment-receipt\ndata: {\n\n", (2, False)),
        ("text/event-stream", b'event: payment-receipt\ndata: {"spent": "6"}\n\n', (2, False)),
    ],
)
def test_a_stream_that_is_over_says_itself_what_it_has_cost(
    kind: str, body: bytes, told: tuple[int, bool]
) -> None:
    """Facts 2.4: the header was sent before the first message, and knows of none."""
    answer = httpx.Response(200, headers={"content-type": kind}, content=body)
    assert streamed(answer, 2) == told
