"""Plays cases against a server, and says what was expected and what came."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.methods.tempo_session import SessionReceipt
from tests.conformance.session.cases import fits
from tests.conformance.session.payer import Payer

if TYPE_CHECKING:
    import httpx

    from sandbox.chain.rpc import TempoRpc
    from tests.conformance.session.cases import Case

_PROBLEMS = "https://paymentauth.org/problems/"
_PATIENCE = timedelta(seconds=20)
_PAUSE = timedelta(milliseconds=250)


async def play(case: Case, url: str, http: httpx.AsyncClient, rpc: TempoRpc) -> list[str]:
    """The differences between what the case expects and what the server did; none is a pass."""
    payer = Payer(url, http, rpc, case.id)
    if not fits(case, (await payer.challenge()).request["methodDetails"]):
        return []
    await payer.start()
    for step in case.given:
        response = await payer.step(step)
        if response is not None and not response.is_success:
            return [f"given {step['do']}: answered {response.status_code} {response.text[:200]}"]
    then = dict(case.then)
    # What the chain knows, a server may learn a little later.
    patience = _PATIENCE if then.pop("eventually", False) else timedelta()
    while True:
        response = await payer.step(case.when)
        assert response is not None, "the step under test must be a request"
        found = await compare(then, response, payer)
        if not found or patience <= timedelta():
            return found
        patience -= _PAUSE
        await payer.clock.wall_sleep(_PAUSE)


async def compare(then: dict[str, Any], response: httpx.Response, payer: Payer) -> list[str]:
    """The differences of one answer."""
    found = []
    if response.status_code != then["status"]:
        found.append(f"status {response.status_code}, not {then['status']}: {response.text[:300]}")
    if "type" in then:
        came = _problem_type(response)
        accepted = then["type"] if isinstance(then["type"], list) else [then["type"]]
        if came not in accepted:
            found.append(f"problem {came!r}, not {' or '.join(accepted)!r}")
    challenges = response.headers.get_list("www-authenticate")
    if "challenge" in then and bool(challenges) is not then["challenge"]:
        found.append(f"{len(challenges)} challenges, expected: {then['challenge']}")
    for name, wanted in then.get("headers", {}).items():
        if wanted not in response.headers.get(name, ""):
            found.append(f"{name}: {response.headers.get(name)!r}, without {wanted!r}")
    found += _compare_receipt(then.get("receipt"), response, await _price(payer))
    return found


def _compare_receipt(wanted: Any, response: httpx.Response, price: int) -> list[str]:
    header = response.headers.get("payment-receipt")
    if wanted is None:
        return [] if header is None else [f"a receipt with status {response.status_code}"]
    if header is None:
        return ["no receipt"]
    receipt = SessionReceipt.from_header(header)
    found = [
        f"receipt: {name} {getattr(receipt, name)}, not {wanted[name] * price}"
        for name in ("accepted", "spent")
        if name in wanted and getattr(receipt, name) != wanted[name] * price
    ]
    if "tx" in wanted and (receipt.tx_hash is not None) is not wanted["tx"]:
        found.append(f"receipt: txHash {receipt.tx_hash!r}, expected: {wanted['tx']}")
    return found


async def _price(payer: Payer) -> int:
    challenge = await payer.challenge()
    return int(challenge.request["amount"])


def _problem_type(response: httpx.Response) -> str | None:
    if "json" not in response.headers.get("content-type", ""):
        return None
    problem = response.json()
    kind = problem.get("type") if isinstance(problem, dict) else None
    return kind.removeprefix(_PROBLEMS) if isinstance(kind, str) else None
