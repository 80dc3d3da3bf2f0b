"""Hostile input on the devnet's merchants, over sockets: refused, and nothing moves.

Issue 3, hostile input; facts: protocol 1.5 (statuses and types), 2.5 (sessions), 2.9 (WebSockets).
Every attack is one step away from what an honest customer sends. The answer is a problem document
with the status and type of the rule that was broken, never a 5xx and never a receipt; and the
merchants' records, the replay marks, the chain and everybody's balance are as before.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
from mpp import Challenge

from sandbox.chain import broadcast
from sandbox.devnet import CURRENCY
from sandbox.merchants.merchants import challenge_secret
from sandbox.methods.tempo_session.calls import OpenTerms, open_calls
from sandbox.methods.tempo_session.fields import to_hex
from sandbox.server.challenges import Challenges
from tests.conformance.session.payer import encode
from tests.integration.sandbox.hostile import (
    CHAT,
    DEEP,
    WRONG,
    Site,
    base64url,
    check_problem,
    echo_of,
    members_of,
    open_site,
    paths,
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


# -- wrong types -----------------------------------------------------------------------------------

CHALLENGE_PROBLEMS: Final = ("malformed-credential", "invalid-challenge", "method-unsupported")
PAYLOAD_PROBLEMS: Final = ("invalid-payload", "verification-failed", "session/invalid-signature")


async def spoil_all(site: Site, path: str, good: dict[str, Any], sources: bool) -> int:
    """Replace every member of a credential by every wrong value; how many were refused."""
    refused = 0
    before = await site.remembers()
    for member in paths(good):
        if member == "challenge.description" or (member == "source" and not sources):
            continue  # words for people; and what the protocol does not look at
        part = member.partition(".")[0]
        expected = {
            "challenge": CHALLENGE_PROBLEMS,
            "payload": PAYLOAD_PROBLEMS,
            "source": ("session/signer-mismatch", "verification-failed"),
        }[part]
        for value in WRONG:
            if part == "source" and path == "/quote" and not value:
                continue  # the source of a charge is optional
            check_problem(await site.send(path, spoilt(good, member, value)), *expected)
            refused += 1
        assert await site.remembers() == before, member
    return refused


async def test_no_member_of_a_voucher_may_be_anything_else(site: Site) -> None:
    good = await site.voucher(site.searcher)
    assert await spoil_all(site, "/search", good, sources=True) > 400
    assert (await site.send("/search", good)).status_code == 200


async def test_no_member_of_a_charge_may_be_anything_else(site: Site) -> None:
    good = await site.charge("/quote")
    assert await spoil_all(site, "/quote", good, sources=True) > 200
    assert (await site.send("/quote", good)).status_code == 200


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ({"do": "open", "deposit": 10, "cumulative": 1}, 200),
        ({"do": "topUp", "deposit": 5}, 204),
        ({"do": "close", "cumulative": 3}, 204),
    ],
    ids=lambda value: value["do"] if isinstance(value, dict) else "",
)
async def test_no_member_of_a_message_to_a_channel_may_be_anything_else(
    site: Site, step: dict[str, Any], status: int
) -> None:
    """Sources are not looked at here, as in mppx: whom a message binds has signed it."""
    payer = site.customer("/search", f"newcomer {step['do']}")
    await payer.start()
    if step["do"] != "open":
        await payer.step({"do": "open", "deposit": 10, "cumulative": 3, "as": "management"})
    good = await payer.members(step)
    assert await spoil_all(site, "/search", good, sources=False) > 400
    assert (await site.send("/search", good)).status_code == status


@pytest.mark.parametrize(
    ("amount", "kind"),
    [
        ("-1", "invalid-payload"),
        ("+9", "invalid-payload"),
        ("1_000", "invalid-payload"),
        (" 4000", "invalid-payload"),
        ("4000.0", "invalid-payload"),
        (str(1 << 96), "invalid-payload"),
        (str((1 << 96) - 1), "session/amount-exceeds-deposit"),
        ("1000001", "session/amount-exceeds-deposit"),
        ("0", "verification-failed"),
        ("2999", "verification-failed"),
        ("4001", "session/invalid-signature"),
        ("04000", None),
    ],
)
async def test_amounts_of_a_voucher(site: Site, amount: str, kind: str | None) -> None:
    """The last is 4000 in another spelling, signed as 4000: it is no attack, so nothing is said
    of it but that it does not break the merchant."""
    good = await site.voucher(site.victim)
    bad = spoilt(good, "payload.cumulativeAmount", amount)
    if kind is None:
        assert (await site.send("/search", bad)).status_code in {200, 402}
    else:
        await site.refused("/search", bad, kind)


# -- mutated fields --------------------------------------------------------------------------------


FIELD_PROBLEMS: Final = ("payment-required", "malformed-credential", *PAYLOAD_PROBLEMS)


def field_attacks(text: str) -> dict[str, str]:
    """What can be done to a credential's text, by name."""
    document = json.dumps(members_of("Payment " + text))
    inside = document.encode()
    attacks = {
        "empty": "",
        "blank": "   ",
        "twice the scheme": f"Payment {text}",
        "wrong padding": f"{text}=====",
        "padding inside": f"{text[:40]}={text[40:]}",
        "two texts": f"{text} {text}",
        "quoted": f'"{text}"',
        "standard alphabet": f"{text[:8]}+/{text[10:]}",
        "64 KiB and more": text + "A" * 66_000,
    }
    documents: dict[str, str | bytes] = {
        "no JSON": "{{",
        "a list": f"[{document}]",
        "a number": "1" * 6_000,
        "NaN": "NaN",
        "deep lists": DEEP,
        "deep objects": '{"a":' * 5_000 + "1" + "}" * 5_000,
        "a deep payload": deep_payload(document),
        "duplicate keys": document[:-1] + ',"payload":{},"challenge":{}}',
        "a lone surrogate": document.replace('"source"', '"\\ud800": 1, "source"'),
        "not UTF-8": inside.replace(b"tempo", b"temp\xff"),
        "a zero": inside.replace(b"tempo", b"temp\x00"),
        "50 kB of payload": document.replace('"signature": "0x', '"signature": "0x' + "0" * 36_000),
    }
    attacks |= {name: base64url(changed) for name, changed in documents.items()}
    for cut in (1, 2, 3, len(text) // 2, len(text) - 9):
        attacks[f"cut by {cut}"] = text[:-cut]
    return {name: f"Payment {changed}".strip() for name, changed in attacks.items()}


def deep_payload(document: str) -> str:
    members = json.loads(document)
    members["payload"]["signature"] = "DEEP"
    return json.dumps(members).replace('"DEEP"', DEEP)


@pytest.mark.parametrize("kind", ["charge", "session"])
async def test_mutated_fields(site: Site, kind: str) -> None:
    path = "/quote" if kind == "charge" else "/search"
    good = await (site.charge(path) if kind == "charge" else site.voucher(site.victim))
    before = await site.remembers()
    for name, field in field_attacks(encode(good).removeprefix("Payment ")).items():
        response = await site.send(path, field)
        assert response.status_code == 402, name
        check_problem(response, *FIELD_PROBLEMS)
        assert await site.remembers() == before, name
    assert (await site.send(path, good)).status_code == 200


async def test_two_credentials_are_one_too_many(site: Site) -> None:
    value = encode(await site.voucher(site.victim))
    before = await site.remembers()
    for headers in (
        [("authorization", value), ("authorization", value)],
        [("authorization", value), ("payment-authorization", value)],
        [("authorization", f"{value}, {value}")],
        [("authorization", f"Basic eDp5, {value}"), ("authorization", value)],
    ):
        response = await site.http.get(f"{site.api}/search", headers=headers)
        assert check_problem(response, "bad-request")
        assert response.status_code == 400
    assert await site.remembers() == before


async def test_every_byte_in_and_around_a_credential(site: Site) -> None:
    """Some are no HTTP at all: then the server says so before the gate sees anything."""
    value = encode(await site.voucher(site.victim)).encode()
    before = await site.remembers()
    seen = set()
    for byte in range(256):
        for at in (0, 3, 40, len(value) - 1):
            if bytes([byte]).isalnum() or byte in b"-_=":
                continue
            if byte in b" \t" and at in {0, len(value) - 1}:
                continue  # whitespace around a field is no part of it
            spoilt_value = value[:at] + bytes([byte]) + value[at + 1 :]
            status, head, body = await raw(site, b"authorization: " + spoilt_value)
            assert 400 <= status < 500, (byte, at, status)
            assert b"\r\npayment-receipt:" not in head
            if b"application/problem+json" in head:
                seen.add(json.loads(body)["type"].rpartition("/")[2])
            else:
                assert body == b"Invalid HTTP request received.", (byte, at)
    assert {"malformed-credential", "payment-required"} <= seen
    assert await site.remembers() == before


# -- other people's channels -----------------------------------------------------------------------


async def test_another_payers_channel(site: Site) -> None:
    mine, theirs = await site.voucher(site.searcher, 5), await site.voucher(site.victim, 5)
    for source, kind in (
        (mine["source"], "session/signer-mismatch"),
        (theirs["source"], "session/invalid-signature"),
    ):
        stolen = {"challenge": mine["challenge"], "source": source}
        signature = mine["payload"]["signature"]
        payload = theirs["payload"] | {"signature": signature}
        await site.refused("/search", stolen | {"payload": payload}, kind)
    swapped = mine["payload"] | {"channelId": theirs["payload"]["channelId"]}
    await site.refused("/search", mine | {"payload": swapped}, "verification-failed")
    swapped = mine["payload"] | {"descriptor": theirs["payload"]["descriptor"]}
    await site.refused("/search", mine | {"payload": swapped}, "verification-failed")


async def test_another_payers_channel_is_not_closed(site: Site) -> None:
    close = await site.victim.members({"do": "close", "cumulative": 3, "signer": "stranger"})
    await site.refused("/search", close, "session/invalid-signature", method="POST")
    mine = await site.searcher.members({"do": "close", "cumulative": 4})
    payload = close["payload"] | {"signature": mine["payload"]["signature"]}
    await site.refused("/search", close | {"payload": payload}, "session/invalid-signature")


async def test_another_merchants_channel(site: Site) -> None:
    """It is on the chain, and the voucher is good; but somebody else would be paid."""
    payer = site.customer("/search", "customer of another merchant")
    await payer.start()
    payload = (
        await payer.members({"do": "open", "deposit": 9, "cumulative": 1, "payee": "stranger"})
    )["payload"]
    await broadcast(site.rpc, bytes.fromhex(payload["transaction"][2:]))
    voucher = await payer.members({"do": "voucher", "cumulative": 2})
    await site.refused("/search", voucher, "verification-failed")
    opened = await payer.members({"do": "voucher", "cumulative": 1})
    await site.refused("/search", opened | {"payload": payload}, "verification-failed")


async def test_a_channel_that_this_merchant_has_never_seen(site: Site) -> None:
    payer = site.customer("/search", "unseen")
    await payer.start()
    payload = (await payer.members({"do": "open", "deposit": 9, "cumulative": 1}))["payload"]
    await broadcast(site.rpc, bytes.fromhex(payload["transaction"][2:]))
    for step in ({"do": "voucher", "cumulative": 2}, {"do": "close", "cumulative": 1}):
        members = await payer.members(step)
        await site.refused("/search", members, "session/channel-not-found")
    top_up = await payer.members({"do": "topUp", "deposit": 5})
    await site.refused("/search", top_up, "session/channel-not-found", method="POST")


async def test_a_transaction_that_is_no_opening(site: Site) -> None:
    """A top-up, a plain transfer, an opening of another deposit: none is what it claims to be."""
    payer = site.customer("/search", "opener")
    await payer.start()
    good = await payer.members({"do": "open", "deposit": 10, "cumulative": 1})
    assert payer.channel is not None
    (opening,) = open_calls(payer.channel.book, terms_of(good, deposit=10_000))
    (other,) = open_calls(payer.channel.book, terms_of(good, deposit=9_999, salt=bytes(32)))
    top_up = await site.searcher.members({"do": "topUp", "deposit": 5})
    charge = await site.charge("/quote")
    transactions = {
        "two openings": to_hex((await payer.sender.sign([opening, other])).raw),
        "another opening": to_hex((await payer.sender.sign([other])).raw),
        "the same opening, later": to_hex((await payer.sender.sign([opening])).raw),
        "a topUp": top_up["payload"]["transaction"],
        "a transfer": charge["payload"]["signature"],
        "cut": good["payload"]["transaction"][:-2],
        "longer": good["payload"]["transaction"] + "00",
    }
    for transaction in transactions.values():
        bad = spoilt(good, "payload.transaction", transaction)
        await site.refused("/search", bad, "verification-failed")
    assert (await site.send("/search", good)).status_code == 200


def terms_of(opening: dict[str, Any], *, deposit: int, salt: bytes | None = None) -> OpenTerms:
    """The terms of an opening, with another deposit and salt."""
    descriptor = opening["payload"]["descriptor"]
    payee, own_salt = (bytes.fromhex(descriptor[name][2:]) for name in ("payee", "salt"))
    return OpenTerms(payee, CURRENCY, deposit, salt or own_salt, bytes(20), bytes(20))


# -- replays and swaps -----------------------------------------------------------------------------


async def test_a_sessions_challenge_pays_for_its_own_url_alone(site: Site) -> None:
    payer = site.customer("/search?q=voucher", "of one query")
    await payer.start()
    payer.url = f"{site.api}/search?q=voucher"
    opened = await payer.step({"do": "open", "deposit": 100, "cumulative": 1})
    assert opened is not None
    assert opened.status_code == 200, opened.text
    good = await payer.members({"do": "voucher", "cumulative": 2})
    for path in (
        "/search", "/search?q=channel", "/search?q=voucher&", "/search?q=voucher&q=voucher",
        "/search?Q=voucher", "/search?q=vouche%72", "/report", "/complete", "/complete?q=voucher",
    ):  # fmt: skip
        await site.refused(path, good, "invalid-challenge")
    await site.refused("/quote", good, "method-unsupported")
    await site.refused("/quote?q=voucher", good, "method-unsupported")
    assert (await site.send("/search?q=voucher", good)).status_code == 200


async def test_a_charges_challenge_pays_for_its_own_request_alone(site: Site) -> None:
    quote, report = await site.charge("/quote"), await site.charge("/report")
    await site.refused("/report", quote, "invalid-challenge")
    await site.refused("/quote", report, "invalid-challenge")
    await site.refused("/quote?x", quote, "invalid-challenge")
    assert (await site.send("/quote", quote, method="HEAD")).status_code == 402
    await site.refused("/search", quote, "method-unsupported")
    await site.refused("/v1/chat/completions", quote, "method-unsupported", method="POST")
    for path, good in (("/quote", quote), ("/report", report)):
        assert (await site.send(path, good)).status_code == 200
        await site.refused(path, good, "invalid-challenge")


async def test_one_transfer_does_not_answer_two_challenges(site: Site) -> None:
    first, second = await site.charge("/quote"), await site.charge("/quote")
    stolen = second | {"payload": first["payload"]}
    await site.refused("/quote", stolen, "verification-failed")
    paid = await site.send("/quote", first)
    assert paid.status_code == 200
    receipt = json.loads(unpadded(paid.headers["payment-receipt"]))
    pushed = {"type": "hash", "hash": receipt["reference"]}
    await site.refused("/quote", second | {"payload": pushed}, "verification-failed")
    await site.refused("/quote", stolen, "verification-failed")
    for no_hash in ("0x12", "0x123", "0x" + "ab" * 4_000):
        payload = {"type": "hash", "hash": no_hash}
        await site.refused("/quote", second | {"payload": payload}, "invalid-payload")
    assert (await site.send("/quote", second)).status_code == 200


async def test_a_transaction_that_nobody_has_heard_of(site: Site) -> None:
    """It may be on its way, and whoever sent it must not be asked to pay again: the one answer to
    a client's own doing that is a 5xx, without a challenge. The same credential may come again."""
    good = await site.charge("/quote")
    before = await site.remembers()
    response = await site.send(
        "/quote", good | {"payload": {"type": "hash", "hash": "0x" + "ab" * 32}}
    )
    assert response.status_code == 503
    assert "www-authenticate" not in response.headers
    assert "payment-receipt" not in response.headers
    assert "Nothing was charged" in response.json()["hint"]
    assert await site.remembers() == before
    assert (await site.send("/quote", good)).status_code == 200


def unpadded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


OFFERED_TOO = {("stripe", "charge")}
"""What a report can be paid with besides the chain."""


async def test_methods_and_intents_are_not_exchanged(site: Site) -> None:
    charge, voucher = await site.charge("/report"), await site.voucher(site.reporter)
    for good in (charge, voucher):
        intent = good["challenge"]["intent"]
        other = {"charge": "session", "session": "charge"}[intent]
        swapped = spoilt(good, "challenge.intent", other)
        await site.refused("/report", swapped, "invalid-challenge")
        for method in ("stripe", "lightning", "x402", "tempo-2"):
            swapped = spoilt(good, "challenge.method", method)
            is_offered = (method, intent) in OFFERED_TOO
            wanted = "invalid-challenge" if is_offered else "method-unsupported"
            if method == "lightning":  # it is offered by both intents, and says it in its own words
                wanted = "lightning/unknown-challenge"
            await site.refused("/report", swapped, wanted)
        swapped = spoilt(good, "challenge.method", "TEMPO")
        await site.refused("/report", swapped, "malformed-credential")
    crossed = charge | {"payload": voucher["payload"]}
    await site.refused("/report", crossed, "invalid-payload")
    crossed = voucher | {"payload": charge["payload"]}
    await site.refused("/report", crossed, "invalid-payload")


async def test_the_proof_of_a_payer_buys_nothing(site: Site) -> None:
    """A HEAD is asked for a proof over an amount of 0 (2.6): GET does not take it."""
    challenge = (await site.challenges("/search", "HEAD"))["charge"]
    members = {
        "challenge": echo_of(challenge),
        "payload": {"type": "proof", "signature": "0x" + "11" * 65},
        "source": f"did:pkh:eip155:1337:0x{site.victim.wallet.address.hex()}",
    }
    await site.refused("/search", members, "method-unsupported")
    await site.refused("/report", members, "invalid-challenge")
    await site.refused("/quote", members, "invalid-challenge")
    answer = await site.send("/search", members, method="HEAD")
    assert answer.status_code == 402
    assert "payment-session" not in answer.headers


async def test_challenges_of_other_realms_secrets_and_times(site: Site) -> None:
    merchants = site.devnet.merchants
    assert merchants is not None
    offers = {route.path: route.offers[0] for route in merchants.routes}
    clock = site.devnet.context.clock
    secret = challenge_secret(site.devnet.context.seeds.seed)
    for realm, key in (("elsewhere.example", secret), (merchants.host, "another secret " * 3)):
        foreign = Challenges(realm=realm, secret=key, clock=clock)
        for path, good in (
            ("/search", await site.voucher(site.victim)),
            ("/quote", await site.charge("/quote")),
        ):
            route = path if path == "/search" else f"GET {path}"
            issued = foreign.issue(offers[path], scope={"route": route})
            challenge = Challenge.from_www_authenticate(issued.header_value)
            forged = good | {"challenge": echo_of(challenge)}
            await site.refused(path, forged, "invalid-challenge")


async def test_a_body_other_than_the_one_that_was_asked_about(site: Site) -> None:
    body = b'{"prompt":"one","tokens":1}'
    challenge = (await site.challenges(CHAT, "POST", content=body))["session"]
    asked = await site.voucher(site.streamer) | {"challenge": echo_of(challenge)}
    for other in (b'{"prompt":"one","tokens":2}', body + b" "):
        await site.refused(CHAT, asked, "invalid-challenge", method="POST", content=other)
    unbound = spoilt(asked, "challenge.digest", None)
    await site.refused(CHAT, unbound, "invalid-challenge", method="POST", content=body)
    charge = await site.charge("/quote")
    await site.refused("/quote", charge, "invalid-challenge", content=b"of which nobody spoke")


# -- last ------------------------------------------------------------------------------------------


async def test_challenges_expire(site: Site) -> None:
    voucher, charge = await site.voucher(site.victim), await site.charge("/quote")
    site.devnet.context.clock.advance(timedelta(seconds=301))
    await site.refused("/search", voucher, "payment-expired")
    await site.refused("/quote", charge, "payment-expired")


async def test_after_all_this_honest_customers_are_served(site: Site) -> None:
    for payer in (site.searcher, site.victim, site.reporter, site.streamer):
        response = await payer.step({"do": "voucher", "cumulative": 900, "as": "management"})
        assert response is not None
        assert response.status_code == 204, response.text
    assert (await site.send("/quote", await site.charge("/quote"))).status_code == 200
    health = await site.http.get(f"{site.api}/health")
    assert health.json() == {"status": "ok"}
