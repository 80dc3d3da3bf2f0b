"""The node's own accounts: it holds the development keys, and sends for impersonated accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.errors import InvalidParams, InvalidTransaction
from mock_rails.tempo.execution.validation import validate_static
from mock_rails.tempo.rpc import requests
from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.rpc.formats import receipt_json
from mock_rails.tempo.tx.json_values import read_object, to_data
from mock_rails.tempo.tx.sign import sign_transaction, unsigned_submission
from mock_rails.tempo.tx.signatures import Secp256k1Signature
from mock_rails.tempo.tx.tx_json import submission_to_json

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params
    from mock_rails.tempo.tx.model import Submission


class Accounts:
    """Signing and sending with keys that the node has."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    @method("eth_accounts", "eth_requestAccounts")
    def accounts(self, params: Params) -> list[str]:
        """The funded development accounts."""
        return [to_data(account.address) for account in self.chain.accounts]

    @method("eth_sendTransaction")
    async def send(self, params: Params) -> str:
        """Fill, sign and send; for an impersonated account without a signature."""
        return to_data((await self._send(params)).hash)

    @method("eth_sendTransactionSync")
    async def send_sync(self, params: Params) -> dict[str, Any]:
        """`eth_sendTransaction`, answering the receipt."""
        submission = await self._send(params)
        receipt = self.chain.receipt(submission.hash)
        if receipt is None:
            raise InvalidTransaction(f"transaction {to_data(submission.hash)} waits for a block")
        return receipt_json(receipt)

    @method("eth_signTransaction")
    def sign(self, params: Params) -> dict[str, Any]:
        """Fill and sign, but do not send."""
        submission = self._signed(params.object(0, "transaction"))
        return {"raw": to_data(submission.raw), "tx": submission_to_json(submission)}

    @method("eth_sign")
    def sign_message(self, params: Params) -> str:
        """Sign a message after Ethereum's prefix (EIP-191); the address comes first."""
        return self._sign_text(params.address(0), params.data(1, "message"))

    @method("personal_sign")
    def personal_sign(self, params: Params) -> str:
        """The same with the message first."""
        return self._sign_text(params.address(1), params.data(0, "message"))

    @method("eth_signTypedData_v4", "eth_signTypedData")
    def sign_typed_data(self, params: Params) -> str:
        """Sign EIP-712 data, given as an object or as its JSON text."""
        import orjson
        from eth_account.messages import encode_typed_data

        key = self._need_key(params.address(0))
        value = params.required(1, "typed data")
        try:
            data = read_object(
                orjson.loads(value) if isinstance(value, str) else value, "typed data"
            )
            message = encode_typed_data(full_message=data)
        except InvalidParams:
            raise
        except Exception as error:  # its validators raise a dozen kinds
            raise InvalidParams(f"invalid params: typed data: {error}") from error
        return _sign(keccak256(b"\x19" + message.version + message.header + message.body), key)

    # -- inside -----------------------------------------------------------------------------------

    async def _send(self, params: Params) -> Submission:
        value = params.object(0, "transaction")
        request = requests.parse(self.chain, value)
        sender = request.sender or self.chain.accounts[0].address
        if self._key(sender) is not None or not self._impersonates(sender):
            return await self.chain.submit(self._signed(value).raw)
        submission = unsigned_submission(
            requests.to_transaction(self.chain, request, sender), sender
        )
        validate_static(submission, self.chain.chain_id)
        await self.chain.submit_submission(submission)
        return submission

    def _signed(self, value: dict[str, Any]) -> Submission:
        request = requests.parse(self.chain, value)
        sender = request.sender or self.chain.accounts[0].address
        key = self._need_key(sender)
        return sign_transaction(requests.to_transaction(self.chain, request, sender), key)

    def _sign_text(self, address: bytes, message: bytes) -> str:
        prefix = b"\x19Ethereum Signed Message:\n%d" % len(message)
        return _sign(keccak256(prefix + message), self._need_key(address))

    def _impersonates(self, address: bytes) -> bool:
        return self.chain.impersonate_all or address in self.chain.impersonated

    def _key(self, address: bytes) -> bytes | None:
        for account in self.chain.accounts:
            if account.address == address:
                return account.key
        return None

    def _need_key(self, address: bytes) -> bytes:
        key = self._key(address)
        if key is None:
            raise InvalidTransaction(
                f"unknown account {to_data(address)}: this node has the keys of eth_accounts only; "
                "to send for another account, anvil_impersonateAccount it first"
            )
        return key


def _sign(digest: bytes, key: bytes) -> str:
    return to_data(Secp256k1Signature(*secp256k1.sign(digest, key)).encode())
