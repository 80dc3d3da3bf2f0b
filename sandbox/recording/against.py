"""Asks another server what a capture asked the paid API, and says where its answers differ.

Another server has other secrets and another clock: its challenges have other ids, and credentials
for the devnet's are nothing to it. So what is compared is what a client must rely on: the status,
the problem's type, and what each challenge asks for. A step that was paid is asked without its
credential, if the capture knows how that is answered: with a 402, which must ask for the same. A
WebSocket is opened there, too; its client says what it said before it paid, and must hear answers
of the same kinds (protocol 2.9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

from mock_rails.core.errors import BadInput
from sandbox.recording.against_sockets import questions, socket_differences
from sandbox.recording.capture import described, from_body
from sandbox.recording.comparing import Divergence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.recording.capture import Capture

_PAID: Final = "paid-api"
_OWN: Final = frozenset({"host", "content-length", "connection", "authorization"})
_TIMEOUT_S: Final = 30
_PERSONAL: Final = frozenset({"invoice", "paymentHash", "depositInvoice", "depositPaymentHash"})
"""Members of a request that are made for each challenge anew."""


async def compare_with(capture: Capture, url: str) -> list[Divergence]:
    """All steps of the paid API whose answers differ."""
    answers, sockets = capture.answers(), questions(capture)
    asked = {_key(one): answers.get(one["step"]) for one in capture.steps if _is_question(one)}
    found: list[Divergence] = []
    try:
        async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, trust_env=False) as http:
            for step in capture.steps:
                recorded = answers.get(step["step"])
                if step["port"] != _PAID or recorded is None:
                    continue
                if (question := sockets.get(step["step"])) is not None:
                    told = await socket_differences(url, step, recorded, question)
                elif (
                    expected := recorded if _is_question(step) else asked.get(_key(step))
                ) is None:
                    continue  # what it is answered without a credential, the capture does not know
                else:
                    told = list(_differences(expected, await _answer(http, step)))
                if told:
                    found.append(Divergence(step["step"], described(step), tuple(told)))
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise BadInput(f"{url} does not answer: {type(error).__name__}.") from None
    return found


def _is_question(step: Mapping[str, Any]) -> bool:
    """Whether it is a request that came without a credential."""
    return (
        step["port"] == _PAID
        and not step.get("socket")
        and not any(name.lower() == "authorization" for name, _ in step["headers"])
    )


def _key(step: Mapping[str, Any]) -> tuple[str, str, str]:
    return (step["method"], step["target"], str(step["body"]))


async def _answer(http: httpx.AsyncClient, step: Mapping[str, Any]) -> httpx.Response:
    headers = [(name, value) for name, value in step["headers"] if name.lower() not in _OWN]
    return await http.request(
        step["method"], step["target"], headers=headers, content=from_body(step["body"])
    )


def _differences(recorded: Mapping[str, Any], found: httpx.Response) -> Iterator[str]:
    if recorded["status"] != found.status_code:
        yield f"status: recorded {recorded['status']}, there {found.status_code}"
    before = _challenges([v for n, v in recorded["headers"] if n.lower() == "www-authenticate"])
    now = _challenges(found.headers.get_list("www-authenticate"))
    for name in sorted({*before, *now}):
        if name not in now:
            yield f"challenge {name}: it is not offered there"
        elif name not in before:
            yield f"challenge {name}: only offered there"
        else:
            yield from _members(name, before[name], now[name])


def _members(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for member in sorted({*before, *now} - _PERSONAL):
        if before.get(member) != now.get(member):
            yield (
                f"challenge {name}, {member}: recorded {before.get(member)!r}, "
                f"there {now.get(member)!r}"
            )


def _challenges(headers: list[str]) -> dict[str, dict[str, Any]]:
    """What is asked for, by method and intent."""
    from mpp import Challenge
    from mpp._parsing import ParseError

    found: dict[str, dict[str, Any]] = {}
    for header in headers:
        for part in _split(header):
            try:
                challenge = Challenge.from_www_authenticate(part)
            except ParseError:  # L402, or another scheme
                continue
            request = dict(challenge.request)
            details = request.pop("methodDetails", None)
            flat = {**request, **(details if isinstance(details, dict) else {})}
            found[f"{challenge.method}/{challenge.intent}"] = flat
    return found


def _split(header: str) -> list[str]:
    """Several challenges in one field."""
    parts = header.split(", Payment ")
    return [parts[0], *(f"Payment {one}" for one in parts[1:])]
