"""The first screen: what it answers, what it leaves out, and which legs it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.leg import Kind, Money
from benchmarks.report.answer import head, rows
from benchmarks.report.results import load
from benchmarks.report.verdict import verdict
from tests.unit.benchmarks.report.runs import (
    add_leg,
    charges,
    sessions,
    whole_run,
    write_run,
)

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.report.said import Said


def _about(folder: Path, about: str) -> list[Said]:
    return [one for one in verdict(load(folder)) if one.about == about]


def _cards(count: int) -> Money:
    paid = tuple({"id": f"pi_{n}", "kind": "card", "fee": 310_000} for n in range(count))
    return Money("usd", count, count * 500_000, count * 310_000, paid)


def _alike(folder: Path, medians_ms: dict[str, tuple[float, ...]]) -> Path:
    """Operations at 20/s, each with the medians of its rounds."""
    for name, rounds in medians_ms.items():
        for turn, median_ms in enumerate(rounds, start=1):
            add_leg(folder, name, [int(median_ms * 1_000)] * 20, round=turn)
    return folder


def test_the_first_screen_says_which_intent_and_from_when_on(tmp_path: Path) -> None:
    short, first, fast, _, doubt = verdict(load(whole_run(tmp_path)))
    assert short.text == "One payer, by fees. Tempo: charge up to 8 requests, session from 9."
    assert first.about == "Which intent"
    assert first.text == (
        "On tempo, a session costs less from 9 requests on: $0.00850 in fees for all of it, at "
        "$0.00100 a request, against $0.00100 for each charge, at $0.0100. A session carried up "
        "to 100 requests in this run. What the same thing costs is not compared, for the prices "
        "differ."
    )
    assert short.legs == first.legs == (9, 10, 12, 13)
    assert fast.text == (
        "On tempo, a charge takes 5.00 times as long as a session's request, round by round: in "
        "the median 10.0 (9.50 to 10.5) ms at 50% of knee, 50/s, against 2.00 (1.90 to 2.10) ms at "
        "50% of knee, 400/s. The most that was answered in a second with 99 of 100 within 250 ms: "
        "800 by session in a single leg, 100 by charge in a single leg."
    )
    assert fast.legs == (3, 7, 9, 10, 12, 13), "the legs that answered most, and no others"
    assert doubt.warns
    assert "Fewer than 5 rounds" in doubt.text


def test_the_answer_says_what_to_take_on_each_rail(tmp_path: Path) -> None:
    folder = whole_run(tmp_path)
    add_leg(folder, "stripe-charge", [3_000] * 20, money=_cards(20))
    sats = tuple({"id": str(n), "kind": "payment", "fee": 1_000} for n in range(20))
    add_leg(folder, "lightning-charge", [3_000] * 20, money=Money("sat", 20, 1, 20_000, sats))
    deposit = ({"id": "a", "kind": "payment", "fee": 500},)
    add_leg(folder, "lightning-session", [3_000] * 20, money=Money("sat", 20, 1, 500, deposit))
    (short,) = _about(folder, "In short")
    assert short.text == (
        "One payer, by fees. Tempo: charge up to 8 requests, session from 9. "
        "Lightning: session from the first request on. Stripe: charges only."
    )
    assert _about(folder, "Which intent")[-1].text == "Stripe has charges only."


def test_each_rail_has_a_row_that_names_its_legs(tmp_path: Path) -> None:
    folder = _alike(whole_run(tmp_path), {"tempo-charge": (9.0, 11.0), "tempo-session": (2.0, 2.0)})
    add_leg(folder, "stripe-charge", [3_000] * 20, money=_cards(20), kind=Kind.SINGLE)
    results = load(folder)
    tempo, stripe = rows(results)
    assert dict(zip(head(results), tempo.cells, strict=True)) == {
        "rail": "Tempo",
        "charge: fee at price": "$0.00100 at $0.0100",
        "session: fee at price of a request": "$0.00850 at $0.00100",
        "session costs less from": "9 requests",
        "median at 20/s, ms: charge / session": "10.0 (9.01 to 11.0) / 2.00",
        "most in a second: charge / session": "100 / 800",
    }
    assert set(tempo.legs) == {3, 7, 9, 10, 12, 13, 15, 16, 17, 18}
    assert stripe.cells == ["Stripe", "$0.310 at $0.500", "none", "", "not measured / none",
                            "20.0 / none"]  # fmt: skip
    assert stripe.legs == (19,)


def test_unlike_loads_are_not_ranked(tmp_path: Path) -> None:
    folder = whole_run(tmp_path)
    assert not _about(folder, "Which rail")
    assert not _about(folder, "What paying adds")
    assert not [name for name in head(load(folder)) if name.startswith("median")]


def test_rails_are_ranked_at_one_rate_and_what_overlaps_is_not_told_apart(tmp_path: Path) -> None:
    folder = _alike(
        write_run(tmp_path),
        {"free": (1.0, 1.0), "tempo-charge": (5.0, 7.0), "stripe-charge": (6.5, 9.5),
         "lightning-charge": (20.0, 20.0)},
    )  # fmt: skip
    add_leg(folder, "tempo-session", [2_000] * 20, share_of_knee=0.5)
    (ranked,) = _about(folder, "Which rail")
    assert ranked.text.startswith("By median latency, all at 20/s (")
    assert ranked.text.endswith(
        ": tempo charge 6.00 (5.00 to 7.00) ms or stripe charge 8.00 (6.50 to 9.50) ms, "
        "lightning charge 20.0 ms."
    )
    assert ranked.legs == (3, 4, 5, 6, 7, 8)
    (added,) = _about(folder, "What paying adds")
    assert added.text == (
        "At 20/s, a free request takes 1.00 ms; to that, tempo charge adds 5.00 ms, "
        "lightning charge adds 19.0 ms, stripe charge adds 7.00 ms."
    )
    assert added.legs == tuple(range(1, 9))


def test_what_the_noise_hides_is_not_told_as_a_difference(tmp_path: Path) -> None:
    folder = _alike(write_run(tmp_path), {"free": (1.0, 9.0), "tempo-charge": (5.0,)})
    (floor,) = _about(folder, "What paying adds")
    assert "tempo charge adds nothing that this run can tell" in floor.text


def test_rounds_that_disagree_are_said_to(tmp_path: Path) -> None:
    """Once a charge takes twice as long, once three quarters."""
    rounds = {"tempo-charge": (4.0, 3.0), "tempo-session": (2.0, 4.0)}
    (fast,) = _about(_alike(write_run(tmp_path), rounds), "How fast")
    assert "1.38 times (0.750 to 2.00; they disagree on which is faster) as long" in fast.text
    assert "3.50 (3.00 to 4.00) ms against 3.00 (2.00 to 4.00) ms, both at 20/s" in fast.text


def test_what_was_sent_late_is_compared_from_when_it_was_sent_too(tmp_path: Path) -> None:
    """Both are a millisecond late: 5 against 2 ms since they were due are 4 against 1."""
    folder = write_run(tmp_path)
    for name, took_us in (("tempo-charge", 5_000), ("tempo-session", 2_000)):
        add_leg(folder, name, [took_us] * 20, lag_us=1_000, lag_p99_us=1_000)
    (fast,) = _about(folder, "How fast")
    assert "takes 2.50 times as long" in fast.text
    assert "(counted from when it was sent, 4.00 times)" in fast.text


def test_where_no_load_kept_the_promise_no_speed_is_told(tmp_path: Path) -> None:
    rounds = {"tempo-charge": (300.0,), "tempo-session": (400.0,)}
    (fast,) = _about(_alike(write_run(tmp_path), rounds), "How fast")
    assert fast.text.endswith("No load that was tried was answered with 99 of 100 within 250 ms.")


def test_a_run_of_one_intent_does_not_pretend_to_compare(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    add_leg(folder, "tempo-charge", [1_000] * 20, kind=Kind.SINGLE, money=charges(20))
    first, *_ = verdict(load(folder))
    assert first.warns
    assert "does not say" in first.text


def test_a_median_of_a_few_requests_is_not_told(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    for name, count in (("tempo-charge", 20), ("stripe-charge", 20), ("tempo-stream", 3)):
        add_leg(folder, name, [1_000] * count, offered_per_s=20.0)
    (ranked,) = _about(folder, "Which rail")
    assert "stripe charge" in ranked.text
    assert "stream" not in ranked.text


def test_fees_are_told_with_the_price_that_they_are_of(tmp_path: Path) -> None:
    """A hundred requests cost 100 by charges and 8.50 by a session, which carried fifty."""
    folder = write_run(tmp_path)
    add_leg(folder, "stripe-charge", [3_000] * 20, money=_cards(20))
    add_leg(folder, "tempo-charge", [1_000] * 30, money=charges(30))
    add_leg(folder, "tempo-session", [1_000] * 50, money=sessions(50, 1))
    (fee,) = _about(folder, "Which rail")
    assert fee.text == (
        "In fees, a single request costs the least by tempo charge, $0.00100 at $0.0100 each; 100 "
        "of one payer by tempo session, $0.00850 at $0.00100 each, if a deposit lasts: one carried "
        "up to 50 here. A card's fee grows with its price."
    )


def test_the_dearest_session_of_a_run_has_a_crossing_of_its_own(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    paid = tuple({"id": str(n), "kind": "open", "fee": fee} for n, fee in enumerate((40, 20, 20)))
    add_leg(folder, "tempo-charge", [1_000] * 20, money=charges(20))
    few = tuple(dict(one, fee=int(str(one["fee"])) * 100) for one in paid)
    add_leg(folder, "tempo-session", [1_000] * 20, money=Money("usd", 20, 200_000, 8_000, few))
    (intent,) = _about(folder, "Which intent")
    assert "from 3 requests on" in intent.text
    assert "The dearest session of the run, $0.00400, costs less from 5 on." in intent.text
    assert "What the same thing costs" not in intent.text, "both cost a cent"


def test_whether_a_simulation_was_held_against_the_run_is_said(tmp_path: Path) -> None:
    folder = whole_run(tmp_path)
    (quiet,) = _about(folder, "Simulated")
    assert quiet.text.startswith("No simulation was held against this run.")
    assert "mpp-sandbox validate" in quiet.text
    assert not quiet.warns
    (folder / "tables").mkdir()
    (folder / "tables" / "validation.csv").write_text(
        'within 15%,legs\nyes,"9, 12"\nno,10\nno target,11\nyes,10\n'
    )
    (told,) = _about(folder, "Simulated")
    assert told.text == "2 of 3 figures that a simulation foretold are within 15%."
    assert told.legs == (9, 10, 12)
