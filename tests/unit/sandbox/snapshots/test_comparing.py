"""Where the money went: every rail's changes add up, or the comparison says that they do not.

DESIGN 2.5: conservation holds of each token, currency and channel.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core import snapshot
from mock_rails.core.clock import Clock
from mock_rails.core.errors import SnapshotError
from mock_rails.core.rail import RailContext
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.rail import Lightning
from mock_rails.stripe import ledger as stripe_books
from mock_rails.stripe.rail import Stripe
from mock_rails.tempo.addresses import CHANNEL_RESERVE, PATH_USD
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.rail import Chain
from sandbox.methods.lightning_session import Session, SessionCodec
from sandbox.server.stores import MemoryStore
from sandbox.snapshots import Books, Difference, compare
from sandbox.snapshots.text import amount, lines

if TYPE_CHECKING:
    from mock_rails.core.rail import Rail

TOKEN = f"0x{PATH_USD.hex()}"
RESERVE = f"0x{CHANNEL_RESERVE.hex()}"
CHANNEL = "0x" + "c4" * 32


def context() -> RailContext:
    """A still clock, so that equal histories are equal."""
    return RailContext.create(clock=Clock.frozen(1_767_225_600))


def taken(found: RailContext, *rails: Rail) -> dict[str, Any]:
    """A document that nothing changes any more."""
    return copy.deepcopy(snapshot.take(found, rails))


@pytest.fixture(scope="module")
def genesis() -> dict[str, Any]:
    """A chain at its beginning."""
    found = context()
    return taken(found, Chain(found, ChainSettings(chain_id=1337)))


def storage(document: dict[str, Any], contract: str) -> dict[str, Any]:
    """What a contract keeps."""
    return document["rails"]["tempo"]["world"]["storage"].setdefault(contract, {})


def moved(document: dict[str, Any], payer: str, amount: int, payee: str) -> dict[str, Any]:
    """The same chain after a transfer of pathUSD."""
    after = copy.deepcopy(document)
    balances = storage(after, TOKEN)
    balances[f"9/{payer}"] = hex(int(balances[f"9/{payer}"], 16) - amount)
    balances[f"9/{payee}"] = hex(int(balances.get(f"9/{payee}", "0x0"), 16) + amount)
    return after


def holder(document: dict[str, Any]) -> str:
    """The payer's address, read off the document."""
    balances = (path for path in storage(document, TOKEN) if path.startswith("9/0xf39f"))
    return next(balances).removeprefix("9/")


# -- tempo ----------------------------------------------------------------------------------------


def test_nothing_is_nothing(genesis: dict[str, Any]) -> None:
    found = compare(genesis, genesis)
    assert (found.ledgers, found.items, found.is_conserved) == ((), (), True)
    assert lines(found) == ["No money moved."]


def test_a_transfer_is_less_here_and_more_there(genesis: dict[str, Any]) -> None:
    payer, payee = holder(genesis), "0x" + "51" * 20
    (ledger,) = compare(genesis, moved(genesis, payer, 250_000, payee)).ledgers
    assert (ledger.rail, ledger.unit, ledger.address) == ("tempo", "pathUSD", TOKEN)
    told = [(one.holder, one.name, one.amount) for one in ledger.changes]
    assert told == [(payer, "payer", -250_000), (payee, None, 250_000)]
    assert (ledger.total, ledger.created, ledger.is_conserved) == (0, 0, True)


def test_what_was_minted_is_told_as_created(genesis: dict[str, Any]) -> None:
    after = copy.deepcopy(genesis)
    tokens = storage(after, TOKEN)
    tokens["8"] = hex(int(tokens["8"], 16) + 7)
    tokens["9/0x" + "51" * 20] = "0x7"
    (ledger,) = compare(genesis, after).ledgers
    assert (ledger.total, ledger.created, ledger.is_conserved) == (7, 7, True)
    assert lines(compare(genesis, after))[-1].split() == ["created", "+0.000007"]


def test_money_from_nowhere_is_seen(genesis: dict[str, Any]) -> None:
    after = copy.deepcopy(genesis)
    storage(after, TOKEN)["9/0x" + "51" * 20] = "0x7"
    found = compare(genesis, after)
    assert not found.is_conserved
    assert not found.to_json()["ledgers"][0]["conserved"]
    assert "IN ALL" in lines(found)[-1]


def test_channels_of_the_reserve_come_change_and_go(genesis: dict[str, Any]) -> None:
    opened, used = copy.deepcopy(genesis), copy.deepcopy(genesis)
    storage(opened, RESERVE)[f"0/{CHANNEL}"] = hex(1_000_000 << 96)
    storage(used, RESERVE)[f"0/{CHANNEL}"] = hex(1_767_225_700 << 192 | 1_000_000 << 96 | 400_000)
    (new,) = compare(genesis, opened).items
    assert (new.id, new.verb, new.after and new.after["deposit"]) == (CHANNEL, "new", "1000000")
    (changed,) = compare(opened, used).items
    assert changed.verb == "changed"
    assert changed.after == {
        "deposit": "1000000", "settled": "400000", "close_requested_at_s": 1_767_225_700,
    }  # fmt: skip
    assert lines(compare(opened, used))[-1] == (
        "tempo channel 0xc4c4c4…c4c4 changed: settled 0.00 -> 0.40, "
        "close_requested_at_s none -> 1767225700"
    )
    (gone,) = compare(used, genesis).items
    assert gone.verb == "gone"


def test_other_chains_are_not_compared(genesis: dict[str, Any]) -> None:
    found = context()
    other = taken(found, Chain(found, ChainSettings(chain_id=42431)))
    with pytest.raises(SnapshotError, match="different chains, 1337 and 42431"):
        compare(genesis, other)


# -- stripe and lightning -------------------------------------------------------------------------


def test_stripes_purses_change_by_nothing_in_all() -> None:
    found = context()
    stripe = Stripe(found)
    before = taken(found, stripe)
    with stripe.operation() as op:
        stripe_books.post(op, "usd", {"pending": 968, "stripe/fees": 32, "world/cards": -1000})
    (books,) = compare(before, taken(found, stripe)).ledgers
    assert (books.unit, books.decimals, books.is_conserved) == ("usd", 2, True)
    told = [(one.name or one.holder.rpartition("/")[2], one.amount) for one in books.changes]
    assert told == [("paid by cards", -1000), ("Stripe's fees", 32), ("pending", 968)]


async def test_a_lightning_payment_moves_along_its_route() -> None:
    found = context()
    lightning = Lightning(found)
    before = taken(found, lightning)
    coffee = InvoiceRequest(amount_msat=50_000, description="coffee")
    invoice = lightning.node("merchant").create_invoice(coffee)
    await lightning.node("payer").pay(invoice.text)
    difference = compare(before, taken(found, lightning))
    (ledger,) = difference.ledgers
    amounts = {one.holder: one.amount for one in ledger.changes}
    assert amounts["merchant"] == 50_000
    assert amounts["payer"] <= -50_000
    assert (ledger.total, ledger.created, ledger.is_conserved) == (0, 0, True)
    kinds = {(one.kind, one.verb) for one in difference.items}
    assert {("invoice", "new"), ("payment", "new"), ("channel", "changed")} == kinds


# -- the merchants' books -------------------------------------------------------------------------


async def test_what_was_spent_of_a_lightning_deposit_is_in_the_books() -> None:
    found = context()
    books, store = Books(), MemoryStore(found.clock)
    books.attach(store)
    sessions = store.records("lightning-sessions", SessionCodec())
    opened = Session(
        id=b"\x51" * 32, deposit_sat=300, return_invoice="lnbcrt1", opened_s=1, used_s=1
    )
    await sessions.update("51" * 32, lambda _: opened)
    before = taken(found, books)
    await sessions.update("51" * 32, lambda _: dataclasses.replace(opened, spent_sat=20, units=2))
    difference = compare(before, taken(found, books))
    assert lines(difference)[-1] == (
        "merchants lightning session 51515151…5151 changed: spent_sat 0 -> 20, units 0 -> 2"
    )


# -- what cannot be compared ----------------------------------------------------------------------


def test_a_rail_of_one_of_the_two_is_named_and_left_out(genesis: dict[str, Any]) -> None:
    found = context()
    both = copy.deepcopy(genesis)
    both["rails"]["stripe"] = Stripe(found).snapshot()
    assert compare(genesis, both).skipped == {"stripe": "second"}
    assert "stripe is in the first snapshot only" in "\n".join(lines(compare(both, genesis)))


def test_damaged_files_are_refused(genesis: dict[str, Any]) -> None:
    for part in ({}, {"chain_id": 1337}, {**genesis["rails"]["tempo"], "blocks": []}):
        damaged = {**genesis, "rails": {"tempo": part}}
        with pytest.raises(SnapshotError, match="tempo part cannot be read"):
            compare(genesis, damaged)
    with pytest.raises(SnapshotError, match="it lacks 'chain_id'"):
        compare(genesis, {**genesis, "rails": {"tempo": {}}})
    for part, version in (({**genesis["rails"]["tempo"], "version": 2}, "2"), ([], "None")):
        with pytest.raises(SnapshotError, match=f"tempo part has version {version}"):
            compare(genesis, {**genesis, "rails": {"tempo": part}})
    with pytest.raises(SnapshotError, match="'silver'"):
        compare(genesis, {**genesis, "rails": {"silver": {}}})
    with pytest.raises(SnapshotError, match="reads up to"):
        compare(genesis, {**genesis, "version": 99})


def test_amounts_are_written_exactly() -> None:
    assert amount(1_016_396, 6) == "1.016396"
    assert amount(-10_000, 6) == "-0.01"
    assert amount(12_000_000_000, 6, signed=True) == "+12,000.00"
    assert (amount(0, 6, signed=True), amount(500, 0), amount(-1, 3)) == ("0.00", "500", "-0.001")


def test_a_chain_that_was_set_back_is_told() -> None:
    assert lines(Difference((), (), (9, 4))) == [
        "The chain was set back from block 9 to 4.", "No money moved.",
    ]  # fmt: skip
    assert lines(Difference((), (), (4, 5), 1))[0] == (
        "The chain went on from block 4 to 5, with 1 transaction."
    )
