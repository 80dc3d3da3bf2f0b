"""Limits that a restart does not lift, and payments whose outcome outlives the run that made them.

DESIGN 2.5: a payment has three outcomes; the third one is looked up, by a later run if need be.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from mock_rails.core import Clock
from sandbox.client.budget import Budget, Limit, Payment
from sandbox.client.errors import (
    BudgetExceededError,
    InvalidAmountError,
    OutcomeUnknownError,
    ReservationClosedError,
    SpendingDamagedError,
)
from sandbox.client.ledger import Ledger, Tally
from sandbox.client.payer import Order
from sandbox.client.selection import read_challenges
from sandbox.client.session import SessionSettings
from sandbox.client.spending import FILE_NAME, Spending
from tests.unit.sandbox.client import bazaar as stalls
from tests.unit.sandbox.client.market import PAYER, PRICE, TOKEN, Line, customer, paid_by

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.client.client import PaidClient
    from sandbox.client.ledger import Reservation
    from tests.unit.sandbox.client.bazaar import Bazaar
    from tests.unit.sandbox.client.market import Market

WALLET = b"\x11" * 20
ASKED = Payment(100, currency=TOKEN, host="shop.example", recipient="0xaa")
BUDGET = Budget(total=250, per_recipient=250, allowed_currencies=[TOKEN])
STAY = SessionSettings(close_on_exit=False)


def open_ledger(state: Path, budget: Budget = BUDGET, wallet: bytes = WALLET) -> Ledger:
    return Ledger(budget, Clock.frozen(0), Spending(state, wallet))


def kill(ledger: Ledger) -> None:
    """The process ends without a word: nothing is settled, the file is what it is."""
    ledger.close()


# -- the ledger -----------------------------------------------------------------------------------


def test_sums_and_reservations_come_back_as_they_went(tmp_path: Path) -> None:
    first = open_ledger(tmp_path)
    split = replace(ASKED, amount=30, session="0xCC", splits=(("0xbb", 10),))
    first.commit(first.reserve(ASKED), 60)
    first.commit(first.reserve(split))
    first.release(first.reserve(ASKED))
    doubtful = first.reserve(replace(ASKED, amount=40), {"method": "some/method"})
    first.note(doubtful, {"method": "some/method", "txHash": "0x12"})
    first.mark_unknown(doubtful)
    kill(first)

    second = open_ledger(tmp_path)
    assert second.tally() == Tally(90, 40)
    assert second.tally(Limit.PER_RECIPIENT, "0xaa") == Tally(80, 40)
    assert second.tally(Limit.PER_RECIPIENT, "0xbb") == Tally(10, 0)
    assert second.tally(Limit.PER_SESSION, "0xcc") == Tally(30, 0)
    [found] = second.unknown
    assert (found.payment, found.is_left_over) == (doubtful.payment, True)
    assert found.evidence == {"method": "some/method", "txHash": "0x12"}
    assert second.left_over("some/method") == (found,)
    with pytest.raises(BudgetExceededError) as refusal:
        second.reserve(replace(ASKED, amount=121))
    assert refusal.value.details["left"] == 120
    second.release(found)
    second.commit(second.reserve(replace(ASKED, amount=160)))
    kill(second)
    third = open_ledger(tmp_path)
    assert (third.tally(), third.open) == (Tally(250, 0), ())
    kill(third)


def test_what_a_killed_run_had_reserved_is_still_set_aside(tmp_path: Path) -> None:
    first = open_ledger(tmp_path)
    first.reserve(ASKED)
    kill(first)
    second = open_ledger(tmp_path)
    assert second.tally() == Tally(0, 100)
    assert len(second.unknown) == 1
    kill(second)


def test_each_wallet_and_each_currency_is_counted_for_itself(tmp_path: Path) -> None:
    euro = Budget(total=100, allowed_currencies=["0xee"])
    first = open_ledger(tmp_path)
    first.commit(first.reserve(ASKED))
    kill(first)
    for budget, wallet, spent in (
        (euro, WALLET, 0),
        (BUDGET, b"\x22" * 20, 0),
        (Budget(), WALLET, 100),
        (Budget(allowed_currencies=[TOKEN, "0xee"]), WALLET, 100),
    ):
        other = open_ledger(tmp_path, budget, wallet)
        assert other.tally() == Tally(spent, 0)
        kill(other)


def test_two_runs_at_once_lose_nothing_that_the_other_counts(tmp_path: Path) -> None:
    ours, theirs = open_ledger(tmp_path), open_ledger(tmp_path)
    for ledger in (ours, theirs, ours):
        ledger.commit(ledger.reserve(replace(ASKED, amount=50)))
    kill(ours)
    kill(theirs)
    after = open_ledger(tmp_path)
    assert after.tally() == Tally(150, 0)
    kill(after)


def test_two_runs_at_once_keep_one_budget(tmp_path: Path) -> None:
    """What the other has reserved and spent counts at once, and what it lets go is free at once."""
    ours, theirs = open_ledger(tmp_path), open_ledger(tmp_path)
    reserved = ours.reserve(ASKED)
    with pytest.raises(BudgetExceededError) as refusal:
        theirs.reserve(replace(ASKED, amount=151))
    assert refusal.value.left == 150
    ours.commit(reserved, 60)
    assert theirs.tally() == ours.tally() == Tally(60, 0)
    assert theirs.left(ASKED) == {Limit.TOTAL: 190, Limit.PER_RECIPIENT: 190}
    theirs.reserve(replace(ASKED, amount=190))
    with pytest.raises(BudgetExceededError):
        ours.reserve(replace(ASKED, amount=1))
    assert ours.tally() == Tally(60, 190)
    kill(ours)
    kill(theirs)


def test_a_living_runs_reservations_are_nobody_elses(tmp_path: Path) -> None:
    """The second to start must not release, look up or spend what the first is paying with."""
    first = open_ledger(tmp_path)
    paying = first.reserve(ASKED, {"method": "some/method"})
    second = open_ledger(tmp_path)
    assert (second.open, second.unknown, second.left_over("some/method")) == ((), (), ())
    assert second.tally() == Tally(0, 100)
    first.commit(paying)
    assert second.tally() == Tally(100, 0)
    other = first.reserve(ASKED)
    kill(first)
    third = open_ledger(tmp_path)
    assert [one.payment for one in third.unknown] == [other.payment]
    assert second.tally() == third.tally() == Tally(100, 100)
    kill(second)
    kill(third)
    assert list(tmp_path.glob("*.alive")) == []


def test_an_exchange_is_of_the_same_amount_and_never_free_in_between(tmp_path: Path) -> None:
    ours, theirs = open_ledger(tmp_path), open_ledger(tmp_path)
    whole = ours.reserve(replace(ASKED, amount=250, session="opening"), {"method": "m"})
    ours.mark_unknown(whole)
    parts = [replace(ASKED, amount=amount, session="0xcc") for amount in (200, 50)]
    with pytest.raises(InvalidAmountError):
        ours.exchange(whole, parts[0])
    large, small = ours.exchange(whole, *parts)
    assert ours.open == ours.unknown == (large, small)
    with pytest.raises(ReservationClosedError):
        ours.release(whole)
    with pytest.raises(BudgetExceededError):
        theirs.reserve(replace(ASKED, amount=1))
    ours.release(small)
    assert theirs.tally(Limit.PER_SESSION, "0xcc") == Tally(0, 200)
    kill(ours)
    again = open_ledger(tmp_path)
    [left] = again.left_over("m")
    assert left.payment == parts[0]
    kill(again)
    kill(theirs)


def test_a_reservation_shrinks_in_one_step_and_the_rest_is_free(tmp_path: Path) -> None:
    ours, theirs = open_ledger(tmp_path), open_ledger(tmp_path)
    whole = ours.reserve(replace(ASKED, amount=250), {"method": "m"})
    for amount in (0, 251):
        with pytest.raises(InvalidAmountError):
            ours.shrink(whole, amount)
    small = ours.shrink(whole, 200)
    assert (small.payment.amount, ours.open) == (200, (small,))
    with pytest.raises(ReservationClosedError):
        ours.release(whole)
    assert theirs.tally() == Tally(0, 200)
    kill(ours)
    again = open_ledger(tmp_path)
    [left] = again.left_over("m")
    assert left.payment.amount == 200
    kill(again)
    kill(theirs)


SPENDER = """
import sys
from pathlib import Path
from mock_rails.core import Clock
from sandbox.client.budget import Budget, Payment
from sandbox.client.errors import BudgetExceededError
from sandbox.client.ledger import Ledger
from sandbox.client.spending import Spending

budget = Budget(total=300, allowed_currencies=["0xaa"])
ledger = Ledger(budget, Clock.frozen(0), Spending(Path(sys.argv[1]), b"\\x11" * 20))
print("ready", flush=True)
sys.stdin.readline()
made = 0
while True:
    try:
        reservation = ledger.reserve(Payment(2, currency="0xaa", host="shop.example"))
    except BudgetExceededError:
        break
    ledger.commit(reservation, 2 - made % 2)
    made += 1
print(ledger.tally().spent, flush=True)
sys.stdin.readline()
"""


def test_processes_that_spend_at_the_same_time_keep_one_total(tmp_path: Path) -> None:
    """Some of them are killed at it; the limit is reached, and never passed."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", SPENDER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    try:
        for run in runs:
            assert run.stdout is not None
            assert run.stdout.readline() == "ready\n"
        for run in runs:
            assert run.stdin is not None
            print(file=run.stdin, flush=True)
        runs[0].kill()
        for run in runs[1:]:
            assert run.stdout is not None
            assert 297 <= int(run.stdout.readline()) <= 300
    finally:
        for run in runs:
            run.kill()
            run.communicate()
    after = open_ledger(tmp_path, Budget())
    spent, reserved = after.tally()
    assert 299 <= spent + reserved <= 300
    assert reserved <= 2  # what the killed one had in its hand
    assert len(after.unknown) == (reserved > 0)
    kill(after)
    assert list(tmp_path.glob("*.alive")) == []


def test_a_file_from_before_runs_were_told_apart_is_read(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.reserve(ASKED)
    kill(ledger)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as file:
        file.execute("ALTER TABLE reserved DROP COLUMN run")
    again = open_ledger(tmp_path)
    assert (again.tally(), len(again.unknown)) == (Tally(0, 100), 1)
    kill(again)


def test_amounts_may_be_larger_than_what_databases_count_in(tmp_path: Path) -> None:
    huge = replace(ASKED, amount=1 << 100)
    for times in (1, 2):
        ledger = open_ledger(tmp_path, Budget())
        ledger.commit(ledger.reserve(huge))
        assert ledger.tally().spent == times << 100
        kill(ledger)


def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to be looked at" * 40)
    with pytest.raises(SpendingDamagedError):
        open_ledger(tmp_path)


def test_a_record_that_cannot_be_read_is_refused_and_let_go(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.reserve(ASKED)
    kill(ledger)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as file:
        file.execute("UPDATE reserved SET payment = '{}'")
        file.commit()
    for _ in range(2):
        with pytest.raises(SpendingDamagedError):
            open_ledger(tmp_path)
    assert list(tmp_path.glob("*.alive")) == []


# -- charges --------------------------------------------------------------------------------------


async def test_a_total_holds_for_two_clients_one_after_the_other(
    market: Market, tmp_path: Path
) -> None:
    budget = Budget(total=2 * PRICE, allowed_currencies=[TOKEN])
    for spent in (0, 1):
        async with customer(market, Line(market.shop()), budget=budget, state=tmp_path) as client:
            assert client.ledger.tally() == Tally(spent * PRICE, 0)
            paid_by(await client.get("/paid"))
    async with customer(market, Line(market.shop()), budget=budget, state=tmp_path) as client:
        with pytest.raises(BudgetExceededError):
            await client.get("/paid")
    async with customer(
        market,
        Line(market.shop()),
        budget=budget,
        state=tmp_path,
        remembers_spending=False,
    ) as client:
        paid_by(await client.get("/paid"))
    assert await market.sold() == 3


@pytest.mark.parametrize("sponsored", [False, True])
async def test_a_later_run_finds_out_that_a_payment_was_made(
    market: Market, tmp_path: Path, sponsored: bool
) -> None:
    shop = market.shop(**({"fee_payer": True} if sponsored else {}))
    async with customer(market, Line(shop), state=tmp_path) as client:
        await pay_and_die(client, shop)
    async with customer(market, Line(market.shop()), state=tmp_path) as client:
        assert client.ledger.tally() == Tally(0, PRICE)
        [left] = client.ledger.unknown
        assert left.evidence["method"] == "tempo/charge"
        assert (left.evidence["txHash"] is None) == sponsored
        assert await client.reconcile() == ()
        assert client.ledger.tally() == Tally(PRICE, 0)
    assert await market.sold() == 1


async def pay_and_die(client: PaidClient, shop: httpx.ASGITransport) -> Reservation:
    """Sign for a charge and send it; the process is killed before it has seen the answer."""
    async with httpx.AsyncClient(transport=shop, base_url="https://shop.example") as http:
        [challenge] = read_challenges(await http.get("/paid")).challenges
        [payer] = [one for one in client.payers if one.name == "tempo/charge"]
        order = Order("https://shop.example/paid", "GET", "shop.example:443")
        attempt = await payer.prepare(challenge, order)
        kill(client.ledger)
        paid = await http.get("/paid", headers={"Authorization": attempt.authorization})
        assert paid.status_code == 200
    [reservation] = client.ledger.open
    return reservation


async def test_a_later_run_frees_what_was_never_paid(market: Market, tmp_path: Path) -> None:
    line = Line(market.shop(), *["request lost"] * 3)
    async with customer(market, line, state=tmp_path) as client:
        with pytest.raises(OutcomeUnknownError) as unknown:
            await client.get("/paid")
        assert unknown.value.paid is None
    async with customer(market, Line(market.shop()), state=tmp_path) as client:
        [left] = await client.reconcile()
        tx_hash = unknown.value.tx_hash
        assert tx_hash is not None
        assert left.evidence["txHash"] == f"0x{tx_hash.hex()}"
        assert client.ledger.tally() == Tally(0, PRICE)
        market.chain.mine(2, interval_s=120)
        assert await client.reconcile() == ()
        assert client.ledger.tally() == Tally(0, 0)
    assert await market.sold() == 0


async def test_a_run_that_ended_before_it_signed_leaves_nothing_open(
    market: Market, tmp_path: Path
) -> None:
    ledger = open_ledger(tmp_path, Budget(), PAYER.address)
    ledger.reserve(ASKED, {"method": "tempo/charge"})
    kill(ledger)
    async with customer(market, Line(market.shop()), state=tmp_path) as client:
        assert client.ledger.tally() == Tally(0, 0)


# -- sessions -------------------------------------------------------------------------------------


async def test_a_sessions_limits_hold_across_runs(bazaar: Bazaar, tmp_path: Path) -> None:
    price = stalls.PRICE
    for limit in ("total", "per_recipient", "per_session"):
        state = tmp_path / limit
        budget = Budget(**{limit: 3 * price}, allowed_currencies=[TOKEN])
        async with bazaar.customer(budget=budget, state=state, session=STAY) as client:
            for _ in range(2):
                paid_by(await client.get(f"{bazaar.url}/search"))
        async with bazaar.customer(budget=budget, state=state, prefer=["tempo/session"]) as client:
            paid_by(await client.get(f"{bazaar.url}/search"))
            with pytest.raises(BudgetExceededError) as refusal:
                await client.get(f"{bazaar.url}/search")
            assert refusal.value.limit == limit
            assert client.ledger.tally() == Tally(3 * price, 0)


async def test_vouchers_of_a_killed_run_are_counted_or_used(bazaar: Bazaar, tmp_path: Path) -> None:
    """One had been signed for when the run was killed: it counts, for the payee may have it."""
    price = stalls.PRICE
    async with bazaar.customer(state=tmp_path, session=STAY) as client:
        paid_by(await client.get(f"{bazaar.url}/search"))
        response = await client._raw.get(f"{bazaar.url}/search")
        [challenge] = read_challenges(response).challenges
        order = Order(f"{bazaar.url}/search", "GET", client.sessions.channels()[0].host)
        attempt = await client.sessions.prepare(challenge, order)
        kill(client.ledger)
        del attempt
    async with bazaar.customer(state=tmp_path) as client:
        assert client.ledger.tally() == Tally(2 * price, 0)
        paid_by(await client.get(f"{bazaar.url}/search"))
        assert client.ledger.tally() == Tally(3 * price, 0)


async def test_an_unknown_voucher_ends_with_its_channel(bazaar: Bazaar, tmp_path: Path) -> None:
    """Never served, so never captured: after the close the money is free again."""
    price = stalls.PRICE
    async with httpx.AsyncHTTPTransport() as wire:
        line = Line(wire)
        http = httpx.AsyncClient(transport=line)
        options = {"http": http, "prefer": ["tempo/session"]}
        async with http, bazaar.customer(state=tmp_path, **options) as client:
            paid_by(await client.get(f"{bazaar.url}/search"))
            line.accidents += ["request lost"] * 3
            with pytest.raises(OutcomeUnknownError):
                await client.get(f"{bazaar.url}/search")
            line.accidents.clear()
            assert client.ledger.tally() == Tally(price, price)
            await client.sessions.close_all()
            assert await client.reconcile() == ()
            assert client.ledger.tally() == Tally(price, 0)
