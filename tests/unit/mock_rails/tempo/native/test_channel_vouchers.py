"""Identity and signatures of channels: golden vectors, and which signatures make a voucher.

Facts 2.8 and 8.4.
"""

from __future__ import annotations

import pytest

from mock_rails.tempo.addresses import CHANNEL_RESERVE, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.native.voucher import VOUCHER_TYPEHASH, domain_separator, voucher_digest
from mock_rails.tempo.tx.signers import (
    AnySigner,
    KeychainSigner,
    P256Signer,
    Secp256k1Signer,
    WebAuthnSigner,
)
from tests.unit.mock_rails.tempo.native.channel_support import (
    OTHER_SIGNER,
    PAYER,
    PAYER_SIGNER,
    SALT,
    SETTLE,
    Stage,
)
from tests.unit.mock_rails.tempo.native.support import make_block, make_scope, reverts

DOMAIN = "7f014a95f48406de96efe01417f4c28673401fe97be7abd06e287f294702792d"
GOLDEN_ID = "0b56e84a2cd3b596b256c20fce94104f4520c3aeb5294025b87bd5b0135ca051"
GOLDEN_DIGEST = "fab1422cbebd4d562c29507b06b7762e2f417ef4daa6c1166244ffea96e8b14b"
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 2 * HALF_ORDER + 1


@pytest.fixture
def stage() -> Stage:
    return Stage()


# -- golden ----------------------------------------------------------------------------------------


def test_golden_channel_id(stage: Stage) -> None:
    channel_id = stage.payer.call(
        "computeChannelId(address,address,address,address,bytes32,address,bytes32)",
        b"\x11" * 20, b"\x22" * 20, ZERO_ADDRESS, PATH_USD, SALT, ZERO_ADDRESS, b"\x33" * 32,
    )  # fmt: skip
    assert channel_id.hex() == GOLDEN_ID


def test_golden_voucher_digest(stage: Stage) -> None:
    channel_id = bytes.fromhex(GOLDEN_ID)
    digest = stage.payer.call("getVoucherDigest(bytes32,uint96)", channel_id, 1_000)
    assert digest.hex() == GOLDEN_DIGEST
    assert voucher_digest(1337, channel_id, 1_000).hex() == GOLDEN_DIGEST


def test_golden_domain(stage: Stage) -> None:
    assert stage.payer.call("domainSeparator()").hex() == DOMAIN
    assert domain_separator(1337).hex() == DOMAIN
    typehash = "4730b4b2fe8de522475e80e010877c5b58ad10eb07fd0436615ee123f743bbe8"
    assert stage.payer.call("VOUCHER_TYPEHASH()").hex() == VOUCHER_TYPEHASH.hex() == typehash


def test_the_digest_is_eip712(stage: Stage) -> None:
    """The same by another implementation of typed data."""
    from eth_account.messages import encode_typed_data

    message = encode_typed_data(
        domain_data={
            "name": "TIP20 Channel Reserve",
            "version": "1",
            "chainId": 42_431,
            "verifyingContract": f"0x{CHANNEL_RESERVE.hex()}",
        },
        message_types={
            "Voucher": [
                {"name": "channelId", "type": "bytes32"},
                {"name": "cumulativeAmount", "type": "uint96"},
            ]
        },
        message_data={"channelId": b"\x07" * 32, "cumulativeAmount": 123_456},
    )
    digest = keccak256(b"\x19" + message.version + message.header + message.body)
    assert digest == voucher_digest(42_431, b"\x07" * 32, 123_456)


def test_ids_and_digests_hold_on_one_chain(stage: Stage) -> None:
    channel = stage.open()
    here = stage.id_of(channel)
    digest = stage.payer.call("getVoucherDigest(bytes32,uint96)", here, 5)
    stage.scope = make_scope(stage.world, block=make_block(chain_id=1))
    assert stage.id_of(channel) != here
    assert stage.payer.call("getVoucherDigest(bytes32,uint96)", here, 5) != digest


def test_every_ingredient_is_in_the_id(stage: Stage) -> None:
    channel = stage.open()
    ids = {stage.id_of(channel)}
    for name in channel._fields:
        size = len(getattr(channel, name))
        ids.add(stage.id_of(channel._replace(**{name: b"\x99" * size})))
    assert len(ids) == 1 + len(channel)


# -- signatures ------------------------------------------------------------------------------------

P256_KEY = b"\x07" * 32


@pytest.mark.parametrize(
    "signer",
    [OTHER_SIGNER, P256Signer(P256_KEY), P256Signer(P256_KEY, True), WebAuthnSigner(P256_KEY)],
    ids=["secp256k1", "p256", "p256-prehash", "webauthn"],
)
def test_the_authorized_signer_may_have_any_kind_of_key(stage: Stage, signer: AnySigner) -> None:
    channel = stage.open(signer=signer.address)
    stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300, signer))
    assert stage.state(channel) == (300, 1_000, 0)


def test_both_ways_to_write_v_are_accepted(stage: Stage) -> None:
    channel = stage.open()
    signature = stage.voucher(channel, 300)
    stage.payee.call(SETTLE, channel, 300, signature[:64] + bytes([signature[64] - 27]))


def test_without_an_authorized_signer_it_is_the_payer(stage: Stage) -> None:
    channel = stage.open()
    with reverts("InvalidSignature"):
        stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300, OTHER_SIGNER))
    stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300, PAYER_SIGNER))


def test_an_authorized_signer_replaces_the_payer(stage: Stage) -> None:
    channel = stage.open(signer=OTHER_SIGNER.address)
    with reverts("InvalidSignature"):
        stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300, PAYER_SIGNER))


def test_a_voucher_is_for_one_amount_of_one_channel(stage: Stage) -> None:
    channel, other = stage.open(), stage.open(salt=bytes(32))
    for stolen in (stage.voucher(channel, 301), stage.voucher(other, 300)):
        with reverts("InvalidSignature"):
            stage.payee.call(SETTLE, channel, 300, stolen)


def test_access_keys_sign_no_vouchers(stage: Stage) -> None:
    """Keychain wrappers are refused, whoever signed inside."""
    wrapped = KeychainSigner(PAYER, Secp256k1Signer(PAYER_SIGNER.key))
    channel = stage.open()
    with reverts("InvalidSignature"):
        stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300, wrapped))


@pytest.mark.parametrize("kind", ["high-s", "v", "short", "long", "zero", "empty", "p256", "other"])
def test_malformed_signatures_are_refused(stage: Stage, kind: str) -> None:
    channel = stage.open()
    good = stage.voucher(channel, 300)
    s = int.from_bytes(good[32:64])
    bad = {
        "high-s": good[:32] + (ORDER - s).to_bytes(32) + bytes([55 - good[64]]),
        "v": good[:64] + b"\x02",
        "short": good[:64],
        "long": good + b"\x00",
        "zero": bytes(65),
        "empty": b"",
        "p256": b"\x01" + bytes(129),
        "other": b"\x05" + good,
    }[kind]
    with reverts("InvalidSignature"):
        stage.payee.call(SETTLE, channel, 300, bad)


@pytest.mark.parametrize(
    ("signer", "surcharge"),
    [(P256Signer(P256_KEY), 8_000), (OTHER_SIGNER, 3_000)],
    ids=["p256", "secp256k1"],
)
def test_a_signature_costs_what_its_kind_costs(
    stage: Stage, signer: AnySigner, surcharge: int
) -> None:
    """Facts 2.11; the longer signature also adds two words of calldata to the call."""
    channel = stage.open(signer=signer.address)
    plain = stage.open(salt=bytes(32))
    vouchers = {
        channel: stage.voucher(channel, 300, signer),
        plain: stage.voucher(plain, 300, PAYER_SIGNER),
    }
    used = {}
    for each, voucher in vouchers.items():
        stage.next_tx()
        used[each] = stage.payee.gas(SETTLE, each, 300, voucher)
    words = (len(vouchers[channel]) + 31) // 32 - 3
    assert used[channel] - used[plain] == surcharge - 3_000 + 6 * words
