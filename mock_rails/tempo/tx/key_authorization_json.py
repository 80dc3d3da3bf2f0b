"""Key authorizations as JSON, both ways. Spec: facts 1.5 (RPC JSON form)."""

from __future__ import annotations

from typing import Any

from mock_rails.tempo.tx.json_values import (
    invalid,
    read_address,
    read_array,
    read_data,
    read_object,
    read_optional,
    read_quantity,
    read_u64,
    to_data,
    to_quantity,
)
from mock_rails.tempo.tx.key_authorization import (
    CallScope,
    KeyAuthorization,
    SelectorRule,
    SignedKeyAuthorization,
    TokenLimit,
)
from mock_rails.tempo.tx.signature_json import (
    KEY_TYPE_NAMES,
    primitive_from_json,
    signature_to_json,
)


def key_authorization_to_json(signed: SignedKeyAuthorization) -> dict[str, Any]:
    """The authorization as viem reads it; absent optionals but `expiry` are left out."""
    granted = signed.authorization
    answer: dict[str, Any] = {
        "chainId": to_quantity(granted.chain_id),
        "keyType": KEY_TYPE_NAMES[granted.key_type],
        "keyId": to_data(granted.key_id),
        "expiry": None if granted.expiry_s is None else to_quantity(granted.expiry_s),
        "signature": signature_to_json(signed.signature),
    }
    if granted.limits is not None:
        answer["limits"] = [
            {
                "token": to_data(entry.token),
                "limit": to_quantity(entry.limit),
                "period": to_quantity(entry.period_s),
            }
            for entry in granted.limits
        ]
    if granted.allowed_calls is not None:
        answer["allowedCalls"] = [_scope_to_json(scope) for scope in granted.allowed_calls]
    if granted.witness is not None:
        answer["witness"] = to_data(granted.witness)
    if granted.is_admin:
        answer["isAdmin"] = True
    if granted.account is not None:
        answer["account"] = to_data(granted.account)
    return answer


def key_authorization_from_json(value: object, name: str) -> SignedKeyAuthorization:
    """Read what viem, ox or pytempo send; `InvalidParams` names the member that is wrong."""
    members = read_object(value, name)
    path = name + "."
    kind = members.get("keyType")
    if kind not in KEY_TYPE_NAMES:
        raise invalid(path + "keyType", f"one of {', '.join(KEY_TYPE_NAMES)}", kind)
    is_admin = members.get("isAdmin") or False
    if not isinstance(is_admin, bool):
        raise invalid(path + "isAdmin", "true, false or null", is_admin)
    limits = read_optional(members, "limits", read_array, path=path)
    scopes = read_optional(members, "allowedCalls", read_array, path=path)
    return SignedKeyAuthorization(
        KeyAuthorization(
            chain_id=read_u64(members.get("chainId"), path + "chainId"),
            key_type=KEY_TYPE_NAMES.index(kind),
            key_id=read_address(members.get("keyId"), path + "keyId"),
            # 0 is not an expiry: on the wire it is the same as none.
            expiry_s=read_optional(members, "expiry", read_u64, path=path) or None,
            limits=None if limits is None else _limits_from_json(limits, path + "limits"),
            allowed_calls=None if scopes is None else _scopes_from_json(scopes, path),
            witness=read_optional(members, "witness", _read_witness, path=path),
            is_admin=is_admin,
            account=read_optional(members, "account", read_address, path=path),
        ),
        primitive_from_json(members.get("signature"), path + "signature"),
    )


def _scope_to_json(scope: CallScope) -> dict[str, Any]:
    return {
        "target": to_data(scope.target),
        "selectorRules": [
            {
                "selector": to_data(rule.selector),
                "recipients": [to_data(recipient) for recipient in rule.recipients],
            }
            for rule in scope.rules
        ],
    }


def _limits_from_json(entries: list[Any], name: str) -> tuple[TokenLimit, ...]:
    limits = []
    for index, entry in enumerate(entries):
        path = f"{name}[{index}]."
        members = read_object(entry, path[:-1])
        limits.append(
            TokenLimit(
                read_address(members.get("token"), path + "token"),
                read_quantity(members.get("limit"), path + "limit"),
                read_optional(members, "period", read_u64, path=path) or 0,
            )
        )
    return tuple(limits)


def _scopes_from_json(entries: list[Any], path: str) -> tuple[CallScope, ...]:
    scopes = []
    for index, entry in enumerate(entries):
        name = f"{path}allowedCalls[{index}]"
        members = read_object(entry, name)
        rules = read_optional(members, "selectorRules", read_array, path=name + ".") or []
        scopes.append(
            CallScope(
                read_address(members.get("target"), name + ".target"),
                tuple(
                    [
                        _rule_from_json(rule, f"{name}.selectorRules[{number}]")
                        for number, rule in enumerate(rules)
                    ]
                ),
            )
        )
    return tuple(scopes)


def _rule_from_json(value: object, name: str) -> SelectorRule:
    members = read_object(value, name)
    recipients = read_optional(members, "recipients", read_array, path=name + ".") or []
    return SelectorRule(
        read_data(members.get("selector"), name + ".selector", size=4),
        tuple(
            [
                read_address(recipient, f"{name}.recipients[{index}]")
                for index, recipient in enumerate(recipients)
            ]
        ),
    )


def _read_witness(value: object, name: str) -> bytes:
    return read_data(value, name, size=32)
