"""`watch` as a person sees it: on a terminal until Ctrl-C, and in a pipe until the devnet ends."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import click
import httpx

from mock_rails.core.clock import Clock
from mock_rails.core.seeds import Seeds
from sandbox.client.client import PaidClient
from sandbox.client.wallet import Wallet
from tests.integration.sandbox.test_up import CLI, ROOT, Process, up

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S = 30
TOLD = (
    r"GET /quote +asked to pay +402 +\$0\.01 tempo/charge",
    r"GET /quote +paid +200 +\$0\.01 tempo/charge",
    r"GET /search\?q=voucher +asked to pay +402 +\$0\.001 tempo/session",
    r"channel opened 0x[0-9a-f]{6}…[0-9a-f]{4} +deposit \$\d",
    r"GET /search\?q=voucher +opened, paid +200 +\$0\.001 tempo/session",
    r"GET /search\?q=voucher +paid +200 +\$0\.001 tempo/session",
    r"GET /complete\?prompt=he… +paid +200 +\$0\.0012 tempo/session",
)
"""What happened, in its order."""


def lines_of(terminal: int) -> Iterator[str]:
    """What a program writes on a terminal, line by line, until it ends."""
    rest = b""
    while True:
        try:
            found = os.read(terminal, 4_096)
        except OSError:  # Linux's word for the end of it
            return
        *lines, rest = (rest + found).split(b"\r\n")
        yield from (line.decode() for line in lines)


def check(lines: list[str], keys: list[str]) -> None:
    """They tell the story, fit a terminal, and hold nothing that could be used again."""
    text = "\n".join(lines)
    at = 0
    for pattern in TOLD:
        found = re.compile(rf"^\d\d:\d\d:\d\d {pattern}.*$", re.MULTILINE).search(text, at)
        assert found is not None, f"{pattern} is not in:\n{text}"
        at = found.end()
    assert max(map(len, lines)) <= 80
    assert not any(key in text for key in keys)
    assert not re.search(r"[0-9A-Fa-f]{20}|eyJ|[Ss]ignature|Authorization|Traceback", text)


def watch(devnet: Process, out: int, errors: int) -> subprocess.Popen[str]:
    """`watch`, from the devnet's beginning on."""
    command = [*CLI, "watch", "--after", "0", "--control-url", devnet.control]
    return subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=errors, text=True)


async def test_it_tells_what_happens_until_ctrl_c_or_the_devnets_end() -> None:
    terminal, inside = pty.openpty()
    with up() as devnet:
        keys = [one["private_key"] for one in devnet.info["tempo"]["accounts"]]
        assert (await devnet.pay("/quote")).status_code == 200
        watching = watch(devnet, inside, inside)
        piped = watch(devnet, subprocess.PIPE, subprocess.PIPE)
        os.close(inside)
        payer = PaidClient(Wallet.dev(1), rpc_url=devnet.rpc, clock=Clock(), seeds=Seeds("watch"))
        async with payer as client:
            for _ in range(2):
                answer = await client.get(f"{devnet.api}/search?q=voucher")
                assert answer.status_code == 200
            async with client.stream(f"{devnet.api}/complete?prompt=hello&tokens=12") as words:
                assert [word async for word in words]

        seen = []
        for line in lines_of(terminal):
            seen.append(click.unstyle(line))
            if re.search(TOLD[-1], seen[-1]):
                watching.send_signal(signal.SIGINT)
        assert watching.wait(TIMEOUT_S) == 0
        assert seen[0] == f"Watching {devnet.control}. Ctrl-C ends it."
        check(seen, keys)

        assert devnet.stop(signal.SIGTERM)[0] == 0
        shown, errors = piped.communicate(timeout=TIMEOUT_S)
        assert (piped.returncode, errors) == (0, "")
        check(shown.splitlines(), keys)
        assert "\x1b" not in shown, "colours are for terminals"
    os.close(terminal)


def test_on_a_terminal_it_says_that_the_devnet_has_ended() -> None:
    terminal, inside = pty.openpty()
    with up() as devnet:
        assert httpx.get(f"{devnet.api}/quote").status_code == 402
        watching = watch(devnet, inside, inside)
        os.close(inside)
        lines = map(click.unstyle, lines_of(terminal))
        assert next(lines).startswith("Watching")
        assert re.search(TOLD[0], next(lines))
        devnet.process.kill()
        assert list(lines) == ["The devnet has ended."]
        assert watching.wait(TIMEOUT_S) == 0
    os.close(terminal)
