"""BOLT 11 in both directions: the standard's own examples, and what must be refused (facts:
lightning 3, acceptance 8.1)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mock_rails.lightning.bolt11 import Bolt11, Bolt11Error, Fallback, Hop, bech32, decode, encode
from mock_rails.lightning.bolt11.encode import public_key
from mock_rails.lightning.bolt11.invoice import FEATURES, PREFIXES

KEY = bytes.fromhex("e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734")
"""The private key of the standard's examples."""
PAYEE = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad"
HALF_ORDER = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0
ORDER = 2 * HALF_ORDER + 1

EXAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "examples.json").read_text(encoding="utf-8")
)
PLAIN = Bolt11(
    network="regtest",
    payment_hash=b"\x01" * 32,
    payment_secret=b"\x02" * 32,
    timestamp_s=1_767_225_600,
    amount_msat=1_000_000,
    description="coffee",
)


READABLE = [one for one in EXAMPLES if "has_wrong_lengths" not in one]
"""One example has fields of wrong lengths, which readers once skipped and now refuse."""


@pytest.mark.parametrize("example", READABLE, ids=lambda one: one["payment_request"][:12])
def test_the_standards_examples_are_read(example: dict[str, Any]) -> None:
    read = decode(example["payment_request"])
    assert read.amount_msat == example.get("amount_msat")
    assert read.timestamp_s == example["date"]
    assert read.payment_hash.hex() == example["payment_hash"]
    assert read.payment_secret.hex() == example["payment_secret"]
    assert read.payee.hex() == example["payee"]
    assert read.description == example.get("description")
    assert (read.description_hash or b"").hex() == example.get("description_hash", "")
    assert read.expiry_s == example.get("expiry", 3_600)
    assert read.min_final_cltv == example.get("min_final_cltv_expiry", 18)


def test_nearly_all_of_them_are_readable() -> None:
    assert (len(EXAMPLES), len(READABLE)) == (14, 13)


@pytest.mark.parametrize("at", range(4))
def test_they_are_written_letter_by_letter(at: int) -> None:
    text = EXAMPLES[at]["payment_request"]
    assert encode(decode(text), KEY) == text


def test_the_first_is_written_from_its_values() -> None:
    donation = Bolt11(
        network="mainnet",
        payment_hash=bytes.fromhex(EXAMPLES[0]["payment_hash"]),
        payment_secret=b"\x11" * 32,
        timestamp_s=1_496_314_658,
        description="Please consider supporting this project",
        features=1 << 8 | 1 << 14,
        states_expiry=False,
    )
    assert encode(donation, KEY) == EXAMPLES[0]["payment_request"]
    assert public_key(KEY).hex() == PAYEE


def test_the_example_with_wrong_lengths_is_refused() -> None:
    (refused,) = [one for one in EXAMPLES if one not in READABLE]
    with pytest.raises(Bolt11Error, match="wrong length"):
        decode(refused["payment_request"])


@pytest.mark.parametrize("network", PREFIXES)
@pytest.mark.parametrize("amount_msat", [None, 1, 1_000, 100_000, 1_000_000, 2_500_000_000_000])
def test_every_network_and_amount_there_and_back(network: str, amount_msat: int | None) -> None:
    text = encode(replace(PLAIN, network=network, amount_msat=amount_msat), KEY)
    assert text.startswith("ln" + PREFIXES[network])
    read = decode(text)
    assert (read.network, read.amount_msat, read.payee.hex()) == (network, amount_msat, PAYEE)


@pytest.mark.parametrize(
    ("amount_msat", "shown"),
    [(1, "10p"), (1_000, "10n"), (100_000, "1u"), (1_000_000, "10u"), (None, "")],
)
def test_amounts_are_as_short_as_can_be(amount_msat: int | None, shown: str) -> None:
    text = encode(replace(PLAIN, amount_msat=amount_msat), KEY)
    assert text.partition("1p")[0] == f"lnbcrt{shown}" or text.startswith(f"lnbcrt{shown}1")


@pytest.mark.parametrize(
    "other",
    [
        {"description": ""},
        {"description": "é" * 319 + "x"},
        {"description": None, "description_hash": b"\x03" * 32},
        {"expiry_s": 2_592_000},
        {"expiry_s": 0},
        {"min_final_cltv": 80},
        {"metadata": b"\x01\xfa"},
        {"names_payee": True},
        {"route_hints": ((Hop(b"\x02" * 33, 1 << 40, 1_000, 1, 40),) * 2,)},
        {"fallbacks": (Fallback(17, b"\x04" * 20), Fallback(0, b"\x05" * 20))},
    ],
    ids=repr,
)
def test_everything_it_can_say_there_and_back(other: dict[str, Any]) -> None:
    written = replace(PLAIN, **other)
    text = encode(written, KEY)
    assert decode(text) == replace(written, payee=bytes.fromhex(PAYEE), text=text)
    assert decode(text.upper()) == decode(text)


def test_plain_invoices_say_what_lnd_says() -> None:
    assert FEATURES == 1 << 8 | 1 << 14 | 1 << 17
    assert "9qyysgq" in encode(PLAIN, KEY)
    assert "9qrsgq" in encode(replace(PLAIN, features=1 << 8 | 1 << 14), KEY)


def forged(
    *fields: tuple[str, list[int]],
    prefix: str = "lnbcrt10u",
    mend: bool = False,
    high: bool = False,
) -> str:
    """An invoice with these fields, well signed whatever they are."""
    from hashlib import sha256

    from coincurve import PrivateKey

    words = bech32.number_to_words(PLAIN.timestamp_s, 7)
    for tag, field in fields:
        words += [bech32.ALPHABET.index(tag), len(field) >> 5, len(field) & 31, *field]
    digest = sha256(prefix.encode() + bech32.packed(words)).digest()
    signature = PrivateKey(KEY).sign_recoverable(digest, hasher=None)
    if high:
        s = ORDER - int.from_bytes(signature[32:64])
        signature = signature[:32] + s.to_bytes(32) + bytes([signature[64] ^ 1])
    return bech32.join(prefix, [*words, *bech32.to_words(signature)])


HASH = ("p", bech32.to_words(b"\x01" * 32))
SECRET = ("s", bech32.to_words(b"\x02" * 32))
WORDS = ("d", bech32.to_words(b"coffee"))
WORDS_HASH = ("h", bech32.to_words(b"\x03" * 32))
NODE = ("n", bech32.to_words(bytes.fromhex(PAYEE)))
OTHER_NODE = ("n", bech32.to_words(public_key(b"\x07" * 32)))
UNKNOWN_EVEN = ("9", bech32.number_to_words(1 << 8 | 1 << 14 | 1 << 100))
UNKNOWN_ODD = ("9", bech32.number_to_words(1 << 8 | 1 << 14 | 1 << 101))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (forged(HASH, WORDS), "no payment secret"),
        (forged(SECRET, WORDS), "no payment hash"),
        (forged(HASH, SECRET), "neither description"),
        (forged(HASH, SECRET, WORDS, WORDS_HASH), "or both"),
        (forged(HASH, SECRET, WORDS, UNKNOWN_EVEN), "feature 100"),
        (forged(HASH, SECRET, WORDS, NODE, high=True), "high s"),
        (forged(HASH, SECRET, WORDS, OTHER_NODE), "not the named payee"),
        (forged(HASH, ("s", [1] * 51), WORDS), "wrong length"),
        (forged(HASH, SECRET, ("d", [31, 31])), "UTF-8|zeros"),
        (forged(HASH, SECRET, WORDS, ("r", [0] * 8)), "cut off"),
        (forged(HASH, SECRET, WORDS, ("x", [31] * 14)), "larger than"),
        (forged(HASH, SECRET, WORDS, prefix="lnbcrt1p"), "whole number"),
        (forged(HASH, SECRET, WORDS, prefix="lnbcrt15p"), "whole number"),
        (forged(HASH, SECRET, WORDS, prefix="lnbcrt010u"), "no amount"),
        (forged(HASH, SECRET, WORDS, prefix="lnbcrt10x"), "no amount"),
        (forged(HASH, SECRET, WORDS, prefix="lnbcrt22000000"), "more than there are"),
        (forged(HASH, SECRET, WORDS, prefix="lnxx10u"), "no network"),
        (forged(prefix="bc10u"), "no network"),
        ("", "no bech32"),
        ("lnbc1", "no bech32"),
        ("lnbc1!!!!!!!", "not one of bech32"),
        ("lnbc1QQQQQQqq", "upper case"),
        ("lnbc" + "1q" * 4_000, "longer than"),
        (encode(PLAIN, KEY)[:-1] + "q", "checksum"),
        (encode(PLAIN, KEY)[:-20], "checksum"),
    ],
)
def test_what_a_careful_node_refuses_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Bolt11Error, match=reason):
        decode(text)


def test_what_need_not_be_understood_is_skipped() -> None:
    text = forged(("q", [1, 2]), HASH, SECRET, WORDS, WORDS, ("f", [25, 1]), UNKNOWN_ODD)
    assert (decode(text).description, decode(text).fallbacks) == ("coffee", ())


def test_a_high_s_is_taken_where_the_payee_is_recovered() -> None:
    assert decode(forged(HASH, SECRET, WORDS, high=True)).payee.hex() == PAYEE


@pytest.mark.parametrize(
    "wrong",
    [
        {"network": "moon"},
        {"amount_msat": 0},
        {"amount_msat": -1},
        {"amount_msat": 21_000_001 * 10**11},
        {"timestamp_s": 1 << 35},
        {"timestamp_s": -1},
        {"payment_hash": b"\x01" * 31},
        {"payment_secret": b""},
        {"description": None},
        {"description_hash": b"\x03" * 32},
        {"description": "x" * 640},
        {"expiry_s": -1},
        {"min_final_cltv": -1},
        {"metadata": b"x" * 1_000},
        {"route_hints": ((Hop(b"\x02" * 32, 1, 1, 1, 1),),)},
    ],
    ids=repr,
)
def test_what_fits_into_no_invoice_is_not_written(wrong: dict[str, Any]) -> None:
    with pytest.raises(Bolt11Error):
        encode(replace(PLAIN, **wrong), KEY)
