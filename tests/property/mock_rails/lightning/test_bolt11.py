"""Any invoice survives being written and read; any text is an invoice or an error of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.lightning.bolt11 import Bolt11, Bolt11Error, decode, encode
from mock_rails.lightning.bolt11.bech32 import ALPHABET
from mock_rails.lightning.bolt11.encode import public_key
from mock_rails.lightning.bolt11.invoice import PREFIXES

KEY = b"\x07" * 32

HASHES = st.binary(min_size=32, max_size=32)
DESCRIPTIONS = st.text(max_size=600).filter(lambda text: len(_utf8(text)) <= 639)
INVOICES = st.builds(
    Bolt11,
    network=st.sampled_from(sorted(PREFIXES)),
    payment_hash=HASHES,
    payment_secret=HASHES,
    timestamp_s=st.integers(0, (1 << 35) - 1),
    amount_msat=st.none() | st.integers(1, 21_000_000 * 10**11),
    description=DESCRIPTIONS,
    expiry_s=st.integers(0, 1 << 40),
    min_final_cltv=st.integers(0, 1 << 20),
    metadata=st.none() | st.binary(max_size=600),
    names_payee=st.booleans(),
)


def _utf8(text: str) -> bytes:
    return text.encode(errors="surrogatepass") if text.isprintable() else b"x" * 640


@given(INVOICES)
def test_there_and_back(invoice: Bolt11) -> None:
    text = encode(invoice, KEY)
    assert decode(text) == replace(invoice, payee=public_key(KEY), text=text)


@given(INVOICES, st.data())
def test_one_wrong_letter_is_noticed(invoice: Bolt11, data: st.DataObject) -> None:
    text = encode(invoice, KEY)
    place = data.draw(st.integers(text.rindex("1") + 1, len(text) - 1))
    letter = data.draw(st.sampled_from([one for one in ALPHABET if one != text[place]]))
    with pytest.raises(Bolt11Error):
        decode(text[:place] + letter + text[place + 1 :])


@given(st.text(max_size=300) | st.text(alphabet="lnbcrt1" + ALPHABET, max_size=300))
def test_any_text_is_an_invoice_or_a_clear_error(text: str) -> None:
    with pytest.raises(Bolt11Error):
        decode(text)
