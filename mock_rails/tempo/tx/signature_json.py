"""Signatures as JSON, both ways. Spec: facts 5.5.

A secp256k1 signature is written as the node writes it in any typed transaction: quantities, with
`v` equal to `yParity`. P-256 scalars are 32-byte words. Readers accept v as 0, 1, 27 or 28.
"""

from __future__ import annotations

from typing import Any, Final

from mock_rails.tempo.tx.json_values import (
    invalid,
    read_address,
    read_data,
    read_object,
    read_quantity,
    to_data,
    to_quantity,
    to_word,
)
from mock_rails.tempo.tx.signatures import (
    MAX_WEBAUTHN_DATA_BYTES,
    KeychainSignature,
    P256Signature,
    PrimitiveSignature,
    Secp256k1Signature,
    Signature,
    WebAuthnSignature,
)

KEY_TYPE_NAMES: Final = ("secp256k1", "p256", "webAuthn")
"""The kinds of key by their number."""

_Y_PARITIES: Final = {0: 0, 1: 1, 27: 0, 28: 1}


def signature_to_json(signature: Signature, *, key_id: bytes | None = None) -> dict[str, Any]:
    """A sender's signature; `key_id` is the access key that a keychain signature recovered."""
    if isinstance(signature, KeychainSignature):
        answer = {
            "userAddress": to_data(signature.root),
            "signature": signature_to_json(signature.inner),
            "version": "v2",
        }
        if key_id is not None:
            answer["keyId"] = to_data(key_id)
        return answer
    kind = KEY_TYPE_NAMES[signature.key_type]
    if isinstance(signature, Secp256k1Signature):
        scalars = (signature.y_parity, signature.r, signature.s)
        return {"type": kind, **scalars_to_json(scalars)}
    point = {
        "type": kind,
        "r": to_word(signature.r),
        "s": to_word(signature.s),
        "pubKeyX": to_word(signature.x),
        "pubKeyY": to_word(signature.y),
    }
    if isinstance(signature, P256Signature):
        return {**point, "preHash": signature.pre_hash}
    return {**point, "webauthnData": to_data(signature.data)}


def scalars_to_json(scalars: tuple[int, int, int]) -> dict[str, str]:
    """(y parity, r, s), as fee payer signatures and typed transactions have it."""
    y_parity, r, s = scalars
    parity = to_quantity(y_parity)
    return {"r": to_quantity(r), "s": to_quantity(s), "yParity": parity, "v": parity}


def scalars_from_json(value: object, name: str) -> tuple[int, int, int]:
    """(y parity, r, s) from an object with r, s, and yParity or v."""
    members = read_object(value, name)
    key = "v" if members.get("yParity") is None else "yParity"
    parity = read_quantity(members.get(key), f"{name}.{key}")
    if parity not in _Y_PARITIES:
        raise invalid(f"{name}.{key}", "0, 1, 27 or 28", members.get(key))
    r = read_quantity(members.get("r"), f"{name}.r")
    s = read_quantity(members.get("s"), f"{name}.s")
    return _Y_PARITIES[parity], r, s


def primitive_from_json(value: object, name: str) -> PrimitiveSignature:
    """A key's own signature; access keys are refused. A missing type means secp256k1."""
    members = read_object(value, name)
    kind = members.get("type", "secp256k1")
    if kind == "secp256k1":
        return Secp256k1Signature(*scalars_from_json(members, name))
    if kind not in {"p256", "webAuthn"}:
        raise invalid(f"{name}.type", '"secp256k1", "p256" or "webAuthn"', kind)
    r, s, x, y = [
        read_quantity(members.get(key), f"{name}.{key}") for key in ("r", "s", "pubKeyX", "pubKeyY")
    ]
    if kind == "webAuthn":
        data = read_data(members.get("webauthnData"), f"{name}.webauthnData")
        if len(data) > MAX_WEBAUTHN_DATA_BYTES:
            raise invalid(f"{name}.webauthnData", f"at most {MAX_WEBAUTHN_DATA_BYTES} bytes", data)
        return WebAuthnSignature(data, r, s, x, y)
    pre_hash = members.get("preHash", False)
    if not isinstance(pre_hash, bool):
        raise invalid(f"{name}.preHash", "true or false", pre_hash)
    return P256Signature(r, s, x, y, pre_hash)


def signature_from_json(value: object, name: str) -> Signature:
    """Any signature, access keys (version 2) included."""
    members = read_object(value, name)
    if members.get("type") != "keychain" and "userAddress" not in members:
        return primitive_from_json(members, name)
    if members.get("version", "v2") != "v2":
        raise invalid(f"{name}.version", '"v2"', members["version"])
    return KeychainSignature(
        read_address(members.get("userAddress"), f"{name}.userAddress"),
        primitive_from_json(members.get("signature"), f"{name}.signature"),
    )
