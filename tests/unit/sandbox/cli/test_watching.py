"""`watch`: one line for each exchange, when it has come to its end."""

from __future__ import annotations

import click
import pytest

from sandbox.cli.watching import Watcher, channel_line, exchange_json, exchange_line
from tests.unit.sandbox.inspection import events

TOKENS = {events.TOKEN: "pathUSD"}


def lines(*told: dict[str, object]) -> list[str]:
    watcher = Watcher()
    found = [watcher.exchange(event) for event in told]
    return [click.unstyle(exchange_line(one, TOKENS)) for one in found if one is not None]


def test_a_charge_is_two_lines_the_402_and_the_payment() -> None:
    asked, paid = lines(events.asked(1), events.paid(3), events.delivered(4, of=3))
    assert (
        " ".join(asked.split()) == "00:00:00 GET /quote asked to pay 402 $0.01 tempo/charge 17 µs"
    )
    assert " ".join(paid.split()) == "00:00:00 GET /quote paid 200 $0.01 tempo/charge 4.6 ms"


def test_a_voucher_that_only_promises_is_not_called_paid() -> None:
    details = {"action": "voucher", "accepted": 2_000, "spent": 1_000}
    sent = events.paid(3, amount=0, offer="tempo/session", details=details)
    (told,) = lines(sent, events.delivered(4, of=3, status=204))
    assert "voucher taken 204" in told


def test_a_stream_is_told_with_what_all_of_it_cost() -> None:
    told = events.delivered(4, of=3)
    told["data"] = {**told["data"], "total": 120_000}
    (line,) = lines(events.paid(3), told)
    assert "200   $0.12 " in line


def test_exchanges_that_overlap_are_kept_apart() -> None:
    told = lines(
        events.paid(3), events.voucher(5), events.delivered(6, of=5), events.delivered(7, of=3)
    )
    assert ["tempo/session" in told[0], "tempo/charge" in told[1]] == [True, True]


def test_what_was_paid_is_not_told_before_it_is_delivered() -> None:
    assert lines(events.paid(3)) == []


def test_lines_fit_the_terminal_however_long_the_path() -> None:
    told = lines(events.paid(3, path="/" + "long" * 30), events.delivered(4, of=3, path="/l" * 60))
    assert len(told[0]) <= 80


def test_a_channels_life_is_told_too() -> None:
    opened = events.event(1, "channel.opened", None, channel=events.CHANNEL, deposit=10**6)
    line = channel_line(opened)
    assert line is not None
    assert click.unstyle(line) == "00:00:00 channel opened 0xb73400…0000  deposit $1.00"
    assert channel_line(events.event(2, "block.sealed", None, number=1)) is None


def test_json_has_the_problem_and_amounts_as_text() -> None:
    watcher = Watcher()
    refused = watcher.exchange(events.refused(5, "route", None, None))
    assert refused is not None
    told = exchange_json(refused)
    assert told["outcome"] == "refused"
    assert told["problem"]["type"].endswith("invalid-challenge")
    asked = watcher.exchange(events.asked(6))
    assert asked is not None
    assert exchange_json(asked)["amount"] == "10000"
    assert exchange_json(asked)["challenge"] == "chal-one"


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_colours_are_left_out_where_they_are_not_wanted(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "dumb")
    found = Watcher().exchange(events.asked(1))
    assert found is not None
    assert "\x1b" not in exchange_line(found, TOKENS)
