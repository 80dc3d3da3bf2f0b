"""Who may do what (facts: lightning 4.2): errors of unknown kind, HTTP 500, never 401."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core.rail import RailContext
from mock_rails.lightning.lnd.api import LndApi
from mock_rails.lightning.macaroon import attenuate
from mock_rails.lightning.rail import Lightning

if TYPE_CHECKING:
    from tests.unit.mock_rails.lightning.lnd.conftest import Lnd, Nodes

NAME = "Grpc-Metadata-macaroon"


async def ask(lnd: Lnd, macaroon: str | None, verb: str = "GET", path: str = "/v1/getinfo") -> Any:
    lnd.http.headers.pop(NAME, None)
    headers = {} if macaroon is None else {NAME: macaroon}
    return await lnd.http.request(verb, path, headers=headers)


async def test_no_macaroon_is_one_too_few(merchant: Lnd) -> None:
    answer = await ask(merchant, None)
    assert answer.status_code == 500
    assert answer.text == '{"code":2,"message":"expected 1 macaroon, got 0","details":[]}'


@pytest.mark.parametrize(
    ("macaroon", "message"),
    [
        ("zz", "encoding/hex"),
        ("00", "cannot determine data format"),
        ("0201036c6e64", "field data extends past end"),
    ],
)
async def test_what_is_no_macaroon_is_said_so(merchant: Lnd, macaroon: str, message: str) -> None:
    answer = await ask(merchant, macaroon)
    assert (answer.status_code, answer.json()["code"]) == (500, 2)
    assert message in answer.json()["message"]


async def test_another_nodes_macaroon_does_not_verify(nodes: Nodes) -> None:
    answer = await ask(nodes.payer, nodes.merchant.api.macaroon())
    assert (answer.status_code, answer.json()["code"]) == (500, 2)
    assert answer.json()["message"].startswith("verification failed: ")


async def test_a_header_name_has_no_case_and_a_macaroon_no_case_either(merchant: Lnd) -> None:
    macaroon = merchant.http.headers.pop(NAME)
    answer = await merchant.http.get("/v1/getinfo", headers={NAME.upper(): macaroon.upper()})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("role", "verb", "path", "allowed"),
    [
        ("invoice", "POST", "/v1/invoices", True),
        ("invoice", "GET", "/v1/invoices", True),
        ("invoice", "GET", "/v1/getinfo", False),
        ("invoice", "GET", "/v1/balance/blockchain", True),
        ("invoice", "GET", "/v1/balance/channels", False),
        ("readonly", "GET", "/v1/getinfo", True),
        ("readonly", "GET", "/v1/payments", True),
        ("readonly", "POST", "/v1/invoices", False),
        ("readonly", "POST", "/v2/router/send", False),
        ("admin", "POST", "/v1/invoices", True),
    ],
)
async def test_roles(merchant: Lnd, role: str, verb: str, path: str, allowed: bool) -> None:
    answer = await ask(merchant, merchant.api.macaroon(role), verb, path)
    if allowed:
        assert answer.status_code == 200
    else:
        error = answer.json().get("error", answer.json())
        assert (answer.status_code, error["code"]) == (500, 2)
        assert error["message"] == "permission denied"


async def test_a_macaroon_that_ends_is_good_until_then(nodes: Nodes) -> None:
    clock = nodes.rail.context.clock
    ends = (clock.utc() + timedelta(seconds=60)).isoformat()
    raw = bytes.fromhex(nodes.merchant.api.macaroon())
    macaroon = attenuate(raw, [f"time-before {ends}".encode()]).hex()
    assert (await ask(nodes.merchant, macaroon)).status_code == 200
    clock.advance(61)
    answer = await ask(nodes.merchant, macaroon)
    assert answer.status_code == 500
    assert "macaroon has expired" in answer.json()["message"]


async def test_a_condition_that_is_not_known_is_not_met(merchant: Lnd) -> None:
    raw = bytes.fromhex(merchant.api.macaroon())
    answer = await ask(merchant, attenuate(raw, [b"ipaddr 10.0.0.1"]).hex())
    assert "caveat not recognized" in answer.json()["message"]


def test_macaroons_follow_from_the_seed() -> None:
    def baked(seed: str) -> str:
        return LndApi(Lightning(RailContext.create(seed)), "merchant").macaroon("invoice")

    assert baked("7") == baked("7") != baked("8")
    assert baked("7").startswith("0201036c6e64")
