"""How LND reads requests (facts: lightning 4.2): protobuf's JSON, strictly."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.lightning.errors import LightningError
from mock_rails.lightning.lnd.fields import (
    INT64,
    UINT32,
    UINT64,
    Message,
    data,
    listed,
    nested,
    text,
    truth,
)

if TYPE_CHECKING:
    from tests.unit.mock_rails.lightning.lnd.conftest import Lnd

ALL = Message(
    {
        "memo": text,
        "value_msat": INT64,
        "r_preimage": data,
        "private": truth,
        "max_parts": UINT32,
        "ids": listed(UINT64),
        "fee_limit": nested({"fixed": INT64}),
    }
)


def test_whatever_is_not_given_is_its_kinds_zero() -> None:
    nothing = {"memo": "", "value_msat": 0, "r_preimage": b"", "private": False, "max_parts": 0,
               "ids": (), "fee_limit": None}  # fmt: skip
    assert ALL.parse(b"") == ALL.parse(b"{}") == nothing
    assert ALL.parse(b'{"memo": null, "valueMsat": null, "ids": null}') == nothing


@pytest.mark.parametrize("value", [5, "5", 5.0])
def test_numbers_come_as_numbers_or_texts(value: Any) -> None:
    assert ALL.read({"value_msat": value})["value_msat"] == 5


def test_numbers_of_64_bits_are_exact() -> None:
    assert ALL.parse(b'{"value_msat": "9223372036854775807"}')["value_msat"] == (1 << 63) - 1


@pytest.mark.parametrize("letters", ["+/+/+w==", "-_-_-w==", "-_-_-w", "+/+/+w"])
def test_bytes_come_in_either_alphabet_padded_or_not(letters: str) -> None:
    assert ALL.read({"r_preimage": letters})["r_preimage"] == base64.b64decode("+/+/+w==")


def test_names_come_as_the_protobuf_has_them_or_in_camel_case() -> None:
    assert ALL.read({"valueMsat": 1})["value_msat"] == ALL.read({"value_msat": 1})["value_msat"]


@pytest.mark.parametrize(
    "document",
    [
        {"foo": 1},
        {"value_msat": 1, "valueMsat": 1},
        {"value_msat": "1.5"},
        {"value_msat": 1.5},
        {"value_msat": " 1"},
        {"value_msat": "01"},
        {"value_msat": True},
        {"value_msat": 1 << 63},
        {"max_parts": -1},
        {"max_parts": 1 << 32},
        {"memo": 5},
        {"private": "true"},
        {"r_preimage": "!"},
        {"r_preimage": "a"},
        {"ids": "1"},
        {"ids": ["x"]},
        {"fee_limit": 1},
        {"fee_limit": {"foo": 1}},
        [],
        "text",
    ],
)
def test_what_does_not_fit_is_an_invalid_argument(document: Any) -> None:
    with pytest.raises(LightningError) as refused:
        ALL.read(document)
    assert (refused.value.grpc_code, refused.value.status) == (3, 400)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"{} {}", b"[" * 5_000])
def test_what_is_no_json_is_an_invalid_argument(body: bytes) -> None:
    with pytest.raises(LightningError) as refused:
        ALL.parse(body)
    assert refused.value.grpc_code == 3


def test_a_query_names_fields_of_a_message_within_by_a_dot() -> None:
    fields = ALL.query({"fee_limit.fixed": ["7"], "private": ["true"], "ids": ["1", "2"]})
    assert (fields["fee_limit"], fields["private"], fields["ids"]) == ({"fixed": 7}, True, [1, 2])


def test_a_query_may_say_what_nobody_knows() -> None:
    assert ALL.query({"foo": ["1"], "foo.bar": ["1"], "memo.x": ["1"]}) == ALL.parse(b"")


@pytest.mark.parametrize(
    "query", [{"private": ["yes"]}, {"value_msat": ["x"]}, {"memo": ["a", "b"]}]
)
def test_a_query_that_does_not_fit_is_refused(query: dict[str, list[str]]) -> None:
    with pytest.raises(LightningError):
        ALL.query(query)


async def test_the_order_is_route_message_macaroon(merchant: Lnd) -> None:
    """The gateway reads the message before the node sees the macaroon."""
    headers = {"Grpc-Metadata-macaroon": "zz"}
    for path, body, wanted in (
        ("/v1/nothing", "{", 404),
        ("/v1/getinfo", "{", 501),
        ("/v1/invoices", "{", 400),
        ("/v1/invoices", "{}", 500),
    ):
        answer = await merchant.http.post(path, content=body, headers=headers)
        assert answer.status_code == wanted


async def test_a_body_that_is_too_large_is_refused(merchant: Lnd) -> None:
    merchant.api.body_limit = 100
    answer = await merchant.http.post("/v1/invoices", json={"memo": "x" * 100})
    assert (answer.status_code, answer.json()["code"]) == (429, 8)
