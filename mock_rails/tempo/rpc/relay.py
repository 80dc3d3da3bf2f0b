"""The fee payer service: signs other people's transactions as their sponsor (facts 5.9).

Off unless the node was given a fee payer key. Clients reach it as a `feePayerUrl` of its own or as
the chain's endpoint; what they hand over is a 0x78 envelope, or an older 0x76 with a marked suffix
(1.3).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.errors import InvalidTransaction, MalformedTransaction, MethodNotFound
from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.handoff import decode_handoff
from mock_rails.tempo.tx.hashes import fee_payer_hash
from mock_rails.tempo.tx.json_values import to_data
from mock_rails.tempo.tx.model import TYPE_FEE_PAYER_HANDOFF, TYPE_TEMPO

if TYPE_CHECKING:
    from mock_rails.tempo.rpc.params import Params
    from mock_rails.tempo.tx.model import Submission, Transaction
    from mock_rails.tempo.tx.request import TransactionRequest

_MARKER: Final = bytes.fromhex("feefeefeefee")
_SUFFIX: Final = 20 + len(_MARKER)


class Relay:
    """A sponsor with one key, who pays in pathUSD unless the transaction names a token."""

    def __init__(self, key: bytes | None) -> None:
        self._key = key

    @method("eth_signRawTransaction")
    def sign_raw(self, params: Params) -> str:
        """Co-sign a handed-over transaction; the result can be broadcast by anyone."""
        return to_data(self.co_sign(params.data(0, "transaction")).raw)

    def accepts(self, raw: bytes) -> bool:
        """Whether these bytes ask for a sponsor and there is one."""
        return self._key is not None and _is_handed_over(raw)

    def co_sign(self, raw: bytes) -> Submission:
        """Sign as the fee payer."""
        key = self._need_key()
        handoff = decode_handoff(_as_envelope(raw))
        return handoff.co_sign(key, handoff.tx.fee_token or PATH_USD)

    def prepare(self, request: TransactionRequest) -> TransactionRequest:
        """The request as one that somebody else will pay for."""
        self._need_key()
        tx = request.tx
        kind, token = TYPE_TEMPO, tx.fee_token or PATH_USD
        return replace(
            request, tx=replace(tx, type=kind, fee_token=token, fee_payer_signature=None)
        )

    def sponsor(self, tx: Transaction, sender: bytes) -> Transaction:
        """The filled transaction with the fee payer's signature; its sender signs afterwards."""
        key = self._need_key()
        if secp256k1.address_of(key) == sender:
            raise InvalidTransaction("fee payer cannot resolve to sender")
        signature = secp256k1.sign(fee_payer_hash(tx, sender), key)
        return replace(tx, fee_payer_signature=signature)

    def _need_key(self) -> bytes:
        if self._key is None:
            raise MethodNotFound("this node has no fee payer key: start it with --fee-payer")
        return self._key


def _is_handed_over(raw: bytes) -> bool:
    return raw[:1] == bytes([TYPE_FEE_PAYER_HANDOFF]) or raw.endswith(_MARKER)


def _as_envelope(raw: bytes) -> bytes:
    """The 0x78 form of either form."""
    if not raw.endswith(_MARKER) or raw[:1] != bytes([TYPE_TEMPO]):
        return raw
    try:
        items = rlp.decode_list(raw[:-_SUFFIX], 1)
    except rlp.RlpError as error:
        raise MalformedTransaction(f"failed to decode fee payer hand-off: {error}") from error
    if len(items) < 12:
        raise MalformedTransaction("failed to decode fee payer hand-off: too few fields")
    items[10], items[11] = b"", raw[-_SUFFIX : -len(_MARKER)]
    return bytes([TYPE_FEE_PAYER_HANDOFF]) + rlp.encode(items)
