"""Finding the credential: none, one, too many, too long, or only something that looks like one.

Facts: protocol 1.1, rows 3, 4 and 19, and 1.5: more than one credential is 400.
"""

from __future__ import annotations

import time

import pytest
from mpp import ChallengeEcho, Credential
from mpp._parsing import MAX_AUTHORIZATION_SIZE, ParseError
from mpp.errors import BadRequestError, MalformedCredentialError

from sandbox.server.credentials import LONGEST_FIELD, FoundCredential, find_credential

FOUND = FoundCredential("Authorization", "Payment eyJ9")

DIGEST = 'Digest username="a, Payment eyJ0", realm="x\\", Payment eyJ1"'


@pytest.mark.parametrize(
    "field",
    [
        "Payment eyJ9",
        "payment eyJ9",
        "PAYMENT   eyJ9  ",
        "  Payment\teyJ9",
        "Bearer abc, Payment eyJ9",
        "Payment eyJ9, Bearer abc",
        "Bearer abc,payment eyJ9,",
        f"{DIGEST}, Payment eyJ9",
        f"Payment eyJ9, {DIGEST}",
        'Digest x="never closed, Payment eyJ9',
        'Digest a="b", x="never closed\\", Payment eyJ9',
    ],
)
def test_one_credential_is_found(field: str) -> None:
    assert find_credential([field]) == FOUND


@pytest.mark.parametrize(
    "field",
    [
        "",
        ",",
        "Bearer Payment",
        "Bearer Payment eyJ9",
        "Payments eyJ9",
        "XPayment eyJ9",
        "Payment-Token eyJ9",
        "Payment=eyJ9",
        'Digest realm="x", payment="eyJ9"',
        'Digest realm="x", payment = "eyJ9"',
        DIGEST,
        'Digest realm="x, Payment eyJ9"',
    ],
)
def test_other_schemes_are_the_applications_business(field: str) -> None:
    assert find_credential([field]) is None


def test_no_fields_no_credential() -> None:
    assert find_credential() is None


def test_the_other_field_leaves_authorization_to_the_application() -> None:
    found = find_credential(["Bearer abc"], ["Payment eyJ9"])
    assert found == FoundCredential("Payment-Authorization", "Payment eyJ9")


@pytest.mark.parametrize(
    ("authorization", "payment_authorization", "count"),
    [
        (["Payment a, Payment b"], [], 2),
        (["Payment a, Payment a"], [], 2),
        (["Payment a", "Payment b"], [], 2),
        (["Payment a"], ["Payment a"], 2),
        (["payment a, Bearer x", "Bearer y, PAYMENT b"], ["Payment c"], 3),
        (["Payment, Payment a"], [], 2),
    ],
)
def test_more_than_one_credential_is_a_bad_request(
    authorization: list[str], payment_authorization: list[str], count: int
) -> None:
    with pytest.raises(BadRequestError, match=f"{count} Payment credentials") as refused:
        find_credential(authorization, payment_authorization)
    problem = refused.value.to_problem_details()
    assert problem["status"] == 400
    assert problem["type"] == "https://paymentauth.org/problems/bad-request"


@pytest.mark.parametrize("field", ["Payment", "Bearer x, payment"])
def test_a_bare_scheme_is_a_credential_that_says_nothing(field: str) -> None:
    found = find_credential([field])
    assert found == FoundCredential("Authorization", "Payment")
    with pytest.raises(ParseError):
        Credential.from_authorization(found.value)


def test_the_limit_is_pympps() -> None:
    assert LONGEST_FIELD == MAX_AUTHORIZATION_SIZE


def test_a_credential_in_too_long_a_field_is_malformed() -> None:
    longest = "Payment " + "e" * (LONGEST_FIELD - len("Payment "))
    found = find_credential([longest])
    assert found is not None
    assert found.value == longest
    for field in (longest + "e", "Bearer " + "e" * LONGEST_FIELD + ", payment e"):
        with pytest.raises(MalformedCredentialError, match="Authorization exceeds 65,536") as no:
            find_credential([field])
        assert no.value.status == 402
    with pytest.raises(MalformedCredentialError, match="Payment-Authorization exceeds"):
        find_credential([], [longest + "e"])


def test_a_login_may_be_as_long_as_the_server_takes() -> None:
    assert find_credential(["Bearer " + "e" * LONGEST_FIELD, "Payment eyJ9"]) == FOUND


def test_what_pympp_writes_it_reads_again() -> None:
    echo = ChallengeEcho(id="i", realm="r", method="tempo", intent="charge", request="e30")
    credential = Credential(challenge=echo, payload={"hash": "0x01"}, source="did:pkh:eip155:1:0x")
    found = find_credential([f"Bearer x, {credential.to_authorization()}".replace("Pay", "pAY")])
    assert found is not None
    assert Credential.from_authorization(found.value) == credential


@pytest.mark.parametrize("filler", ['"', '"\\', '\\"', '",', ",", " ", ", ", "payment\t=", '""'])
def test_no_input_takes_long(filler: str) -> None:
    field = 'Digest a="\\"' + (filler * LONGEST_FIELD)[: LONGEST_FIELD - 20] + ","
    started_s = time.perf_counter()
    for text in (field, field + '"', "," + field[1:], "," + " " * 2 * LONGEST_FIELD):
        assert find_credential([text]) is None
    assert time.perf_counter() - started_s < 1
