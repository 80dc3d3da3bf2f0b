"""Opens a capture's paid WebSockets at another server: what a client relies on before it pays.

The other server would take no credential of the recorded run, so its client says only what it said
before the first one (facts: protocol 2.9), and each answer must be of the recorded one's kind.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import BadInput
from sandbox.recording.capture import from_body
from sandbox.streaming.frames import FrameError, Kind, read_client_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from websockets.asyncio.client import ClientConnection

    from sandbox.recording.capture import Capture

_TIMEOUT_S: Final = 30
_SWITCHING: Final = 101


@dataclass(slots=True)
class Question:
    """What was said on a socket before anything was paid, and what came back."""

    said: list[str | bytes] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    is_over: bool = False
    """A credential came."""


def questions(capture: Capture) -> dict[int, Question]:
    """Of each socket, by its step."""
    found = {one["step"]: Question() for one in capture.steps if one.get("socket")}
    for line in capture.lines:
        question = found.get(line.get("step", 0))
        if question is None or question.is_over:
            continue
        if line["do"] == "say":
            frame = line["frame"]
            question.is_over = _pays(frame)
            if not question.is_over:
                question.said.append(frame if isinstance(frame, str) else from_body(frame))
        elif line["do"] == "hear":
            close = line.get("close")
            question.heard.append(
                _ended(close["code"]) if close else _kind(from_body(line["frame"]))
            )
    return found


async def socket_differences(
    url: str, step: Mapping[str, Any], recorded: Mapping[str, Any], question: Question
) -> list[str]:
    """What is different on the server at `url`, in words."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

    there = "ws" + url.rstrip("/").removeprefix("http") + step["target"]
    status = _SWITCHING
    answers: list[str] = []
    try:
        async with connect(there, open_timeout=_TIMEOUT_S, proxy=None) as socket:
            answers = await _answers(socket, question)
    except InvalidStatus as refused:
        status = refused.response.status_code
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
        raise BadInput(f"{there} does not answer: {type(error).__name__}.") from None
    if status != recorded["status"]:
        return [f"status: recorded {recorded['status']}, there {status}"]
    return [
        f"frame {number}: recorded {before}, there {now}"
        for number, (before, now) in enumerate(zip(question.heard, answers, strict=False), start=1)
        if before != now
    ]


async def _answers(socket: ClientConnection, question: Question) -> list[str]:
    """As many as were recorded."""
    from websockets.exceptions import ConnectionClosed

    found: list[str] = []
    try:
        for said in question.said:
            await socket.send(said)
        async with asyncio.timeout(_TIMEOUT_S):
            while len(found) < len(question.heard):
                frame = await socket.recv()
                found.append(_kind(frame if isinstance(frame, bytes) else frame.encode()))
    except ConnectionClosed as end:
        found.append(_ended(end.rcvd.code if end.rcvd is not None else None))
    except TimeoutError:
        found.append("silence")
    return found


def _pays(frame: object) -> bool:
    try:
        return read_client_frame(from_body(frame).decode()).kind is Kind.AUTHORIZATION
    except (FrameError, UnicodeDecodeError):
        return False


def _kind(frame: bytes) -> str:
    """What a server's frame is for, without what is in it; of an error, also its status."""
    try:
        members = json.loads(frame)
        return f"{members['mpp']} {members.get('status', '')}".strip()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "a frame of another kind"


def _ended(code: int | None) -> str:
    return f"the end with {code}" if code else "a broken connection"
