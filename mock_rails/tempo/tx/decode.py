"""Raw bytes to a `Submission`: the way every transaction enters the chain.

Whatever the bytes, the answer is a submission with its sender and fee payer recovered, or an
`InvalidTransaction` with the node's code and text (facts 1.9), never another exception. Checked
here is what the bytes alone decide; nonces, fees, windows and limits are the executor's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.errors import InvalidTransaction, MalformedTransaction
from mock_rails.tempo.tx.decode_ethereum import decode_legacy, decode_typed
from mock_rails.tempo.tx.decode_tempo import decode_tempo
from mock_rails.tempo.tx.model import (
    TYPE_ACCESS_LIST,
    TYPE_BLOB,
    TYPE_DYNAMIC_FEE,
    TYPE_FEE_PAYER_HANDOFF,
    TYPE_SET_CODE,
    TYPE_TEMPO,
)
from mock_rails.tempo.tx.rlp import RlpError
from mock_rails.tempo.tx.signatures import LegacyKeychainError

if TYPE_CHECKING:
    from mock_rails.tempo.tx.model import Submission

_UNDECODABLE: Final = "failed to decode signed transaction"
_REFUSED_TYPES: Final = {
    TYPE_BLOB: "blob transactions (type 0x03) are not accepted on this chain",
    TYPE_FEE_PAYER_HANDOFF: (
        "0x78 is the envelope in which a client hands a transaction to its fee payer;"
        " let the fee payer co-sign it and submit the 0x76 that results"
    ),
}


def decode_transaction(raw: bytes) -> Submission:
    """Decode a signed transaction of any type and recover who stands behind it."""
    if not raw:
        raise MalformedTransaction("empty transaction data")
    try:
        return _decode(raw)
    except LegacyKeychainError as error:
        raise InvalidTransaction(str(error)) from error
    except (RlpError, SignatureError) as error:
        raise MalformedTransaction(f"{_UNDECODABLE}: {error}") from error


def _decode(raw: bytes) -> Submission:
    kind = raw[0]
    if kind == TYPE_TEMPO:
        return decode_tempo(raw)
    if kind in {TYPE_ACCESS_LIST, TYPE_DYNAMIC_FEE, TYPE_SET_CODE}:
        return decode_typed(raw)
    if kind >= 0xC0:
        return decode_legacy(raw)
    raise RlpError(
        _REFUSED_TYPES.get(
            kind, f"unknown transaction type 0x{kind:02x}; known are legacy, 1, 2, 4 and 0x76"
        )
    )
