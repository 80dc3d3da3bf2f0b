"""lightning/charge as pure functions (facts: lightning 1.1 to 1.6)."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import Any

import pytest
from mpp import Challenge
from mpp.errors import (
    BadRequestError,
    InvalidChallengeError,
    PaymentExpiredError,
    PaymentRequiredError,
)

from mock_rails.lightning.bolt11 import Bolt11, decode, encode
from sandbox.methods.lightning_charge import (
    ChargePayload,
    ChargeRequest,
    charge_receipt,
    check_charge,
    parse_payload,
    parse_request,
    stable_parts,
    to_header,
)
from sandbox.methods.lightning_charge.problems import (
    ExpiredInvoiceError,
    InvalidPreimageError,
    LightningProblem,
    MalformedCredentialError,
    UnknownChallengeError,
    in_lightning_words,
)
from sandbox.methods.lightning_charge.request import price
from sandbox.server.single_use import PaymentInProgressError

PREIMAGE = b"p" * 32
HASH = sha256(PREIMAGE).digest()
NOW_S = 1_767_225_600


def invoice(amount_msat: int | None = 100_000, network: str = "regtest") -> Bolt11:
    unsigned = Bolt11(
        network=network,
        payment_hash=HASH,
        payment_secret=bytes(32),
        timestamp_s=NOW_S,
        amount_msat=amount_msat,
        description="coffee",
        expiry_s=600,
    )
    return decode(encode(unsigned, b"k" * 32))


def request(**change: Any) -> dict[str, Any]:
    """A request as it is written, some members changed; None takes one away."""
    written = ChargeRequest(100, invoice(), "coffee", "order-7").to_json()
    details = {**written["methodDetails"], **change.pop("methodDetails", {})}
    written = {**written, "methodDetails": details, **change}
    written["methodDetails"] = {k: v for k, v in details.items() if v is not None}
    return {name: part for name, part in written.items() if part is not None}


def test_a_request_says_what_shipping_clients_look_for() -> None:
    assert request() == {
        "amount": "100",
        "currency": "sat",
        "description": "coffee",
        "externalId": "order-7",
        "methodDetails": {
            "invoice": invoice().text,
            "paymentHash": HASH.hex(),
            "network": "regtest",
        },
    }


def test_a_request_is_read_as_it_was_written() -> None:
    read = parse_request(request())
    assert read.to_json() == request()
    assert (read.amount_sat, read.payment_hash, read.network) == (100, HASH, "regtest")


def test_what_all_clients_are_asked_for_is_the_rest() -> None:
    wanted = price(100, "regtest", description="coffee", external_id="order-7")
    assert stable_parts(request()) == wanted
    assert stable_parts({"methodDetails": 3}) == {"methodDetails": 3}


def test_a_request_goes_through_a_challenge_with_padding_or_without() -> None:
    encoded = base64.urlsafe_b64encode(json.dumps(request()).encode()).decode()
    for text in (encoded, encoded.rstrip("=")):
        value = f'Payment id="a", realm="r", method="lightning", intent="charge", request="{text}"'
        assert parse_request(Challenge.from_www_authenticate(value).request).amount_sat == 100


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"currency": "BTC"}, "currency"),
        ({"currency": "SAT"}, "currency"),
        ({"currency": None}, "currency"),
        ({"amount": "101"}, "the amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "0100"}, "amount"),
        ({"amount": "1.0"}, "amount"),
        ({"amount": 100}, "amount"),
        ({"amount": "9" * 17}, "amount"),
        ({"methodDetails": {"paymentHash": "00" * 32}}, "paymentHash"),
        ({"methodDetails": {"paymentHash": HASH.hex().upper()}}, "paymentHash"),
        ({"methodDetails": {"invoice": "lnbcrt1nonsense"}}, "invoice"),
        ({"methodDetails": {"invoice": None}}, "invoice"),
        ({"methodDetails": {"network": "signet"}}, "network"),
        ({"methodDetails": {"network": None}}, "network"),
        ({"description": 3}, "description"),
    ],
)
def test_a_client_pays_nothing_that_does_not_agree(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidChallengeError, match=words):
        parse_request(request(**change))


@pytest.mark.parametrize("value", [None, [], "x", {"methodDetails": []}])
def test_what_is_no_request_is_refused(value: object) -> None:
    with pytest.raises(InvalidChallengeError):
        parse_request(value)


def test_a_request_without_a_network_is_for_mainnet() -> None:
    mainnet = invoice(network="mainnet")
    told = request(methodDetails={"invoice": mainnet.text, "network": None})
    assert parse_request(told).network == "mainnet"


def test_the_hash_may_be_left_out() -> None:
    assert parse_request(request(methodDetails={"paymentHash": None})).payment_hash == HASH


def test_only_the_lenient_take_the_currency_of_the_samples() -> None:
    assert parse_request(request(currency="BTC"), lenient=True).amount_sat == 100


def test_an_invoice_without_an_amount_asks_for_nothing_in_particular() -> None:
    with pytest.raises(InvalidChallengeError, match="the amount"):
        parse_request(request(methodDetails={"invoice": invoice(None).text}))


def test_a_payload_is_the_preimage() -> None:
    payload = ChargePayload(PREIMAGE)
    assert payload.to_json() == {"preimage": PREIMAGE.hex()}
    assert parse_payload({**payload.to_json(), "more": 1}) == payload
    assert PREIMAGE.hex() not in repr(payload)
    assert "ppp" not in repr(payload)


@pytest.mark.parametrize(
    "value", [None, [], {}, {"preimage": None}, {"preimage": "70" * 31}, {"preimage": "7G" * 32}]
)
def test_what_is_no_payload_is_malformed_and_not_repeated(value: Any) -> None:
    with pytest.raises(MalformedCredentialError) as refused:
        parse_payload(value)
    assert "7G" not in str(refused.value)


def test_the_preimage_proves_it_until_the_invoice_ends() -> None:
    asked = parse_request(request())
    check_charge(asked, ChargePayload(PREIMAGE), now_s=NOW_S + 599)
    with pytest.raises(ExpiredInvoiceError):
        check_charge(asked, ChargePayload(PREIMAGE), now_s=NOW_S + 600)
    with pytest.raises(InvalidPreimageError):
        check_charge(asked, ChargePayload(b"q" * 32), now_s=NOW_S)


def test_expiry_is_looked_at_before_the_preimage() -> None:
    """Step 5 before step 6 of the draft."""
    with pytest.raises(ExpiredInvoiceError):
        check_charge(parse_request(request()), ChargePayload(b"q" * 32), now_s=NOW_S + 600)


def test_a_receipt_names_the_hash_in_canonical_json() -> None:
    header = to_header(charge_receipt(HASH, "the challenge", now_us=NOW_S * 1_000_000))
    assert "=" not in header
    text = base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)).decode()
    assert text == (
        f'{{"challengeId":"the challenge","method":"lightning","reference":"{HASH.hex()}",'
        '"status":"success","timestamp":"2026-01-01T00:00:00.000Z"}'
    )


def test_the_gates_words_become_the_drafts() -> None:
    unknown = in_lightning_words("challenge", InvalidChallengeError())
    assert isinstance(unknown, UnknownChallengeError)
    assert isinstance(in_lightning_words("expires", PaymentExpiredError()), ExpiredInvoiceError)
    no_end = in_lightning_words("expires", InvalidChallengeError())
    assert not isinstance(no_end, ExpiredInvoiceError)
    taken = in_lightning_words("single-use", PaymentInProgressError())
    assert isinstance(taken, UnknownChallengeError)
    for check, error in (
        ("one-credential", BadRequestError()),
        ("credential", BadRequestError()),
        ("payment", PaymentRequiredError("r")),
        ("payment", InvalidPreimageError()),
    ):
        assert in_lightning_words(check, error) is error


def test_every_problem_is_a_402_of_the_drafts() -> None:
    found = LightningProblem.__subclasses__()
    assert {one.__name__ for one in found} >= {
        "ExpiredInvoiceError",
        "InvalidPreimageError",
        "MalformedCredentialError",
        "UnknownChallengeError",
    }
    for one in found:
        assert one.status == 402
        assert one.type.startswith("https://paymentauth.org/problems/lightning/")
        assert str(one()).endswith(".")
