"""Macaroons: the binary form, the chain of HMACs, attenuation (facts: lightning 6)."""

from __future__ import annotations

import hmac
from hashlib import sha256

import pytest

from mock_rails.lightning.macaroon import LONGEST, MacaroonError, attenuate, bake, read, verify

ROOT = b"root key"


def test_the_signature_is_the_chain_that_libraries_compute() -> None:
    """Key, identifier, caveat: three HMACs, the first with the generator's name."""
    key = hmac.digest(b"macaroons-key-generator".ljust(32, b"\0"), ROOT, sha256)
    first = hmac.digest(key, b"id", sha256)
    assert read(bake(ROOT, b"id")).signature == first
    assert read(bake(ROOT, b"id", [b"a=b"])).signature == hmac.digest(first, b"a=b", sha256)


def test_the_binary_form_is_lnds() -> None:
    """LND's macaroons begin with 0201036c6e64: version, location, length, `lnd`."""
    raw = bake(ROOT, b"id", [b"a=b"])
    signature = read(raw).signature
    assert raw.hex() == "0201036c6e64" + "02026964" + "00" + "0203613d6200" + "00" + (
        "0620" + signature.hex()
    )
    assert bake(ROOT, b"id", location="").hex().startswith("02" + "02026964")


def test_a_macaroon_of_pymacaroons_is_ours_byte_for_byte() -> None:
    """Made with pymacaroons 0.13.0, version 2 of its binary form."""
    theirs = bytes.fromhex(
        "0201036c6e64020d616e206964656e74696669657200020e736572766963653d636f66666565000006"
        "2053c90bc412968a9dd8bc71c504c8405b017a0a6748dff824287ea8a8bc26f467"
    )
    assert bake(ROOT, b"an identifier", [b"service=coffee"]) == theirs
    assert verify(theirs, ROOT) == (b"service=coffee",)


def test_caveats_are_added_by_whoever_holds_it_and_taken_away_by_nobody() -> None:
    raw = bake(ROOT, b"id", [b"one=1"])
    narrower = attenuate(raw, [b"two=2"])
    assert verify(narrower, ROOT) == (b"one=1", b"two=2")
    macaroon = read(narrower)
    wider = bake(b"guess", macaroon.identifier, [b"one=1"])
    forged = wider[:-32] + macaroon.signature
    with pytest.raises(MacaroonError, match="signature mismatch"):
        verify(forged, ROOT)


def test_another_root_key_is_not_the_issuers() -> None:
    with pytest.raises(MacaroonError, match="signature mismatch"):
        verify(bake(ROOT, b"id"), b"another key")


def test_every_cut_and_every_changed_bit_is_refused() -> None:
    raw = bake(ROOT, b"identifier", [b"a=b"])
    for length in range(len(raw)):
        with pytest.raises(MacaroonError):
            verify(raw[:length], ROOT)
    for bit in range(8 * len(raw)):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        if changed[3:6] != raw[3:6]:  # the location is a hint, and signed by nobody
            continue
        with pytest.raises(MacaroonError):
            verify(bytes(changed), ROOT)


@pytest.mark.parametrize(
    "raw", [b"", b"MDAx", b"\x01" + bytes(40), b"\x02" * (LONGEST + 1), bake(ROOT, b"id") + b"x"]
)
def test_what_is_no_macaroon_is_refused(raw: bytes) -> None:
    with pytest.raises(MacaroonError):
        read(raw)


def test_a_macaroon_keeps_its_signature_out_of_its_repr() -> None:
    macaroon = read(bake(ROOT, b"id"))
    assert macaroon.signature.hex() not in repr(macaroon)
    assert repr(macaroon.signature) not in repr(macaroon)
