"""What may be told of a credential or a record: facts, and never what proves a payment.

Whoever holds a proof can use it, so journals, `-v` and `inspect` show these members as they are and
of all others only how long they are (what payloads hold: facts, protocol 2.5, 2.13, lightning 2.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

FACTS: Final = frozenset(
    {
        "action",
        "additionalDeposit",
        "amount",
        "authorizedSigner",
        "channelId",
        "cumulativeAmount",
        "deposit",
        "descriptor",
        "hash",
        "sessionId",
        "type",
    }
)
"""The members of a credential's payload that are facts; all others are taken for proofs."""

_LONGEST: Final = 200


def disclosed(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload's facts, with its proofs replaced by their length."""
    return {
        str(name)[:_LONGEST]: _shown(value) if name in FACTS else f"<{len(str(value))} characters>"
        for name, value in payload.items()
    }


def shown(record: tuple[Any, ...], fields: Sequence[str], *, hidden: Collection[str]) -> str:
    """A named tuple as a log may show it: all but its proofs."""
    members = zip(fields, record, strict=True)
    written = (f"{name}={value!r}" for name, value in members if name not in hidden)
    return f"{type(record).__name__}({', '.join(written)})"


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name)[:_LONGEST]: str(one)[:_LONGEST] for name, one in value.items()}
    return str(value)[:_LONGEST]
