"""What a finding looks like: all that is needed to understand a payment, in 80 columns."""

from __future__ import annotations

from sandbox.inspection import Moved, Transaction, find, render
from sandbox.server.admission import CHECKS
from tests.unit.sandbox.inspection import events

TOKENS = {events.TOKEN: "pathUSD"}
MERCHANT = "0xa0ee7a142d267c1f36714e4a8f75612f20a79720"
MINED = Transaction(
    hash=events.TX,
    success=True,
    block=1,
    moved=(Moved(events.TOKEN, events.PAYER, MERCHANT, 10_000),),
    fee=561,
    fee_token=events.TOKEN,
    fee_payer=events.PAYER,
)
CHARGE = [events.asked(1), events.paid(3), events.delivered(4, of=3)]


def test_a_charge_from_the_402_to_the_money() -> None:
    text = render(find(CHARGE, "ex-3"), {events.TX: MINED}, tokens=TOKENS)
    asked, paid = text.index("asked to pay 402"), text.index("paid 200")
    assert asked < text.index("tempo/charge  $0.01") < paid
    assert text.count("pass  ") == len(CHECKS)
    assert "block 1, succeeded" in text
    assert "$0.000561 paid by" in text
    assert text.index(f"from      {events.PAYER}") < text.index(f"to        {MERCHANT}")
    assert "settle 4.00 ms" in text


def test_every_check_has_a_meaning() -> None:
    from sandbox.inspection.text import MEANINGS

    assert tuple(MEANINGS) == CHECKS


def test_a_refusal_shows_what_was_expected_and_what_came() -> None:
    wrong = events.refused(5, "route", {"route": "/report"}, {"route": "GET /quote"})
    lines = render(find([*CHARGE, wrong], "ex-5")).splitlines()
    at = next(number for number, line in enumerate(lines) if "FAIL  route" in line)
    assert lines[at + 1].split() == ["expected", "route:", "/report"]
    assert lines[at + 2].split() == ["came", "route:", "GET", "/quote"]
    assert lines[at + 3].split()[:2] == ["skip", "digest"]
    assert lines[lines.index("Money moved") + 1] == "  nothing"
    assert any("it was issued for another route" in line for line in lines)


def test_a_voucher_moves_nothing_on_the_chain() -> None:
    text = render(find([events.voucher(7), events.delivered(8, of=7)], "ex-7"), tokens=TOKENS)
    assert "$0.001 on the channel; the chain moves it when it is settled" in text
    assert "$0.002 authorised, $0.002 spent, $0.00 settled" in text
    assert "transaction" not in text


def test_a_channel_lists_its_requests_and_counts_those_before() -> None:
    story = [
        event
        for number in range(10, 60, 2)
        for event in (
            events.voucher(number),
            events.delivered(number + 1, of=number, path="/search"),
        )
    ]
    text = render(find(story, events.CHANNEL), tokens=TOKENS)
    assert "Requests (25)" in text
    assert "… 13 before these" in text
    assert text.count("GET /search") == text.count("paid 200") == 12


def test_an_unknown_outcome_warns() -> None:
    lost = events.refused(5, "payment", None, None, unknown=True, status=500)
    text = render(find([lost], "ex-5"))
    assert "look before you pay again" in text
    assert "not known" in text


def test_no_line_is_wider_than_a_terminal() -> None:
    wrong = events.refused(5, "request", {"recipient": "0x" + "ab" * 60}, {"amount": "1" * 90})
    story = [*CHARGE, wrong, events.voucher(7, "open", tx=events.TX)]
    for name in ("ex-3", "ex-5", "ex-7", events.CHANNEL):
        text = render(find(story, name), {events.TX: MINED}, tokens=TOKENS)
        assert [line for line in text.splitlines() if len(line) > 80] == []


def test_a_colour_changes_no_word() -> None:
    finding = find(CHARGE, "ex-3")
    painted = render(finding, paint=lambda text, colour: f"<{colour}>{text}</>")
    for colour in ("green", "cyan", "yellow", "red", "bright_black"):
        painted = painted.replace(f"<{colour}>", "")
    assert painted.replace("</>", "") == render(finding)
