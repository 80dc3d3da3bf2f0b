"""Transaction request objects: what eth_call, eth_fillTransaction and the rest are asked with.

Spec: facts 5.3. A request may leave out what the node can find out (nonce, gas, prices). It becomes
a whole `Transaction` at once, with zeros there and their names in `missing`; the RPC layer fills
them. Members that the node does not know are ignored, malformed ones are refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.errors import InvalidParams
from mock_rails.tempo.tx.json_values import (
    invalid,
    read_address,
    read_array,
    read_data,
    read_object,
    read_optional,
    read_quantity,
    read_u64,
    read_u128,
)
from mock_rails.tempo.tx.key_authorization_json import key_authorization_from_json
from mock_rails.tempo.tx.model import (
    TYPE_ACCESS_LIST,
    TYPE_BLOB,
    TYPE_DYNAMIC_FEE,
    TYPE_LEGACY,
    TYPE_SET_CODE,
    TYPE_TEMPO,
    Authorization,
    Call,
    Transaction,
)
from mock_rails.tempo.tx.signature_json import (
    KEY_TYPE_NAMES,
    scalars_from_json,
    signature_from_json,
)
from mock_rails.tempo.tx.signatures import Secp256k1Signature

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import AccessList

DEFAULT_WEBAUTHN_BYTES: Final = 800
"""The size of a WebAuthn signature's data that the node assumes without a usable hint."""

_TEMPO_MEMBERS: Final = (
    "calls",
    "feeToken",
    "nonceKey",
    "validBefore",
    "validAfter",
    "feePayerSignature",
    "keyType",
    "keyData",
    "keyId",
    "keyAuthorization",
    "aaAuthorizationList",
)


@dataclass(frozen=True, slots=True)
class RequestHints:
    """What a simulation should assume about the signatures that will come.

    `key_type` as in signatures; `key_id` simulates that access key, with its limits and scopes;
    `fee_payer` is who will sponsor, where the caller knows (mppx does, before it co-signs).
    """

    key_type: int = 0
    key_data: bytes | None = None
    key_id: bytes | None = None
    fee_payer: bytes | None = None

    @property
    def webauthn_bytes(self) -> int:
        """How long the WebAuthn data will be: 1, 2 or 4 bytes of hint, or the node's default."""
        if self.key_data is None or len(self.key_data) not in {1, 2, 4}:
            return DEFAULT_WEBAUTHN_BYTES
        return int.from_bytes(self.key_data)


@dataclass(frozen=True, slots=True)
class TransactionRequest:
    """A request as far as the caller has made it.

    `missing` names the fields of `tx` that are zero because the caller left them out: of `nonce`,
    `gas_limit`, `max_fee_per_gas` and `max_priority_fee_per_gas`. Simulating without a price is
    free, so eth_call takes `tx` as it is, but for the gas; whoever sends it uses `fill`.
    """

    tx: Transaction
    missing: frozenset[str]
    sender: bytes | None
    hints: RequestHints

    def fill(
        self,
        *,
        nonce: int = 0,
        gas_limit: int = 0,
        max_fee_per_gas: int = 0,
        max_priority_fee_per_gas: int = 0,
    ) -> Transaction:
        """The whole transaction: these values where the caller chose none."""
        tx, missing = self.tx, self.missing
        if "max_fee_per_gas" not in missing:
            max_fee_per_gas = tx.max_fee_per_gas
        if tx.type in {TYPE_LEGACY, TYPE_ACCESS_LIST}:
            max_priority_fee_per_gas = max_fee_per_gas
        elif "max_priority_fee_per_gas" not in missing:
            max_priority_fee_per_gas = tx.max_priority_fee_per_gas
        return replace(
            tx,
            nonce=nonce if "nonce" in missing else tx.nonce,
            gas_limit=gas_limit if "gas_limit" in missing else tx.gas_limit,
            max_fee_per_gas=max_fee_per_gas,
            max_priority_fee_per_gas=max_priority_fee_per_gas,
        )


def transaction_from_request(value: object, *, chain_id: int) -> TransactionRequest:
    """Read a request object; `InvalidParams` (-32602) names what is wrong with it."""
    members = read_object(value, "transaction")
    kind = _kind(members)
    own_chain_id = read_optional(members, "chainId", read_u64)
    given = {
        "nonce": read_optional(members, "nonce", read_u64),
        "gas_limit": read_optional(members, "gas", read_u64),
        **_prices(members),
    }
    tx = Transaction(
        type=kind,
        chain_id=chain_id if own_chain_id is None else own_chain_id,
        nonce=given["nonce"] or 0,
        gas_limit=given["gas_limit"] or 0,
        max_fee_per_gas=given["max_fee_per_gas"] or 0,
        max_priority_fee_per_gas=given["max_priority_fee_per_gas"] or 0,
        calls=_calls(members, kind),
        access_list=_access_list(members),
        authorizations=_authorizations(members, kind),
    )
    if kind == TYPE_TEMPO:
        tx = replace(
            tx,
            fee_token=read_optional(members, "feeToken", read_address),
            nonce_key=read_optional(members, "nonceKey", read_quantity) or 0,
            valid_before=read_optional(members, "validBefore", read_u64) or None,
            valid_after=read_optional(members, "validAfter", read_u64) or None,
            fee_payer_signature=read_optional(members, "feePayerSignature", scalars_from_json),
            key_authorization=read_optional(
                members, "keyAuthorization", key_authorization_from_json
            ),
        )
    _check_structure(tx)
    return TransactionRequest(
        tx=tx,
        missing=frozenset([name for name, number in given.items() if number is None]),
        sender=read_optional(members, "from", read_address),
        hints=_hints(members),
    )


def _check_structure(tx: Transaction) -> None:
    """What the decoder refuses in raw bytes, refused here too, so that it need not be signed."""
    for index, call in enumerate(tx.calls[1:], 1):
        if call.to is None:
            raise invalid(f"calls[{index}].to", "an address (only call 0 can create)", None)
    if tx.to is None and (tx.authorizations or tx.type == TYPE_SET_CODE):
        raise invalid("to", "an address (nothing is created with an authorization list)", None)
    if tx.valid_before and tx.valid_after and tx.valid_before <= tx.valid_after:
        raise invalid("validBefore", f"more than validAfter ({tx.valid_after})", tx.valid_before)


def _kind(members: dict[str, Any]) -> int:
    """Any Tempo member makes a 0x76; otherwise the stated type, or what the members imply."""
    stated = read_optional(members, "type", read_quantity)
    if stated == TYPE_BLOB:
        raise InvalidParams("invalid params: type: blob transactions (0x3) are not accepted")
    if stated == TYPE_TEMPO or any(members.get(name) is not None for name in _TEMPO_MEMBERS):
        return TYPE_TEMPO
    authorizations = members.get("authorizationList")
    if authorizations:
        # ox puts Tempo's own authorizations, whose signature is an object, under Ethereum's name.
        entries = read_array(authorizations, "authorizationList")
        is_tempo = any(isinstance(entry, dict) and "signature" in entry for entry in entries)
        return TYPE_TEMPO if is_tempo else TYPE_SET_CODE
    if any(members.get(name) is not None for name in ("maxFeePerGas", "maxPriorityFeePerGas")):
        return TYPE_DYNAMIC_FEE
    if stated in {TYPE_LEGACY, TYPE_ACCESS_LIST}:
        return TYPE_ACCESS_LIST if members.get("accessList") else stated
    if members.get("gasPrice") is not None and stated is None:
        return TYPE_ACCESS_LIST if members.get("accessList") else TYPE_LEGACY
    return TYPE_DYNAMIC_FEE


def _prices(members: dict[str, Any]) -> dict[str, int | None]:
    gas_price = read_optional(members, "gasPrice", read_u128)
    max_fee = read_optional(members, "maxFeePerGas", read_u128)
    tip = read_optional(members, "maxPriorityFeePerGas", read_u128)
    if gas_price is not None:
        if max_fee is not None or tip is not None:
            raise InvalidParams(
                "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"
            )
        max_fee = tip = gas_price
    return {"max_fee_per_gas": max_fee, "max_priority_fee_per_gas": tip}


def _calls(members: dict[str, Any], kind: int) -> tuple[Call, ...]:
    """The batch: `calls`, then the top-level call if it has a target.

    pympp sends the first calls of a split payment in `calls` and the last at the top level. Without
    a batch the top level is the one call, and may be as empty as `{from}`: an empty creation.
    """
    entries = read_optional(members, "calls", read_array) or []
    calls = [
        _call(read_object(entry, f"calls[{index}]"), f"calls[{index}].")
        for index, entry in enumerate(entries)
    ]
    top_level = _call(members, "")
    if members.get("to") is not None:
        calls.append(top_level)
    elif not calls:
        is_nothing = members.get("data") is None and members.get("input") is None
        if kind == TYPE_TEMPO and is_nothing:
            raise InvalidParams("empty calls list")
        calls.append(top_level)
    return tuple(calls)


def _call(members: dict[str, Any], path: str) -> Call:
    data = read_optional(members, "data", read_data, path=path)
    payload = read_optional(members, "input", read_data, path=path)
    if data is not None and payload is not None and data != payload:
        raise InvalidParams(
            f'invalid params: {path}input: both "data" and "input" are set and not equal'
        )
    return Call(
        read_optional(members, "to", read_address, path=path),
        read_optional(members, "value", read_quantity, path=path) or 0,
        (payload if payload is not None else data) or b"",
    )


def _access_list(members: dict[str, Any]) -> AccessList:
    entries = []
    for index, entry in enumerate(read_optional(members, "accessList", read_array) or []):
        name = f"accessList[{index}]"
        item = read_object(entry, name)
        keys = read_optional(item, "storageKeys", read_array, path=name + ".") or []
        slots = [
            int.from_bytes(read_data(slot, f"{name}.storageKeys[{number}]", size=32))
            for number, slot in enumerate(keys)
        ]
        entries.append((read_address(item.get("address"), name + ".address"), tuple(slots)))
    return tuple(entries)


def _authorizations(members: dict[str, Any], kind: int) -> tuple[Authorization, ...]:
    is_named_by_tempo = members.get("aaAuthorizationList") is not None
    key = "aaAuthorizationList" if is_named_by_tempo else "authorizationList"
    authorizations = []
    for index, entry in enumerate(read_optional(members, key, read_array) or []):
        name = f"{key}[{index}]"
        item = read_object(entry, name)
        signature: tuple[int, int, int] | bytes
        if item.get("signature") is not None:
            signature = signature_from_json(item["signature"], name + ".signature").encode()
        else:
            signature = scalars_from_json(item, name)
            if kind == TYPE_TEMPO:
                # Both kinds of authorization sign the same hash, so one can become the other.
                signature = Secp256k1Signature(*signature).encode()
        authorizations.append(
            Authorization(
                read_quantity(item.get("chainId"), name + ".chainId"),
                read_address(item.get("address"), name + ".address"),
                read_u64(item.get("nonce"), name + ".nonce"),
                signature,
            )
        )
    return tuple(authorizations)


def _hints(members: dict[str, Any]) -> RequestHints:
    kind = members.get("keyType")
    if kind is not None and kind not in KEY_TYPE_NAMES:
        raise invalid("keyType", f"one of {', '.join(KEY_TYPE_NAMES)}", kind)
    return RequestHints(
        key_type=0 if kind is None else KEY_TYPE_NAMES.index(kind),
        key_data=read_optional(members, "keyData", read_data),
        key_id=read_optional(members, "keyId", read_address),
        fee_payer=_fee_payer(members.get("feePayer")),
    )


def _fee_payer(value: object) -> bytes | None:
    """An address, or viem's account object; `true` asks a relay and names nobody."""
    if isinstance(value, dict):
        value = value.get("address")
    return read_address(value, "feePayer") if isinstance(value, str) else None
