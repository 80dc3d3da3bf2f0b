"""Invoices over LND's REST (facts: lightning 4.3, calls 1, 2, 10 and 11)."""

from __future__ import annotations

import asyncio
import base64
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.lightning.bolt11 import decode

if TYPE_CHECKING:
    from tests.unit.mock_rails.lightning.lnd.conftest import Lnd, Nodes

PREIMAGE = bytes(range(32))
HASH = sha256(PREIMAGE).digest()
UNKNOWN = (404, 5, "unable to locate invoice")


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


async def test_an_invoice_is_made_with_lnds_defaults(merchant: Lnd) -> None:
    made = await merchant.post("/v1/invoices", value="100", memo="coffee")
    assert set(made) == {"r_hash", "payment_request", "add_index", "payment_addr"}
    text = decode(made["payment_request"])
    assert (text.amount_msat, text.description, text.expiry_s) == (100_000, "coffee", 86_400)
    assert text.min_final_cltv == 80
    assert base64.b64decode(made["r_hash"]) == text.payment_hash
    assert base64.b64decode(made["payment_addr"]) == text.payment_secret
    assert made["add_index"] == "1"


async def test_nothing_at_all_makes_an_invoice_without_amount(merchant: Lnd) -> None:
    answer = await merchant.http.post("/v1/invoices")
    text = decode(answer.json()["payment_request"])
    assert (text.amount_msat, text.description) == (None, "")


async def test_millisatoshis_are_exact(merchant: Lnd) -> None:
    made = await merchant.post("/v1/invoices", value_msat="1500")
    found = await merchant.get(f"/v1/invoice/{base64.b64decode(made['r_hash']).hex()}")
    assert (found["value"], found["value_msat"]) == ("1", "1500")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"value": 1, "value_msat": 1}, "mutually exclusive"),
        ({"value": -1}, "negative"),
        ({"value": 100_000 * 100_000_000 + 1}, "too large"),
        ({"memo": "x" * 1_025}, "memo too large"),
        ({"expiry": 31_536_001}, "expiry"),
        ({"r_preimage": b64(b"short")}, "32 bytes"),
    ],
)
async def test_what_lnd_refuses_is_refused(
    merchant: Lnd, fields: dict[str, Any], message: str
) -> None:
    status, code, said = await merchant.refused("/v1/invoices", **fields)
    assert (status, code) == (500, 2)
    assert message in said


async def test_a_hash_is_used_once(merchant: Lnd) -> None:
    await merchant.invoice(r_preimage=b64(PREIMAGE))
    refusal = (500, 2, "invoice with payment hash already exists")
    assert await merchant.refused("/v1/invoices", r_preimage=b64(PREIMAGE)) == refusal


async def test_a_client_may_send_a_hash_beside_its_preimage(merchant: Lnd) -> None:
    """As LNbits does; LND takes the preimage."""
    made = await merchant.post("/v1/invoices", r_hash=b64(HASH), r_preimage=b64(PREIMAGE))
    assert made["r_hash"] == b64(HASH)


@pytest.mark.parametrize("name", ["is_amp", "is_blinded"])
async def test_kinds_that_are_not_emulated_are_refused(merchant: Lnd, name: str) -> None:
    refusal = (501, 12, f"{name} is not emulated")
    assert await merchant.refused("/v1/invoices", **{name: True}) == refusal


async def test_an_open_invoice_tells_its_preimage(merchant: Lnd) -> None:
    await merchant.invoice(value=1, r_preimage=b64(PREIMAGE))
    found = await merchant.get(f"/v1/invoice/{HASH.hex()}")
    assert (found["state"], found["settled"]) == ("OPEN", False)
    assert found["r_preimage"] == b64(PREIMAGE)
    assert (found["amt_paid_msat"], found["htlcs"]) == ("0", [])
    assert found["blinded_path_config"] is None


async def test_a_paid_invoice_has_what_it_was_paid_with(nodes: Nodes) -> None:
    await nodes.payer.send(await nodes.merchant.invoice(value=100, r_preimage=b64(PREIMAGE)))
    found = await nodes.merchant.get(f"/v1/invoice/{HASH.hex()}")
    assert (found["state"], found["settled"], found["settle_index"]) == ("SETTLED", True, "1")
    assert (found["amt_paid"], found["amt_paid_sat"]) == ("100000", "100")
    (htlc,) = found["htlcs"]
    assert (htlc["state"], htlc["amt_msat"], htlc["mpp_total_amt_msat"]) == (
        "SETTLED",
        "100000",
        "100000",
    )


async def test_the_path_is_hexadecimal_and_nothing_else(merchant: Lnd) -> None:
    """base64url is what a client in the field sends, and no LND has ever taken (facts 4.7)."""
    for written, message in (
        ("_w" + "A" * 41 + "=", "encoding/hex: invalid byte: U+005F '_'"),
        ("abc", "encoding/hex: odd length hex string"),
        ("abcd", "payment hash must be exactly 32 bytes, is instead 2"),
    ):
        answer = await merchant.http.get(f"/v1/invoice/{written}")
        assert answer.status_code == 500
        assert answer.json() == {"code": 2, "message": message, "details": []}


async def test_an_unknown_invoice_is_not_found(merchant: Lnd) -> None:
    for answer in (
        await merchant.http.get(f"/v1/invoice/{HASH.hex()}"),
        await merchant.http.get("/v2/invoices/lookup", params={"payment_hash": b64(HASH)}),
        await merchant.http.get("/v2/invoices/lookup", params={"payment_addr": b64(HASH)}),
    ):
        error = answer.json()
        assert (answer.status_code, error["code"], error["message"]) == UNKNOWN


async def test_an_invoice_is_found_by_hash_and_by_secret(merchant: Lnd) -> None:
    made = await merchant.post("/v1/invoices", value=1)
    by_hash = await merchant.get("/v2/invoices/lookup", payment_hash=made["r_hash"])
    by_secret = await merchant.get("/v2/invoices/lookup", payment_addr=made["payment_addr"])
    assert by_hash == by_secret
    assert by_hash["payment_request"] == made["payment_request"]


async def test_pages_of_the_list(merchant: Lnd) -> None:
    for value in range(1, 6):
        await merchant.invoice(value=value)

    async def page(**query: Any) -> tuple[list[str], str, str]:
        listed = await merchant.get("/v1/invoices", **query)
        values = [one["value"] for one in listed["invoices"]]
        return values, listed["first_index_offset"], listed["last_index_offset"]

    assert await page(num_max_invoices=2) == (["1", "2"], "1", "2")
    assert await page(num_max_invoices=2, index_offset=2) == (["3", "4"], "3", "4")
    assert await page(num_max_invoices=2, reversed="true") == (["4", "5"], "4", "5")
    assert await page(num_max_invoices=2, reversed="true", index_offset=4) == (
        ["2", "3"],
        "2",
        "3",
    )
    assert await page(index_offset=5) == ([], "0", "0")


async def test_an_expired_invoice_is_canceled(nodes: Nodes) -> None:
    await nodes.merchant.invoice(value=1, expiry=60, r_preimage=b64(PREIMAGE))
    nodes.rail.context.clock.advance(61)
    found = await nodes.merchant.get(f"/v1/invoice/{HASH.hex()}")
    assert found["state"] == "CANCELED"
    pending = await nodes.merchant.get("/v1/invoices", pending_only="true")
    assert pending["invoices"] == []


# -- hold invoices --------------------------------------------------------------------------------


async def hold(nodes: Nodes) -> asyncio.Task[list[dict[str, Any]]]:
    """A hold invoice that a payer is paying, until the merchant has the money in hand."""
    made = await nodes.merchant.post("/v2/invoices/hodl", hash=b64(HASH), value=100)
    assert set(made) == {"payment_request", "add_index", "payment_addr"}
    paying = asyncio.create_task(nodes.payer.send(made["payment_request"]))
    async with asyncio.timeout(30):
        while True:
            await nodes.rail.context.clock.yield_to_loop()
            found = await nodes.merchant.get(f"/v1/invoice/{HASH.hex()}")
            if found["state"] == "ACCEPTED":
                assert found["r_preimage"] == ""
                assert [one["state"] for one in found["htlcs"]] == ["ACCEPTED"]
                return paying


async def test_a_hold_invoice_is_settled_by_whoever_has_the_preimage(nodes: Nodes) -> None:
    paying = await hold(nodes)
    assert await nodes.merchant.post("/v2/invoices/settle", preimage=b64(PREIMAGE)) == {}
    *_, last = await paying
    assert (last["status"], last["payment_preimage"]) == ("SUCCEEDED", PREIMAGE.hex())


async def test_a_hold_invoice_is_canceled_and_the_money_goes_back(nodes: Nodes) -> None:
    paying = await hold(nodes)
    assert await nodes.merchant.post("/v2/invoices/cancel", payment_hash=b64(HASH)) == {}
    *_, last = await paying
    assert last["failure_reason"] == "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS"
    (htlc,) = last["htlcs"]
    assert htlc["failure"]["code"] == "INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS"
    assert htlc["failure"]["failure_source_index"] == len(htlc["route"]["hops"])
    found = await nodes.merchant.get(f"/v1/invoice/{HASH.hex()}")
    assert (found["state"], found["amt_paid_msat"]) == ("CANCELED", "0")


async def test_settling_what_is_not_held_is_refused(merchant: Lnd) -> None:
    settle = "/v2/invoices/settle"
    assert await merchant.refused(settle, preimage=b64(PREIMAGE)) == UNKNOWN
    await merchant.post("/v2/invoices/hodl", hash=b64(HASH), value=100)
    assert await merchant.refused(settle, preimage=b64(PREIMAGE)) == (
        500,
        2,
        "invoice still open",
    )
