"""The golden vectors of facts 8.4 that concern transactions, each in both directions."""

from __future__ import annotations

from dataclasses import replace

from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.encode import encode_transaction
from mock_rails.tempo.tx.handoff import decode_handoff, hand_off
from mock_rails.tempo.tx.hashes import context_hash, fee_payer_hash, sender_hash, transaction_hash
from mock_rails.tempo.tx.key_authorization import KeyAuthorization, TokenLimit
from mock_rails.tempo.tx.sign import sign_transaction, sponsor
from mock_rails.tempo.tx.signatures import keychain_digest
from mock_rails.tempo.tx.signers import KeychainSigner, Secp256k1Signer
from tests.unit.mock_rails.tempo.tx.samples import (
    ACCOUNT_0,
    ACCOUNT_1,
    CHAIN_ID,
    KEY_0,
    KEY_1,
    PATH_USD,
    expiring,
    plain,
)

CALLS = (
    "f85ef85c9420c000000000000000000000000000000000000080b844a9059cbb000000000000000000000000"
    "70997970c51812dc3a010c7d01b50e0d17dc79c8000000000000000000000000000000000000000000000000"
    "0000000000002710"
)
MAX_KEY = "a0" + "ff" * 32
TOKEN = "94" + PATH_USD.hex()
PLAIN_RAW = bytes.fromhex(
    "76f8cd820539808504a817c800830186a0" + CALLS + "c080058080" + TOKEN + "80c0b841"
    "440e49d13a88b5ffcedb0e4b2f96dc99874720b3a9083e8116e4270a004b31f2"
    "24d5d598e51a425046c4e86139d114549c3f7c63395ad2a4057c30aeab41a8021c"
)
SPONSORED_SENDER_SIGNATURE = (
    "b8411e503b2f26cfa8f71286cb804ec976224a3a425e3b2f53c2ba2d3918032b86f0"
    "3d6803c8d1fb5bbbb790c844de86123d00eb8ad6f26845f4589f707698881ded1c"
)
SPONSORED_HEAD = "820539808504a817c800830f4240" + CALLS + "c0" + MAX_KEY + "80846553f13c80"
SPONSORED_RAW = bytes.fromhex(
    "76f90135" + SPONSORED_HEAD + TOKEN + "f84301"
    "a0eb34694dfe48569574af5c75a75acf0199511c0e51e895c82f677e46e4a387f9"
    "a03437cf619157980518899cd4cff98de8fbc1f75ceb1a44adcc1501cb64723abb"
    "c0" + SPONSORED_SENDER_SIGNATURE
)
HANDOFF_RAW = bytes.fromhex(
    "78f8f1" + SPONSORED_HEAD + "8094" + ACCOUNT_1.hex() + "c0" + SPONSORED_SENDER_SIGNATURE
)


def test_plain_transaction_decodes() -> None:
    """Protocol nonce, no sponsor: account 0 stands behind it alone."""
    submission = decode_transaction(PLAIN_RAW)

    assert submission.tx == plain()
    assert submission.sender == submission.fee_payer == ACCOUNT_0
    assert submission.key_id is None
    assert submission.raw == PLAIN_RAW
    assert submission.hash.hex() == (
        "d83469a615df6b935f1a0a4e6d1c4859f7b9a434e7ba72b2908b75694b0c7f98"
    )


def test_plain_transaction_signs_to_the_same_bytes() -> None:
    """Signing is RFC 6979's, so even the signature is reproduced."""
    assert sender_hash(plain()).hex() == (
        "87ad3989f2afb7746c275a3b0b5e7a28c7f28a1ad5d06413ce91048584c24cd8"
    )
    assert sign_transaction(plain(), KEY_0) == decode_transaction(PLAIN_RAW)


def test_sponsored_transaction_decodes() -> None:
    """Account 1 sends, account 0 pays."""
    submission = decode_transaction(SPONSORED_RAW)

    assert submission.sender == ACCOUNT_1
    assert submission.fee_payer == ACCOUNT_0
    assert replace(submission.tx, fee_payer_signature=None) == expiring()
    assert submission.hash.hex() == (
        "a9d3951a2ded8b6b25b13db8ed773b43e0ade601ddd1a468de55f8e6fcf5b3e3"
    )
    assert submission.context_hash.hex() == (
        "385488000b8ef82be2b49e80e0c6cf09af3c7b2bc5e89a1c3a2201a8436def15"
    )


def test_sponsored_transaction_signs_to_the_same_bytes() -> None:
    """Both signatures, and the hash that each party signs."""
    waiting = expiring(awaiting_fee_payer=True)
    assert sender_hash(waiting).hex() == (
        "da1b061e99d430a1fe538cdc1c5aee9ee2a54db802e95b1383d5927bbbce617c"
    )
    assert fee_payer_hash(waiting, ACCOUNT_1).hex() == (
        "87a0410bb98cf9673a1d7316f08ad8ee28e513e7ee75aef58b40e0abab074e3b"
    )
    submission = sponsor(expiring(), KEY_1, KEY_0)
    assert submission == decode_transaction(SPONSORED_RAW)
    assert submission.signature is not None
    assert transaction_hash(submission.tx, submission.signature) == submission.hash
    assert context_hash(submission.tx, ACCOUNT_1) == submission.context_hash


def test_client_to_server_handoff() -> None:
    """The 0x78 form of the same transaction, which the fee payer turns into the 0x76."""
    assert hand_off(expiring(), Secp256k1Signer(KEY_1)).encode() == HANDOFF_RAW

    received = decode_handoff(HANDOFF_RAW)
    assert received.sender == ACCOUNT_1
    assert received.co_sign(KEY_0, PATH_USD) == decode_transaction(SPONSORED_RAW)


def test_keychain_signature_over_the_plain_transaction() -> None:
    """Account 0 is an access key of account 1."""
    signer = KeychainSigner(ACCOUNT_1, Secp256k1Signer(KEY_0))
    submission = sign_transaction(plain(), signer)

    assert keychain_digest(sender_hash(plain()), ACCOUNT_1).hex() == (
        "8df7a953937009d69722a8e198bd80c1e15986c37cbf8bd58dad7da60dc90774"
    )
    assert submission.signature is not None
    assert submission.signature.encode().hex() == (
        "0470997970c51812dc3a010c7d01b50e0d17dc79c8"
        "4cd661dce7c273fc7bbc44514822d72a13628abea9e0fbb3da1ab77fa9d557e0"
        "4460ed1681ca4b9dcbc185d2b95d6e644e6862a12d31ca1f9be3e2ffe7e7f2dc1b"
    )
    assert submission.hash.hex() == (
        "aeeb62c6cb2d3cdeba2ce48b222df706374fa6e9f64763845a620899c37263ac"
    )
    decoded = decode_transaction(submission.raw)
    assert decoded == submission
    assert (decoded.sender, decoded.key_id) == (ACCOUNT_1, ACCOUNT_0)


def test_key_authorization() -> None:
    """One limit, one expiry."""
    authorization = KeyAuthorization(
        chain_id=CHAIN_ID,
        key_type=0,
        key_id=ACCOUNT_0,
        expiry_s=1_800_000_000,
        limits=(TokenLimit(PATH_USD, 1_000_000),),
    )
    assert authorization.encode().hex() == (
        "f8398205398094f39fd6e51aad88f6f4ce6ab8827279cfffb92266846b49d200dad9"
        "9420c0000000000000000000000000000000000000830f4240"
    )
    assert authorization.digest().hex() == (
        "21ae5955bbd81d1c12c048a14480a7d7b3ac033924f45513f898546d94ced41b"
    )


def test_v_of_0_and_1_is_rewritten_before_hashing() -> None:
    """Facts 1.2, trap T1: the hash the chain knows is over 27 and 28."""
    bare_v = PLAIN_RAW[:-1] + b"\x01"
    assert decode_transaction(bare_v) == decode_transaction(PLAIN_RAW)
    submission = decode_transaction(PLAIN_RAW)
    assert submission.signature is not None
    assert encode_transaction(submission.tx, submission.signature) == PLAIN_RAW
