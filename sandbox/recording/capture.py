"""What a capture file holds, and how it is written and read: JSON lines, the first one the heading.

    {"format": "mpp-sandbox-capture", "version": 2, "settings": {…}, "snapshot": {…}, …}
    {"do": "begin", "step": 1, "wall_us": …, "port": "paid-api", "method": "GET", …}
    {"do": "tick", "wall_us": …}
    {"do": "end", "step": 1, "answer": {"status": 402, "headers": […], "body": …}}

A WebSocket is a step as well, whose `begin` is marked: `"socket": true`. Its frames are lines, said
by its client and heard from the application, in the order of all that happened:

    {"do": "say", "step": 2, "wall_us": …, "frame": "{\"mpp\":\"authorization\",…}"}
    {"do": "hear", "step": 2, "wall_us": …, "frame": "{\"mpp\":\"payment-receipt\",…}"}
    {"do": "hear", "step": 2, "wall_us": …, "close": {"code": 1000, "reason": "…"}}
    {"do": "leave", "step": 2, "wall_us": …, "code": 1000}

Version 1 had no sockets; a later version's file than this one is refused. What is in a file opens
nothing but a devnet: see `secrecy`.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mock_rails import __version__
from mock_rails.core.errors import BadInput
from mock_rails.core.snapshot import modest_recursion
from sandbox.settings import DevnetSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FORMAT: Final = "mpp-sandbox-capture"
VERSION: Final = 2
_READABLE: Final = (1, VERSION)

KEPT_SETTINGS: Final = (
    "seed",
    "chain_id",
    "block_time_ms",
    "history",
    "fee_payer",
    "lnd_profile",
    "btc_usd",
    "btc_usd_later",
    "settle_every",
    "settle_at_amount",
    "settle_at_units",
    "at_shutdown",
)
"""The settings that decide how a devnet answers; ports and files do not."""

_VERBS: Final = frozenset({"begin", "tick", "say", "hear", "leave", "end"})
_OF_SOCKETS: Final = frozenset({"say", "hear", "leave"})


class CaptureError(BadInput):
    """A file is no capture that this version can read."""

    code = "bad-capture"
    title = "Not a capture"


@dataclass(slots=True)
class Capture:
    """A recorded run."""

    settings: Mapping[str, Any]
    wall_us: int
    """What the wall showed when the run began."""
    snapshot: Mapping[str, Any]
    """The devnet before the first step."""
    ports: Mapping[str, str]
    """Where each port was, as `127.0.0.1:8402`, by its name."""
    command: Sequence[str] = ()
    """What was run."""
    faults: Sequence[Mapping[str, Any]] = ()
    """What was armed before it ran."""
    lines: list[dict[str, Any]] = field(default_factory=list)
    exit_code: int = 0
    notes: list[str] = field(default_factory=list)
    """What the file could not keep."""
    sockets: list[str] = field(default_factory=list)
    """The ports on which WebSockets were opened whose frames are not in the file: of version 1."""
    version: str = __version__

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The requests, in the order in which they came."""
        return [one for one in self.lines if one["do"] == "begin"]

    def answers(self) -> dict[int, dict[str, Any]]:
        """What each step was answered."""
        return {one["step"]: one["answer"] for one in self.lines if one["do"] == "end"}

    def check_playable(self) -> None:
        """Refuse to play what is not all there: money moves over WebSockets, too."""
        if self.sockets:
            raise CaptureError(
                f"A WebSocket was opened on {', '.join(self.sockets)}, and version 1 of captures "
                "holds none: its requests alone would go another way.",
                hint="Record it again. `replay --pytest` writes a test that runs the recorded "
                "command again.",
            )

    def devnet_settings(self) -> DevnetSettings:
        """The settings of a devnet that is to be the same, on free ports."""
        unknown = set(self.settings) - set(KEPT_SETTINGS)
        if unknown:
            raise CaptureError(f"The capture has settings that are unknown: {sorted(unknown)}.")
        return DevnetSettings(**self.settings).with_free_ports()

    # -- files ------------------------------------------------------------------------------------

    def text(self) -> str:
        """The file's text."""
        heading = {
            "format": FORMAT,
            "version": VERSION,
            **{
                one.name if one.name != "version" else "mpp_sandbox": getattr(self, one.name)
                for one in fields(self)
                if one.name != "lines"
            },
        }
        return "".join(f"{_line(one)}\n" for one in (heading, *self.lines))

    def save(self, path: Path | str) -> None:
        """Write the file."""
        try:
            Path(path).write_text(self.text())
        except OSError as error:
            raise BadInput(f"{path} cannot be written: {error.strerror}.") from None

    @classmethod
    def load(cls, path: Path | str) -> Capture:
        """Read a file."""
        try:
            return cls.parse(Path(path).read_text(), str(path))
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise CaptureError(f"{path} is no text.") from None

    @classmethod
    def parse(cls, text: str, name: str = "The capture") -> Capture:
        """Read a file's text."""
        try:
            with modest_recursion():
                heading, *lines = [json.loads(one) for one in text.splitlines() if one.strip()]
        except (ValueError, RecursionError):
            raise CaptureError(f"{name} is not a capture: its lines are no JSON.") from None
        if not isinstance(heading, dict) or heading.get("format") != FORMAT:
            raise CaptureError(f"{name} is not a capture.", hint="`mpp-sandbox record` writes one.")
        if heading.get("version") not in _READABLE:
            raise CaptureError(
                f"{name} has version {heading.get('version')!r}, this sandbox reads {VERSION}.",
                hint="Record it again, or use the version of mpp-sandbox that wrote it.",
            )
        heading = {"sockets": [], **heading}  # the first captures do not say it
        try:
            capture = cls(
                lines=lines,
                version=str(heading["mpp_sandbox"]),
                **{
                    one.name: heading[one.name]
                    for one in fields(cls)
                    if one.name not in ("lines", "version")
                },
            )
            _check(capture)
        except (KeyError, TypeError, AttributeError):
            raise CaptureError(f"{name} lacks something that a capture has.") from None
        return capture


def to_body(data: bytes) -> str | dict[str, str]:
    """Bytes as JSON holds them: text if they are text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def from_body(body: object) -> bytes:
    """The bytes again."""
    if isinstance(body, str):
        return body.encode()
    try:
        return base64.b64decode(body["base64"], validate=True)  # type: ignore[index]
    except (KeyError, TypeError, binascii.Error):
        raise CaptureError("A body is a text, or an object with `base64`.") from None


def described(step: Mapping[str, Any]) -> str:
    """A step as people call it: `GET /quote`, or `WebSocket /complete/ws`."""
    return f"{'WebSocket' if step.get('socket') else step['method']} {step['target']}"


def _line(document: object) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _check(capture: Capture) -> None:
    """The lines belong together: an end for no beginning would be a request that never was."""
    begun: dict[int, bool] = {}
    for line in capture.lines:
        verb = line["do"]
        if verb not in _VERBS:
            raise CaptureError(f"A capture does not know {str(verb)[:40]!r}.")
        if verb == "begin":
            begun[line["step"]] = line.get("socket", False)
            _ = (line["wall_us"], line["port"], line["method"], line["target"], line["headers"])
        elif verb == "end" and line["step"] not in begun:
            raise CaptureError(f"Step {line['step']} ends before it begins.")
        elif verb in _OF_SOCKETS:
            if not begun.get(line["step"]):
                raise CaptureError(f"Step {line['step']} has frames and is no open WebSocket.")
            _check_frame(line)


def _check_frame(line: Mapping[str, Any]) -> None:
    if line["do"] == "leave":
        _ = (line["wall_us"], line["code"])
    elif line["do"] == "say" or "close" not in line:
        _ = (line["wall_us"], from_body(line["frame"]))


def pairs(headers: Sequence[Sequence[str]]) -> Iterator[tuple[bytes, bytes]]:
    """Headers as ASGI has them."""
    for name, value in headers:
        yield name.encode("latin-1"), value.encode("latin-1")
