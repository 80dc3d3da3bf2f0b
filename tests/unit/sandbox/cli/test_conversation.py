"""`pay -v`: the 402 conversation decoded, with proofs shortened (facts: protocol 1.1 to 1.4)."""

from __future__ import annotations

import base64

import click
import httpx
import orjson
import pytest
from mpp import Challenge, ChallengeEcho, Credential

from sandbox.cli.conversation import request_lines, response_lines

REQUEST = {"amount": "10000", "currency": "0x20c0", "methodDetails": {"chainId": 1337}}
SIGNATURE = "0x" + "ab" * 65


def challenge() -> Challenge:
    return Challenge(
        id="chal-one",
        method="tempo",
        intent="charge",
        request=REQUEST,
        realm="api.example",
        request_b64=base64.urlsafe_b64encode(orjson.dumps(REQUEST)).decode().rstrip("="),
        expires="2026-01-01T00:05:00Z",
    )


def answer(status: int = 402, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named)


def credential(payload: dict[str, object]) -> str:
    echo: ChallengeEcho = challenge().to_echo()
    return Credential(echo, payload, "did:pkh:eip155:1337:0xf39f").to_authorization()


def sent(authorization: str) -> str:
    headers = {"authorization": authorization}
    return "\n".join(request_lines(httpx.Request("GET", "http://x.test/a?b=c", headers=headers)))


def test_a_402_is_taken_apart_into_the_challenges_members() -> None:
    value = challenge().to_www_authenticate("api.example")
    lines = list(response_lines(answer(www_authenticate=value), 2_100, None))
    assert click.unstyle(lines[0]) == "< 402 Payment Required (2.1 ms)"
    for expected in ("id: chal-one", "realm: api.example", "amount: 10000", "chainId: 1337"):
        assert any(line.strip("< ") == expected for line in lines)


def test_several_challenges_in_one_field_are_told_apart() -> None:
    value = challenge().to_www_authenticate("api.example")
    lines = list(response_lines(answer(www_authenticate=f"{value}, {value}"), 1, None))
    assert lines.count("< www-authenticate: Payment") == 2


def test_other_schemes_are_shown_as_they_are() -> None:
    lines = list(response_lines(answer(401, www_authenticate='Basic realm="x"'), 1, None))
    assert '< www-authenticate: Basic realm="x"' in lines


def test_a_credentials_facts_are_shown_and_its_proof_is_not() -> None:
    text = sent(credential({"action": "voucher", "channelId": "0x12", "signature": SIGNATURE}))
    assert "> GET /a?b=c" in text
    assert "action: voucher" in text
    assert "signature: 0xababab…abab (65 bytes)" in text
    assert SIGNATURE not in text


def test_a_member_that_is_not_known_is_taken_for_a_proof() -> None:
    assert "hunter2" not in sent(credential({"preimage": "hunter2"}))


@pytest.mark.parametrize("value", ["Bearer c0ffee", "Payment ~~~", "Basic dXNlcjpwdw=="])
def test_what_cannot_be_read_is_not_shown(value: str) -> None:
    text = sent(value)
    assert value.partition(" ")[2] not in text
    assert "(not shown)" in text


def test_a_receipt_is_decoded() -> None:
    receipt = {"method": "tempo", "status": "success", "spent": "1000"}
    value = base64.urlsafe_b64encode(orjson.dumps(receipt)).decode().rstrip("=")
    lines = list(response_lines(answer(200, payment_receipt=value), 1, None))
    assert "<   spent: 1000" in lines


def test_a_problems_sentences_fit_the_terminal() -> None:
    problem = {"title": "Payment Required", "hint": "word " * 40}
    response = answer(content_type="application/problem+json")
    lines = list(response_lines(response, 1, orjson.dumps(problem)))
    assert "<   title: Payment Required" in lines
    assert max(map(len, lines)) <= 80
    assert " ".join(lines).count("word") == 40
