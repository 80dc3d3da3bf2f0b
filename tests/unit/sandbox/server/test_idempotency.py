"""One key, one charge, one answer: keys, fingerprints, verdicts, and what is kept.

Core draft, Idempotency; facts: protocol 1.1, row 16.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from mpp.errors import BadRequestError, PaymentError

from mock_rails.core.errors import BadInput
from sandbox.server.idempotency import (
    KEPT_FOR_S,
    LARGEST_BODY,
    LEASE_S,
    LONGEST_KEY,
    Decision,
    IdempotencyCodec,
    IdempotencyInProgressError,
    IdempotencyLog,
    IdempotencyMismatchError,
    IdempotencyRecord,
    KeptResponse,
    State,
    Verdict,
    decide,
    fingerprint,
    parse_key,
    record_key,
)
from sandbox.server.stores import MemoryStore, SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from mock_rails.core import Clock
    from sandbox.server.stores import RecordStore, Store

KEY = record_key("did:pkh:eip155:1337:0xaa", "order-1")
PRINT = fingerprint("POST", "/search", "q=1", b"{}")
OTHER_PRINT = fingerprint("POST", "/search", "q=2", b"{}")
ANSWER = KeptResponse(200, (("content-type", "text/plain"), ("payment-receipt", "e30")), b"\0\xff")


# -- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("order-1", "order-1"),
        (" order-1\t", "order-1"),
        ('"order-1"', "order-1"),
        ('"with blank"', "with blank"),
        (r'"a\"b\\c"', 'a"b\\c'),
        ("~!#;=,", "~!#;=,"),
        ("a" * LONGEST_KEY, "a" * LONGEST_KEY),
    ],
)
def test_a_key_may_be_bare_or_quoted(field: str, key: str) -> None:
    assert parse_key([field]) == key


def test_no_field_no_key() -> None:
    assert parse_key([]) is None


@pytest.mark.parametrize(
    "field",
    [
        "",
        " ",
        '""',
        '"',
        '"a',
        'a"',
        'a"b',
        '"a"b"',
        r'"a\b"',
        '"a\\"',
        "a b",
        "a\tb",
        "é",
        '"é"',
        "a\0",
        "a\n",
        "a" * (LONGEST_KEY + 1),
        f'"{"a" * (LONGEST_KEY + 1)}"',
    ],
)
def test_what_is_no_key_is_a_bad_request(field: str) -> None:
    with pytest.raises(BadRequestError, match="Idempotency-Key") as refused:
        parse_key([field])
    assert refused.value.status == 400


def test_two_keys_are_a_bad_request() -> None:
    with pytest.raises(BadRequestError, match="2 Idempotency-Key fields"):
        parse_key(["a", "a"])


def test_a_payers_keys_are_its_own() -> None:
    assert record_key("payer", "key") == record_key("payer", "key")
    pairs = [("payer", "key"), ("other", "key"), ("pay", "erkey"), ("payerk", "ey")]
    assert len({record_key(*pair) for pair in pairs}) == len(pairs)


# -- fingerprints ----------------------------------------------------------------------------------


def test_a_fingerprint_is_of_method_path_query_and_body() -> None:
    parts = [
        ("POST", "/search", "q=1", b"{}"),
        ("PUT", "/search", "q=1", b"{}"),
        ("POST", "/searches", "q=1", b"{}"),
        ("POST", "/search", "q=2", b"{}"),
        ("POST", "/search", "q=1", b"{ }"),
        ("POST", "/searchq=1", "", b"{}"),  # the same bytes in other places
        ("POST", "/search", "", b"q=1{}"),
        ("POSTS", "/earch", "q=1", b"{}"),
    ]
    assert len({fingerprint(*one) for one in parts}) == len(parts)
    assert fingerprint("POST", "/search", b"q=1", b"{}") == PRINT


# -- verdicts --------------------------------------------------------------------------------------

NOW_S = 1_000
ATTEMPT = IdempotencyRecord(PRINT, "second", NOW_S + LEASE_S)
RUNNING = IdempotencyRecord(PRINT, "first", NOW_S + 1)
DONE = IdempotencyRecord(PRINT, "first", NOW_S + 1, ANSWER)


@pytest.mark.parametrize(
    ("before", "verdict"),
    [
        (None, Verdict.START),
        (RUNNING, Verdict.IN_PROGRESS),
        (replace(RUNNING, ends_at_s=NOW_S), Verdict.RECOVER),
        (replace(RUNNING, fingerprint=OTHER_PRINT), Verdict.MISMATCH),
        (replace(RUNNING, fingerprint=OTHER_PRINT, ends_at_s=NOW_S), Verdict.MISMATCH),
        (DONE, Verdict.REPLAY),
        (replace(DONE, ends_at_s=NOW_S), Verdict.START),
        (replace(DONE, fingerprint=OTHER_PRINT), Verdict.MISMATCH),
        (replace(DONE, fingerprint=OTHER_PRINT, ends_at_s=NOW_S), Verdict.START),
    ],
)
def test_the_record_decides(before: IdempotencyRecord | None, verdict: Verdict) -> None:
    decision = decide(before, ATTEMPT, NOW_S)
    begins = verdict in (Verdict.START, Verdict.RECOVER)
    assert decision == Decision(verdict, ATTEMPT if begins or before is None else before)


def test_a_record_with_an_answer_is_done() -> None:
    assert (RUNNING.state, DONE.state) == (State.RUNNING, State.DONE)


@pytest.mark.parametrize(
    ("verdict", "status", "slug"),
    [
        (Verdict.MISMATCH, 422, "idempotency-mismatch"),
        (Verdict.IN_PROGRESS, 409, "idempotency-in-progress"),
    ],
)
def test_refusals_are_problems(verdict: Verdict, status: int, slug: str) -> None:
    with pytest.raises(PaymentError) as refused:
        Decision(verdict, RUNNING).raise_refusal(NOW_S)
    problem = refused.value.to_problem_details()
    assert (problem["status"], problem["type"]) == (status, f"urn:mpp-sandbox:problem:{slug}")


def test_who_must_wait_is_told_how_long() -> None:
    for now_s, wait_s in ((NOW_S, 1), (NOW_S - 9, 10), (NOW_S + 5, 1)):
        with pytest.raises(IdempotencyInProgressError) as refused:
            Decision(Verdict.IN_PROGRESS, RUNNING).raise_refusal(now_s)
        assert refused.value.retry_after_s == wait_s
        assert refused.value.to_problem_details()["details"] == {"retryAfter": wait_s}


@pytest.mark.parametrize("verdict", [Verdict.START, Verdict.RECOVER, Verdict.REPLAY])
def test_the_others_are_no_refusals(verdict: Verdict) -> None:
    Decision(verdict, RUNNING).raise_refusal(NOW_S)


# -- the log, in memory and in a file --------------------------------------------------------------


@pytest.fixture(params=["memory", "sqlite"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> AsyncIterator[Store]:
    opened: Store = (
        MemoryStore(clock)
        if request.param == "memory"
        else await SqliteStore.open(tmp_path / "store.db", clock)
    )
    yield opened
    await opened.close()


@pytest.fixture
def records(store: Store) -> RecordStore[IdempotencyRecord]:
    return store.records("idempotency", IdempotencyCodec())


@pytest.fixture
def log(records: RecordStore[IdempotencyRecord], clock: Clock) -> IdempotencyLog:
    return IdempotencyLog(records, clock)


async def test_the_same_request_gets_the_same_answer(log: IdempotencyLog) -> None:
    assert (await log.begin(KEY, PRINT, "first")).verdict is Verdict.START
    assert (await log.begin(KEY, PRINT, "second")).verdict is Verdict.IN_PROGRESS
    assert await log.finish(KEY, "first", ANSWER)
    again = await log.begin(KEY, PRINT, "third")
    assert (again.verdict, again.record.response) == (Verdict.REPLAY, ANSWER)


async def test_another_request_with_the_key_is_refused_and_changes_nothing(
    log: IdempotencyLog, records: RecordStore[IdempotencyRecord]
) -> None:
    await log.begin(KEY, PRINT, "first")
    for answered in (False, True):
        if answered:
            await log.finish(KEY, "first", ANSWER)
        kept = await records.get(KEY)
        decision = await log.begin(KEY, OTHER_PRINT, "second")
        with pytest.raises(IdempotencyMismatchError):
            decision.raise_refusal(NOW_S)
        assert await records.get(KEY) == kept


async def test_of_many_that_race_one_starts(log: IdempotencyLog) -> None:
    decisions = await asyncio.gather(*(log.begin(KEY, PRINT, f"no {n}") for n in range(50)))
    verdicts = [decision.verdict for decision in decisions]
    assert verdicts.count(Verdict.START) == 1
    assert verdicts.count(Verdict.IN_PROGRESS) == 49
    assert len({decision.record.owner for decision in decisions}) == 1


async def test_what_charged_nothing_can_be_tried_again_at_once(log: IdempotencyLog) -> None:
    await log.begin(KEY, PRINT, "first")
    await log.abandon(KEY, "first")
    assert (await log.begin(KEY, OTHER_PRINT, "second")).verdict is Verdict.START


async def test_an_attempt_that_was_left_is_looked_into_at_once(log: IdempotencyLog) -> None:
    await log.begin(KEY, PRINT, "first")
    await log.leave(KEY, "another")
    assert await log.dead(KEY, PRINT) is None
    await log.leave(KEY, "first")
    dead = await log.dead(KEY, PRINT)
    assert dead is not None
    assert dead.owner == "first"
    found = await log.begin(KEY, PRINT, "second", dead=dead)
    assert found.verdict is Verdict.RECOVER


async def test_only_its_owner_ends_an_attempt(
    log: IdempotencyLog, records: RecordStore[IdempotencyRecord]
) -> None:
    await log.begin(KEY, PRINT, "first")
    kept = await records.get(KEY)
    await log.abandon(KEY, "second")
    assert not await log.finish(KEY, "second", ANSWER)
    assert await records.get(KEY) == kept
    await log.finish(KEY, "first", ANSWER)
    await log.abandon(KEY, "first")  # too late: it is done
    assert (await log.begin(KEY, PRINT, "third")).verdict is Verdict.REPLAY


async def test_an_attempt_that_died_is_recovered_by_one(log: IdempotencyLog, clock: Clock) -> None:
    await log.begin(KEY, PRINT, "first")
    clock.advance(LEASE_S - 1)
    assert (await log.begin(KEY, PRINT, "second")).verdict is Verdict.IN_PROGRESS
    clock.advance(1)
    dead = await log.dead(KEY, PRINT)
    assert dead is not None
    assert dead.owner == "first"
    assert await log.dead(KEY, OTHER_PRINT) is None
    assert (await log.begin(KEY, PRINT, "blind")).verdict is Verdict.IN_PROGRESS
    assert (await log.begin(KEY, PRINT, "third", dead=dead)).verdict is Verdict.RECOVER
    assert (await log.begin(KEY, PRINT, "fourth", dead=dead)).verdict is Verdict.IN_PROGRESS
    assert not await log.finish(KEY, "first", KeptResponse(500))  # it was only slow
    assert await log.finish(KEY, "third", ANSWER)
    assert (await log.begin(KEY, PRINT, "fifth")).record.response == ANSWER


async def test_answers_are_forgotten_and_unfinished_attempts_are_not(
    log: IdempotencyLog, records: RecordStore[IdempotencyRecord], clock: Clock
) -> None:
    keys = [record_key("payer", name) for name in ("done", "died", "later")]
    for key in keys[:2]:
        await log.begin(key, PRINT, "first")
    await log.finish(keys[0], "first", ANSWER)
    clock.advance(KEPT_FOR_S)
    other = IdempotencyLog(records, clock)  # a process that has started since
    await other.begin(keys[2], PRINT, "first")
    await other.finish(keys[2], "first", ANSWER)
    assert await other.purge() == 1
    assert [await records.get(key) is None for key in keys] == [True, False, False]
    assert await other.purge() == 0


async def test_new_answers_take_away_those_whose_time_is_over(
    log: IdempotencyLog, records: RecordStore[IdempotencyRecord], clock: Clock
) -> None:
    old, new = record_key("payer", "old"), record_key("payer", "new")
    for key in (old, new):
        await log.begin(key, PRINT, "first")
        await log.finish(key, "first", ANSWER)
        clock.advance(KEPT_FOR_S)
    assert await records.get(old) is None
    assert await records.get(new) is not None


async def test_no_more_answers_are_kept_than_there_is_room_for(
    records: RecordStore[IdempotencyRecord], clock: Clock
) -> None:
    log = IdempotencyLog(records, clock, most_kept=3)
    keys = [record_key("payer", str(number)) for number in range(5)]
    for key in keys:
        await log.begin(key, PRINT, "first")
        await log.finish(key, "first", ANSWER)
    assert [await records.get(key) is None for key in keys] == [True, True, False, False, False]


async def test_a_key_that_was_claimed_anew_is_not_swept_away(
    records: RecordStore[IdempotencyRecord], clock: Clock
) -> None:
    log = IdempotencyLog(records, clock)
    await log.begin(KEY, PRINT, "first")
    await log.finish(KEY, "first", ANSWER)
    clock.advance(KEPT_FOR_S)
    assert (await log.begin(KEY, OTHER_PRINT, "second")).verdict is Verdict.START
    other = record_key("payer", "other")
    await log.begin(other, PRINT, "first")
    await log.finish(other, "first", ANSWER)
    assert (await log.begin(KEY, OTHER_PRINT, "third")).verdict is Verdict.IN_PROGRESS


async def test_a_key_is_free_again_after_its_time_without_a_purge(
    log: IdempotencyLog, clock: Clock
) -> None:
    await log.begin(KEY, PRINT, "first")
    await log.finish(KEY, "first", ANSWER)
    clock.advance(KEPT_FOR_S)
    assert (await log.begin(KEY, OTHER_PRINT, "second")).verdict is Verdict.START


async def test_a_large_body_is_not_kept_but_the_payment_is(log: IdempotencyLog) -> None:
    for size, kept in ((LARGEST_BODY, b"x" * LARGEST_BODY), (LARGEST_BODY + 1, None)):
        key = record_key("payer", str(size))
        await log.begin(key, PRINT, "first")
        await log.finish(key, "first", replace(ANSWER, body=b"x" * size))
        again = await log.begin(key, PRINT, "second")
        assert again.verdict is Verdict.REPLAY
        assert again.record.response == replace(ANSWER, body=kept)


@pytest.mark.parametrize(("lease_s", "kept_for_s"), [(0, 1), (1, 0), (-1, 1)])
def test_times_are_at_least_a_second(clock: Clock, lease_s: int, kept_for_s: int) -> None:
    records = MemoryStore(clock).records("idempotency", IdempotencyCodec())
    with pytest.raises(BadInput, match="last a second"):
        IdempotencyLog(records, clock, lease_s=lease_s, kept_for_s=kept_for_s)


@pytest.mark.parametrize("record", [RUNNING, DONE, replace(DONE, response=KeptResponse(204))])
def test_records_survive_as_text(record: IdempotencyRecord) -> None:
    codec = IdempotencyCodec()
    assert codec.decode(json.loads(json.dumps(codec.encode(record)))) == record
