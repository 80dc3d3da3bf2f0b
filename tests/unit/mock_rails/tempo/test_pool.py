"""The pool: nonce sequences in order, whatever the order of arrival, and bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.pool import MAX_NONCE_GAP, Pool
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_TEMPO, Call, Submission, Transaction
from mock_rails.tempo.tx.sign import unsigned_submission

ALICE, BOB = b"\x0a" * 20, b"\x0b" * 20


def make(nonce: int, sender: bytes = ALICE, key: int = 0, price: int = 100) -> Submission:
    return unsigned_submission(
        Transaction(
            type=TYPE_TEMPO, chain_id=1337, nonce=nonce, gas_limit=100_000, max_fee_per_gas=price,
            max_priority_fee_per_gas=0, calls=(Call(PATH_USD, 0, b""),), nonce_key=key,
        ),
        sender,
    )  # fmt: skip


def run(pool: Pool, nonces: dict[tuple[bytes, int], int] | None = None) -> list[int]:
    """Take what is due, as a block does, and return the nonces in the order taken."""
    counts = dict(nonces or {})
    taken = []
    for submission in pool.due(lambda account, key: counts.get((account, key), 0)):
        lane = (submission.sender, submission.tx.nonce_key)
        counts[lane] = submission.tx.nonce + 1
        taken.append(submission.tx.nonce)
        pool.remove(submission)
    return taken


def test_a_sequence_runs_in_order_though_it_arrived_backwards() -> None:
    pool = Pool()
    for nonce in (3, 2, 1, 0):
        pool.add(make(nonce), 0)
    assert run(pool) == [0, 1, 2, 3]
    assert len(pool) == 0


def test_a_gap_waits_for_what_is_missing() -> None:
    pool = Pool()
    pool.add(make(0), 0)
    pool.add(make(2), 0)
    assert run(pool) == [0]
    assert [submission.tx.nonce for submission in pool] == [2]
    pool.add(make(1), 1)
    assert run(pool, {(ALICE, 0): 1}) == [1, 2]


def test_senders_and_nonce_keys_have_sequences_of_their_own() -> None:
    pool = Pool()
    pool.add(make(1), 0)
    pool.add(make(0, BOB), 0)
    pool.add(make(0, key=7), 0)
    assert run(pool) == [0, 0]
    assert len(pool) == 1


def test_expiring_transactions_have_no_sequence() -> None:
    pool = Pool()
    first = make(0, key=EXPIRING_NONCE_KEY)
    second = make(0, key=EXPIRING_NONCE_KEY, price=101)
    pool.add(first, 0)
    pool.add(second, 0)
    assert run(pool) == [0, 0]


def test_the_same_transaction_is_known() -> None:
    pool = Pool()
    pool.add(make(0), 0)
    with pytest.raises(InvalidTransaction, match="already known"):
        pool.add(make(0), 0)


def test_a_replacement_pays_a_tenth_more() -> None:
    pool = Pool()
    first = make(0)
    pool.add(first, 0)
    with pytest.raises(InvalidTransaction, match="replacement transaction underpriced"):
        pool.add(make(0, price=109), 0)
    better = make(0, price=110)
    assert pool.add(better, 0) is first
    assert list(pool) == [better]


def test_a_nonce_far_ahead_is_refused() -> None:
    with pytest.raises(InvalidTransaction, match="nonce too high: next nonce 0, tx nonce 1025"):
        Pool().add(make(MAX_NONCE_GAP + 1), 0)


def test_the_pending_nonce_counts_what_waits_without_a_gap() -> None:
    pool = Pool()
    for nonce in (0, 1, 3):
        pool.add(make(nonce), 0)
    assert pool.pending_nonce(ALICE, 0, 0) == 2
    assert pool.pending_nonce(BOB, 0, 5) == 5


def test_clearing_forgets_places_too() -> None:
    pool = Pool()
    submission = make(0)
    pool.add(submission, 0)
    assert pool.clear() == (submission,)
    assert pool.add(replace(submission), 0) is None
