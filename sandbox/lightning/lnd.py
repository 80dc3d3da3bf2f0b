"""LND over REST, from 0.20 on: the calls that 0.21 still has, with a fee limit always (facts 4.3).

    async with LndNode("https://localhost:8080", macaroon="0201036c6e64…") as node:
        invoice = await node.create_invoice(amount_sat=100, memo="coffee", expiry_s=3_600)

LND reads a fee limit that is not given as "free routes only", returns a payment's hash and preimage
in hex and everything else in base64, wants a hash in hex for an invoice and in URL-safe base64 for
a payment, and puts errors inside streams. All of it stays in here.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from mock_rails.lightning.bolt11 import Bolt11Error, decode
from sandbox.lightning.node import (
    NEVER_BEGUN,
    UNREACHABLE,
    LightningNode,
    MadeInvoice,
    NodeError,
    Paid,
    PaymentFailed,
    PaymentOutcomeUnknown,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

TIMEOUT_S: Final = 10
"""For all calls but payments."""
GRACE_S: Final = 2
"""How long after its own timeout a payment is waited for: what is in flight then may stay so."""

_MACAROON: Final = "Grpc-Metadata-macaroon"
_NOT_FOUND: Final = 5
_ALREADY: Final = 6
_DECIDED: Final = frozenset({2, 3, 7, 9, 12, 16})
"""Codes of a request that LND did not begin."""
_REASON: Final = "FAILURE_REASON_"
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class _Refused(Exception):
    """LND answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _NoAnswer(NodeError):
    """LND could not be asked."""


class LndNode(LightningNode):
    """One LND, with what its macaroon allows."""

    def __init__(
        self,
        url: str,
        macaroon: str,
        *,
        http: httpx.AsyncClient | None = None,
        network: str = "regtest",
        grace_s: float = GRACE_S,
    ) -> None:
        """`macaroon` is its hex. `http` is a client of the caller's, who also closes it."""
        self._url = url.rstrip("/")
        self._network = network
        self._headers = {_MACAROON: macaroon}
        self._is_ours = http is None
        # Certificates take long to load, and a proxy is nothing for a node beside us.
        is_secure = url.startswith("https:")
        self._http = http or httpx.AsyncClient(verify=is_secure, trust_env=is_secure)
        self._grace_s = grace_s

    def __repr__(self) -> str:
        """Where it is, without the macaroon."""
        return f"<LndNode {self._url}>"

    @property
    def network(self) -> str:
        """The network that it was said to be on; LND refuses invoices of others."""
        return self._network

    async def create_invoice(
        self, *, amount_sat: int | None, memo: str, expiry_s: int
    ) -> MadeInvoice:
        """A new invoice. Its preimage stays with the node: nobody here asks for it. `private` has
        it name the private channels that lead to the node, if there are any: a payer finds no way
        over them otherwise (facts: lightning 3.2, 4.3)."""
        asked: dict[str, Any] = {
            "memo": memo,
            "value": str(amount_sat or 0),
            "expiry": str(expiry_s),
            "private": True,
        }
        answer = await self._call("POST", "/v1/invoices", asked)
        match answer:
            case {"payment_request": str(text), "r_hash": str(hashed)}:
                return MadeInvoice(text, _from_base64(hashed))
        raise NodeError("The Lightning node's answer is no invoice.")

    async def pay(
        self, bolt11: str, *, amount_sat: int | None = None, fee_limit_sat: int, timeout_s: int
    ) -> Paid:
        """Pay an invoice; see `LightningNode`."""
        try:
            payment_hash = decode(bolt11).payment_hash
        except Bolt11Error as error:
            raise PaymentFailed(error.detail.rstrip(".")) from None
        asked: dict[str, Any] = {
            "payment_request": bolt11,
            "fee_limit_sat": str(fee_limit_sat),
            "timeout_seconds": timeout_s,
            "no_inflight_updates": True,
        }
        if amount_sat is not None:
            asked["amt"] = str(amount_sat)
        try:
            async with asyncio.timeout(timeout_s + self._grace_s):
                payment = await self._last_line("POST", "/v2/router/send", asked)
        except _NEVER_SENT:
            raise PaymentFailed(UNREACHABLE) from None
        except (httpx.HTTPError, OSError, TimeoutError):
            raise PaymentOutcomeUnknown(payment_hash) from None
        except _Refused as refused:
            return await self._refused(refused, payment_hash)
        outcome = _outcome(payment, payment_hash)
        if outcome is None:
            raise PaymentOutcomeUnknown(payment_hash)
        if isinstance(outcome, PaymentFailed):
            raise outcome
        return outcome

    async def find_payment(self, payment_hash: bytes) -> Paid | PaymentFailed | None:
        """What came of a payment; see `LightningNode`."""
        key = base64.urlsafe_b64encode(payment_hash).decode()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                payment = await self._first_line("GET", f"/v2/router/track/{key}")
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise _unreachable(error) from None
        except _Refused as refused:
            if refused.code == _NOT_FOUND:
                return PaymentFailed(NEVER_BEGUN)
            raise NodeError(refused.message) from None
        return _outcome(payment, payment_hash)

    async def settled(self, payment_hash: bytes) -> bool:
        """Whether an invoice was paid. LND's answer holds the preimage too; it is not looked at."""
        answer = await self._call("GET", f"/v1/invoice/{payment_hash.hex()}")
        return answer.get("state") == "SETTLED"

    async def received_sat(self, payment_hash: bytes) -> int | None:
        """How much an invoice was paid; see `LightningNode`."""
        answer = await self._call("GET", f"/v1/invoice/{payment_hash.hex()}")
        if answer.get("state") != "SETTLED":
            return None
        paid = str(answer.get("amt_paid_sat", ""))
        if not (paid.isascii() and paid.isdigit()):
            raise NodeError("The Lightning node does not say how much was paid.")
        return int(paid)

    async def aclose(self) -> None:
        """Close the connections, if they are its own."""
        if self._is_ours:
            await self._http.aclose()

    async def __aenter__(self) -> LndNode:
        """Itself, to be closed at the end."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    # -- inside -----------------------------------------------------------------------------------

    async def _refused(self, refused: _Refused, payment_hash: bytes) -> Paid:
        """What a refusal comes to. The payment may have begun before, or before the error."""
        try:
            known = await self.find_payment(payment_hash)
        except _NoAnswer:
            raise PaymentOutcomeUnknown(payment_hash) from None
        except NodeError:  # it may not be asked, as it may not be told to pay
            known = PaymentFailed(NEVER_BEGUN)
        if isinstance(known, Paid):
            return known
        if known is not None and refused.code in _DECIDED:
            raise PaymentFailed(refused.message)
        raise PaymentOutcomeUnknown(payment_hash)

    async def _call(
        self, verb: str, path: str, document: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            async with asyncio.timeout(TIMEOUT_S), self._asked(verb, path, document) as answer:
                return _object(await answer.aread())
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise _unreachable(error) from None
        except _Refused as refused:
            raise NodeError(refused.message) from None

    async def _last_line(self, verb: str, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """The end of a stream."""
        last = b""
        async with self._asked(verb, path, document) as answer:
            async for line in answer.aiter_lines():
                last = line.encode() or last
        return _result(last)

    async def _first_line(self, verb: str, path: str) -> dict[str, Any]:
        """How a stream begins, which is how things are now; the rest is not waited for."""
        async with self._asked(verb, path) as answer:
            async for line in answer.aiter_lines():
                return _result(line.encode())
        raise httpx.ReadError("the stream was empty")

    @asynccontextmanager
    async def _asked(
        self, verb: str, path: str, document: dict[str, Any] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is no error; its body is still to be read."""
        async with self._http.stream(
            verb,
            self._url + path,
            headers=self._headers,
            content=None if document is None else orjson.dumps(document),
            timeout=httpx.Timeout(TIMEOUT_S, read=None),
        ) as answer:
            if not answer.is_success:
                raise _refusal(await answer.aread(), answer.status_code)
            yield answer


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise httpx.ReadError("the answer is no JSON object")
    return found


def _result(line: bytes) -> dict[str, Any]:
    """One line of a stream. An error after the stream has begun decides nothing."""
    match _object(line):
        case {"result": dict(result)}:
            return result
    raise httpx.ReadError("the stream ended with an error")


def _refusal(body: bytes, status: int) -> Exception:
    """What an answer with an error's status says; if it is not LND's, nothing is known."""
    document = _object(body)
    match document.get("error", document):
        case {"code": int(code), "message": str(message)}:
            return _Refused(code, message)
    return httpx.ReadError(f"the answer has status {status} and no error of LND's")


def _outcome(payment: dict[str, Any], payment_hash: bytes) -> Paid | PaymentFailed | None:
    """What a payment's state says. A preimage is believed only if it fits."""
    match payment.get("status"):
        case "SUCCEEDED":
            try:
                preimage = bytes.fromhex(str(payment.get("payment_preimage")))
                fee_msat = int(payment.get("fee_msat") or 0)
            except ValueError:
                return None
            fits = sha256(preimage).digest() == payment_hash
            return Paid(preimage, fee_msat) if fits else None
        case "FAILED":
            reason = str(payment.get("failure_reason", "")).removeprefix(_REASON)
            return PaymentFailed(reason or "ERROR")
    return None


def _unreachable(error: Exception) -> NodeError:
    return _NoAnswer(f"The Lightning node gave no answer ({type(error).__name__}).")


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NodeError("The Lightning node's answer is no invoice.") from None
