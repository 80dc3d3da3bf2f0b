"""The payer of the conformance cases: it says what it is told to say, right or wrong.

Not the sandbox's own client, which would refuse to. It makes credentials by hand from the
protocol's pure parts, and can then spoil any member of them.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from mpp import Challenge

from mock_rails.core.clock import Clock
from mock_rails.core.seeds import Seeds
from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.crypto import secp256k1
from sandbox.chain import Sender, fund
from sandbox.client.wallet import Wallet
from sandbox.methods.tempo_session import (
    Channel,
    Descriptor,
    SessionProtocol,
    channel_id,
    parse_request,
    sign_voucher,
)
from sandbox.methods.tempo_session.calls import (
    OpenTerms,
    open_calls,
    request_close_call,
    top_up_calls,
)
from sandbox.methods.tempo_session.descriptor import descriptor_to_json
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from sandbox.chain.rpc import TempoRpc
    from sandbox.methods.tempo_session import SessionRequest

_STRANGER = Wallet.from_seed("conformance", "stranger")


class Payer:
    """One wallet, one channel at most, against one URL."""

    def __init__(self, url: str, http: httpx.AsyncClient, rpc: TempoRpc, name: str) -> None:
        self.url = url
        self.http = http
        self.rpc = rpc
        self.clock = Clock()
        self.wallet = Wallet.from_seed("conformance", name)
        self.sender = Sender(rpc, self.wallet, clock=self.clock, seeds=Seeds(name))
        self.channel: Channel | None = None
        self.sent: str | None = None
        """The last credential, to be sent again."""
        self.top_up: bytes | None = None
        """A transaction that was signed while the channel lived."""

    async def start(self) -> None:
        """Money from the faucet."""
        await fund(self.rpc, self.wallet.address)

    async def step(self, step: Mapping[str, Any]) -> httpx.Response | None:
        """Do one step; None where it concerns the chain alone."""
        match step["do"]:
            case "get":
                return await self.http.get(self.url, headers=step.get("headers"))
            case "head":
                return await self.http.head(self.url)
            case "raw":
                return await self._send(step["authorization"], step)
            case "again":
                assert self.sent is not None, "nothing was sent yet"
                return await self._send(self.sent, step)
            case "requestClose":
                await self.sender.send([request_close_call(self._channel())])
                return None
        if step["do"] in {"imagine", "sign topUp"}:
            request = parse_request((await self.challenge()).request)
            if step["do"] == "imagine":
                await self._open(step, request)
            else:
                self.top_up = await self._signed_top_up(step, request)
            return None
        return await self._send(encode(await self.members(step)), step)

    async def members(self, step: Mapping[str, Any]) -> dict[str, Any]:
        """The members of the step's credential, for a fresh challenge; nothing is sent."""
        challenge = await self.challenge()
        request = parse_request(challenge.request)
        echo = challenge.to_echo()
        members: dict[str, Any] = {
            "challenge": {name: value for name in _ECHOED if (value := getattr(echo, name))},
            "payload": await self._payload(step, request),
            "source": f"did:pkh:eip155:{request.chain_id}:{to_hex(self.wallet.address)}",
        }
        for path, value in step.get("set", {}).items():
            *parents, last = path.split(".")
            inner: Any = members
            for name in parents:
                inner = inner[name]
            if value is None:
                inner.pop(last, None)
            else:
                inner[last] = self._named(value)
        return members

    async def challenge(self) -> Challenge:
        """A fresh challenge of the offer under test."""
        response = await self.http.get(self.url)
        assert response.status_code == 402, f"{self.url} answers {response.status_code}, not 402"
        for value in response.headers.get_list("www-authenticate"):
            challenge = Challenge.from_www_authenticate(value)
            if (challenge.method, challenge.intent) == ("tempo", "session"):
                return challenge
        raise AssertionError(f"{self.url} offers no tempo/session")

    # -- payloads ---------------------------------------------------------------------------------

    async def _payload(self, step: Mapping[str, Any], request: SessionRequest) -> dict[str, Any]:
        action = step["do"]
        if action == "open":
            return await self._open(step, request)
        channel = self._channel()
        payload: dict[str, Any] = {"action": action, "channelId": to_hex(channel.id)}
        if request.protocol is SessionProtocol.V2:
            payload["descriptor"] = descriptor_to_json(channel.descriptor)
        if action == "topUp":
            raw = self.top_up or await self._signed_top_up(step, request)
            payload |= {"type": "transaction", "transaction": to_hex(raw)}
            return payload | {"additionalDeposit": str(step["deposit"] * request.amount)}
        cumulative = step["cumulative"] * request.amount
        signature = self._sign(step, request, channel.id, cumulative)
        return payload | {"cumulativeAmount": str(cumulative), "signature": to_hex(signature)}

    async def _signed_top_up(self, step: Mapping[str, Any], request: SessionRequest) -> bytes:
        calls = top_up_calls(self._channel(), step["deposit"] * request.amount)
        return (await self.sender.sign(calls)).raw

    async def _open(self, step: Mapping[str, Any], request: SessionRequest) -> dict[str, Any]:
        deposit, cumulative = step["deposit"] * request.amount, step["cumulative"] * request.amount
        salt = Seeds(self.wallet.address.hex()).stream("conformance.salt").bytes(32)
        payee = _STRANGER.address if step.get("payee") == "stranger" else request.recipient
        operator = request.operator or ZERO_ADDRESS
        terms = OpenTerms(payee, request.currency, deposit, salt, ZERO_ADDRESS, operator)
        submission = await self.sender.sign(open_calls(request.book, terms))
        is_v2 = request.protocol is SessionProtocol.V2
        descriptor = Descriptor(
            self.wallet.address, payee, operator, request.currency, salt, ZERO_ADDRESS,
            submission.context_hash if is_v2 else bytes(32),
        )  # fmt: skip
        this_id = channel_id(request.protocol, descriptor, request.chain_id, request.escrow)
        signature = self._sign(step, request, this_id, cumulative)
        self.channel = Channel(
            id=this_id, protocol=request.protocol, descriptor=descriptor,
            chain_id=request.chain_id, escrow=request.escrow, deposit=deposit,
            accepted=cumulative, signature=signature,
        )  # fmt: skip
        payload: dict[str, Any] = {
            "action": "open",
            "type": "transaction",
            "channelId": to_hex(this_id),
            "transaction": to_hex(submission.raw),
            "cumulativeAmount": str(cumulative),
            "signature": to_hex(signature),
        }
        return payload | ({"descriptor": descriptor_to_json(descriptor)} if is_v2 else {})

    def _sign(
        self, step: Mapping[str, Any], request: SessionRequest, this_id: bytes, cumulative: int
    ) -> bytes:
        signer = _STRANGER if step.get("signer") == "stranger" else self.wallet
        signature = sign_voucher(request.book, this_id, cumulative, signer)
        match step.get("signature"):
            case "malleable":
                s = secp256k1.N - int.from_bytes(signature[32:64])
                return signature[:32] + s.to_bytes(32) + bytes([55 - signature[64]])
            case "bad v":
                return signature[:64] + b"\x05"
            case "flipped v":
                return signature[:64] + bytes([55 - signature[64]])
            case "short":
                return signature[:64]
        return signature

    def _channel(self) -> Channel:
        assert self.channel is not None, "the case has opened no channel"
        return self.channel

    # -- credentials ------------------------------------------------------------------------------

    def _named(self, value: Any) -> Any:
        """`$stranger` is somebody else's address, `$channel` a channel that nobody has."""
        if value == "$channel":
            return to_hex(bytes(31) + b"\x01")
        if isinstance(value, str) and "$stranger" in value:
            return value.replace("$stranger", to_hex(_STRANGER.address))
        return value

    async def _send(self, authorization: str, step: Mapping[str, Any]) -> httpx.Response:
        self.sent = authorization
        headers = {"authorization": authorization}
        for _ in range(step.get("copies", 1) - 1):
            headers["authorization"] += ", " + authorization
        is_management = step.get("as", _USUAL.get(step["do"], "content")) == "management"
        method = step.get("method", "POST" if is_management else "GET")
        return await self.http.request(method, self.url, headers=headers)


_ECHOED = ("id", "realm", "method", "intent", "request", "expires", "digest", "opaque")
_USUAL = {"topUp": "management", "close": "management"}


def encode(members: object) -> str:
    """Any JSON as a credential."""
    text = base64.urlsafe_b64encode(json.dumps(members, separators=(",", ":")).encode())
    return "Payment " + text.decode().rstrip("=")
