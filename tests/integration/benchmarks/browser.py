"""A headless Chromium for tests: opens one page and tells what it asked for and what it said.

By the DevTools protocol, because a page that needs a network may well look complete without it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import connect

if TYPE_CHECKING:
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Seen:
    """What a browser saw of a page."""

    requests: list[str] = field(default_factory=list)
    """Every address that it asked for."""
    said: list[str] = field(default_factory=list)
    """What it wrote to its console, errors included."""
    found: Any = None
    """What the script gave that was run on the page."""


async def read(page: Path, script: str, profile: Path) -> Seen:
    """Open a file, wait until it is loaded, run a script on it, and close the browser."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--disable-background-networking", "--remote-debugging-port=0",
        f"--user-data-dir={profile}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60), connect(await _address(process), max_size=None) as socket:
            return await _look(_Tools(socket), page.as_uri(), script)
    finally:
        process.kill()
        await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    """Where it listens, by what it writes when it starts."""
    assert process.stderr is not None
    async for line in process.stderr:
        _, found, address = line.decode().partition("DevTools listening on ")
        if found:
            return address.strip()
    raise AssertionError("Chromium did not start.")


class _Tools:
    """The DevTools protocol: calls with answers, and events in between."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._calls = 0
        self.events: list[dict[str, Any]] = []

    async def call(self, method: str, session: str | None = None, **given: Any) -> Any:
        """Call, and return the answer; events that come before it are kept."""
        self._calls += 1
        told = {"id": self._calls, "method": method, "params": given}
        await self._socket.send(json.dumps(told | ({"sessionId": session} if session else {})))
        while True:
            heard = json.loads(await self._socket.recv())
            if heard.get("id") == self._calls:
                return heard["result"]
            self.events.append(heard)

    async def wait(self, method: str) -> None:
        """Wait for an event."""
        while not any(one["method"] == method for one in self.events):
            self.events.append(json.loads(await self._socket.recv()))


async def _look(tools: _Tools, url: str, script: str) -> Seen:
    target = (await tools.call("Target.createTarget", url="about:blank"))["targetId"]
    session = (await tools.call("Target.attachToTarget", targetId=target, flatten=True))[
        "sessionId"
    ]
    for domain in ("Page", "Network", "Runtime", "Log"):
        await tools.call(f"{domain}.enable", session)
    tools.events.clear()
    await tools.call("Page.navigate", session, url=url)
    await tools.wait("Page.loadEventFired")
    given = await tools.call("Runtime.evaluate", session, expression=script, returnByValue=True)
    seen = Seen(found=given["result"].get("value"))
    for one in tools.events:
        match one["method"]:
            case "Network.requestWillBeSent":
                seen.requests.append(one["params"]["request"]["url"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                seen.said.append(json.dumps(one["params"]))
    return seen
