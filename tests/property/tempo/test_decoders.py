"""The decoders against random and mutated bytes and JSON.

Whatever comes in, either it is understood or it is refused with a JSON-RPC error; never another
exception, and never two transactions behind one hash and sender.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mock_rails.tempo.errors import RpcError
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.encode import encode_transaction
from mock_rails.tempo.tx.handoff import decode_handoff, hand_off
from mock_rails.tempo.tx.hashes import fee_payer_of
from mock_rails.tempo.tx.key_authorization import (
    CallScope,
    KeyAuthorization,
    SelectorRule,
    TokenLimit,
)
from mock_rails.tempo.tx.model import TYPE_LEGACY, Submission
from mock_rails.tempo.tx.request import transaction_from_request
from mock_rails.tempo.tx.sign import (
    sign_authorization,
    sign_key_authorization,
    sign_transaction,
    sponsor,
    unsigned_submission,
)
from mock_rails.tempo.tx.signers import KeychainSigner, P256Signer, Secp256k1Signer, WebAuthnSigner
from mock_rails.tempo.tx.tx_json import submission_to_json, transaction_to_json
from tests.unit.mock_rails.tempo.tx.samples import (
    ACCOUNT_0,
    ACCOUNT_1,
    CHAIN_ID,
    ETHEREUM_TYPES,
    KEY_0,
    KEY_1,
    PATH_USD,
    ethereum,
    expiring,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

GRANTED = KeyAuthorization(
    CHAIN_ID,
    0,
    ACCOUNT_0,
    expiry_s=1_800_000_000,
    limits=(TokenLimit(PATH_USD, 1_000_000, 60),),
    allowed_calls=(CallScope(PATH_USD, (SelectorRule(b"\xa9\x05\x9c\xbb", (ACCOUNT_1,)),)),),
)
FULL = expiring(
    key_authorization=sign_key_authorization(GRANTED, KEY_1),
    authorizations=(sign_authorization(CHAIN_ID, PATH_USD, 0, KEY_1, tempo=True),),
    access_list=((PATH_USD, (1, 2)),),
)
SUBMISSIONS = [
    sign_transaction(plain(), KEY_0),
    sign_transaction(plain(), P256Signer(KEY_0)),
    sign_transaction(plain(), WebAuthnSigner(KEY_0)),
    sign_transaction(plain(), KeychainSigner(ACCOUNT_1, Secp256k1Signer(KEY_0))),
    sponsor(FULL, KEY_1, KEY_0),
    *[sign_transaction(ethereum(kind), KEY_0) for kind in ETHEREUM_TYPES],
    sign_transaction(ethereum(TYPE_LEGACY, chain_id=None), KEY_0),
]
TYPE_BYTES = [b"\x76", b"\x01", b"\x02", b"\x03", b"\x04", b"\x78", b"\xf8"]
ENVELOPE = hand_off(FULL, Secp256k1Signer(KEY_1)).encode()


def attempt(function: Callable[..., T], *args: Any, **kwargs: Any) -> T | RpcError:
    """The function's result or its JSON-RPC error; any other exception fails the test."""
    try:
        return function(*args, **kwargs)
    except RpcError as error:
        return error


def decoded(raw: bytes) -> Submission | None:
    """The submission, or None where the bytes are refused as they should be."""
    outcome = attempt(decode_transaction, raw)
    if isinstance(outcome, RpcError):
        assert outcome.code in {-32602, -32000}
        assert outcome.message
        return None
    return outcome


def holds_together(submission: Submission) -> None:
    """Whatever was decoded encodes to itself and answers every question about it."""
    assert submission.signature is not None
    assert encode_transaction(submission.tx, submission.signature) == submission.raw
    assert decode_transaction(submission.raw) == submission
    assert fee_payer_of(submission.tx, submission.sender) == submission.fee_payer
    assert submission_to_json(submission)["from"] == "0x" + submission.sender.hex()


@settings(max_examples=500)
@given(st.sampled_from([b"", *TYPE_BYTES]), st.binary(max_size=300))
@example(b"\x76", b"\xf8" * 300)
@example(b"\x76", b"\xc1" * 300)
def test_random_bytes_are_refused(kind: bytes, rest: bytes) -> None:
    """Or, against all odds, are a transaction."""
    submission = decoded(kind + rest)
    if submission is not None:
        holds_together(submission)


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A real transaction, changed in a few places, cut, or stretched."""
    data = bytearray(draw(st.sampled_from(SUBMISSIONS)).raw)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data) - 1))
        kind = draw(st.sampled_from(["set", "delete", "insert", "cut"]))
        if kind == "set":
            data[at] = draw(st.integers(0, 255))
        elif kind == "delete" and len(data) > 1:
            del data[at]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=4))
        elif at:
            del data[at:]
    return bytes(data)


@settings(max_examples=1_000)
@given(mutations())
def test_mutated_transactions_are_refused_or_are_other_transactions(raw: bytes) -> None:
    """A change that survives is a whole transaction of its own, consistent in all its parts."""
    submission = decoded(raw)
    if submission is not None:
        holds_together(submission)


@st.composite
def restructured(draw: st.DrawFn) -> bytes:
    """A real transaction with one item, at any depth, replaced: valid RLP, wrong meaning."""
    raw = draw(st.sampled_from(SUBMISSIONS)).raw
    start = 0 if raw[0] >= 0xC0 else 1
    items: list[Any] = rlp.decode_list(raw, start)
    here = items
    while True:
        at = draw(st.integers(0, len(here) - 1))
        inner = here[at]
        if not (isinstance(inner, list) and inner and draw(st.booleans())):
            break
        here = inner
    leaf = st.binary(max_size=40) | st.sampled_from([b"", b"\x00", b"\x01", bytes(20), bytes(32)])
    here[at] = draw(leaf | st.lists(leaf, max_size=4))
    return raw[:start] + rlp.encode(items)


@settings(max_examples=1_000)
@given(restructured())
def test_wrong_items_are_refused_or_are_other_transactions(raw: bytes) -> None:
    """Reaches the checks of single fields, which random bytes seldom do."""
    submission = decoded(raw)
    if submission is not None:
        holds_together(submission)


@settings(max_examples=500)
@given(st.data(), st.sampled_from(SUBMISSIONS))
def test_a_flipped_bit_never_keeps_hash_and_sender(data: st.DataObject, of: Submission) -> None:
    """Or somebody on the way could change what was signed without being noticed."""
    bit = data.draw(st.integers(0, len(of.raw) * 8 - 1))
    flipped = bytearray(of.raw)
    flipped[bit // 8] ^= 1 << bit % 8
    submission = decoded(bytes(flipped))
    assert submission is None or (submission.hash, submission.sender) != (of.hash, of.sender)


@given(st.sampled_from(SUBMISSIONS))
def test_decoding_undoes_encoding(submission: Submission) -> None:
    """For a transaction of every type and every kind of signature."""
    holds_together(submission)


@settings(max_examples=300)
@given(st.data())
def test_mutated_handoffs_are_refused(data: st.DataObject) -> None:
    """A fee payer reads bytes from strangers too."""
    raw = bytearray(ENVELOPE)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    outcome = attempt(decode_handoff, bytes(raw))
    if isinstance(outcome, RpcError):
        assert outcome.code in {-32602, -32000}
    else:
        # Only the v of a signature has two spellings.
        assert outcome.encode() == ENVELOPE


REQUESTS = [
    transaction_to_json(tx) | {"from": "0x" + ACCOUNT_0.hex(), "keyType": "p256", "keyData": "0x05"}
    for tx in (FULL, plain(), *[ethereum(kind) for kind in ETHEREUM_TYPES])
]
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["0x", "0x0", "0x1", "0xff", "0x" + "ff" * 32, "0x" + "20" * 20, "-0x1"]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(REQUESTS[0])) | st.text(max_size=5), children)
    ),
    max_leaves=8,
)


@st.composite
def wrong_requests(draw: st.DrawFn) -> Any:
    """A real request with one member, at any depth, replaced; or anything at all."""
    request = _copied(draw(st.sampled_from(REQUESTS)))
    here = request
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = draw(st.sampled_from(keys))
        if not (isinstance(here[key], dict | list) and here[key] and draw(st.booleans())):
            break
        here = here[key]
    here[key] = draw(json_values)
    return request


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


@settings(max_examples=1_000)
@given(wrong_requests() | json_values)
def test_wrong_requests_are_refused_by_name(value: Any) -> None:
    """And one that is accepted can be filled, hashed and answered without a surprise."""
    request = attempt(transaction_from_request, value, chain_id=CHAIN_ID)
    if isinstance(request, RpcError):
        assert request.code == -32602
        assert request.message
        return
    tx = request.fill(nonce=1, gas_limit=2, max_fee_per_gas=3, max_priority_fee_per_gas=1)
    assert transaction_to_json(tx)["type"] == hex(tx.type)
    outcome = attempt(unsigned_submission, tx, request.sender or ACCOUNT_1)
    if isinstance(outcome, RpcError):
        assert "fee payer" in outcome.message
    else:
        assert len(outcome.hash) == 32
