"""Intrinsic gas: what a transaction costs before its first call runs (facts 4.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo import gas
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_TEMPO
from mock_rails.tempo.tx.signatures import KeychainSignature, P256Signature, WebAuthnSignature

if TYPE_CHECKING:
    from mock_rails.tempo.tx.key_authorization import SignedKeyAuthorization
    from mock_rails.tempo.tx.model import Submission, Transaction
    from mock_rails.tempo.tx.signatures import Signature
    from mock_rails.tempo.world import World

_KEY_AUTHORIZATION: Final = 3_000
_KEY_AUTHORIZATION_READ: Final = 2_100
_KEY_AUTHORIZATION_BUFFER: Final = 2_000
_SLOT: Final = 250_000
_SCOPES: Final = 5_000
_SCOPE_TARGET: Final = 7_000
_SCOPE_SELECTOR: Final = 7_000
_SCOPE_RECIPIENT: Final = 5_000
_WITNESS: Final = 2_100 + 1_500
_ADMIN: Final = 1_500


def intrinsic_gas(submission: Submission, world: World) -> int:
    """The gas a transaction spends on existing."""
    tx = submission.tx
    total = gas.TX_BASE + gas.TX_CALL * (len(tx.calls) - 1)
    for call in tx.calls:
        total += gas.calldata_gas(call.data)
        if call.to is None:
            total += gas.TX_CREATE + gas.INITCODE_WORD * gas.words(len(call.data))
    total += _nonce_gas(tx, submission.sender, world)
    if submission.signature is not None:
        total += signature_gas(submission.signature)
    for _, slots in tx.access_list:
        total += gas.TX_ACCESS_ADDRESS + gas.TX_ACCESS_SLOT * len(slots)
    for authorization in tx.authorizations:
        total += gas.TX_DELEGATION + (gas.TX_NEW_ACCOUNT if authorization.nonce == 0 else 0)
    if tx.key_authorization is not None:
        total += key_authorization_gas(tx.key_authorization)
    return total


def calldata_floor(tx: Transaction) -> int:
    """The least a transaction pays for its data (EIP-7623)."""
    tokens = sum(gas.calldata_tokens(call.data) for call in tx.calls)
    return gas.TX_BASE + gas.TX_FLOOR_TOKEN * tokens


def signature_gas(signature: Signature) -> int:
    """What verifying the sender's signature costs beyond secp256k1."""
    if isinstance(signature, KeychainSignature):
        return gas.TX_KEYCHAIN + signature_gas(signature.inner)
    if isinstance(signature, P256Signature):
        return gas.TX_P256
    if isinstance(signature, WebAuthnSignature):
        return gas.TX_P256 + gas.calldata_gas(signature.data)
    return 0


def _nonce_gas(tx: Transaction, sender: bytes, world: World) -> int:
    creates = tx.type == TYPE_TEMPO and tx.calls[0].to is None
    if tx.nonce_key == 0:
        return gas.TX_NEW_ACCOUNT if tx.nonce == 0 else 0
    account = gas.TX_NEW_ACCOUNT if creates and world.nonce(sender) == 0 else 0
    if tx.nonce_key == EXPIRING_NONCE_KEY:
        return gas.TX_EXPIRING_NONCE + account
    return (gas.TX_NEW_ACCOUNT if tx.nonce == 0 else gas.TX_NONCE_KEY) + account


def key_authorization_gas(signed: SignedKeyAuthorization) -> int:
    """A key authorization's writes, charged up front: the writes themselves are unmetered."""
    auth = signed.authorization
    total = (
        _KEY_AUTHORIZATION
        + signature_gas(signed.signature)
        + _KEY_AUTHORIZATION_READ
        + _KEY_AUTHORIZATION_BUFFER
    )
    slots = 1 + 2 * len(auth.limits or ())
    for scope in auth.allowed_calls or ():
        slots += 1
        total += _SCOPE_TARGET
        for rule in scope.rules:
            slots += 1
            total += _SCOPE_SELECTOR + _SCOPE_RECIPIENT * len(rule.recipients)
            slots += len(rule.recipients)
    if auth.allowed_calls is not None:
        total += _SCOPES
    if auth.witness is not None:
        total += _WITNESS
    if auth.is_admin:
        total += _ADMIN
    return total + _SLOT * slots
