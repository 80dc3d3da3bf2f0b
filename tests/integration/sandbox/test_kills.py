"""A whole devnet is killed under load, and the next one starts in its place.

Issue 3: after a kill nothing is left that runs or listens, and the next start works. The chain was
in the process and has gone back to its last state file; the store of channels has not. So the next
devnet says what it found, and customers are served on channels of the new chain.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import httpx

from mock_rails.core.clock import Clock
from sandbox.chain import TempoRpc
from tests.conformance.session.payer import Payer
from tests.integration.sandbox.test_crashes import Customer, somebody_served
from tests.integration.sandbox.test_up import up

CLOCK = Clock()
FOUND = re.compile(r"Found in (\S+): (\d+) channels open with \$([0-9.]+) to capture")
UNKNOWN = re.compile(r"This chain does not know (\d+) of them: \$([0-9.]+) cannot be captured")


class Ports(NamedTuple):
    """Where a devnet listens, start after start."""

    control: int
    api: int
    tempo: int

    @classmethod
    def free(cls) -> Ports:
        """Three that nobody listens on at this moment."""
        taken = [socket.socket() for _ in cls._fields]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        found = cls(*(one.getsockname()[1] for one in taken))
        for one in taken:
            one.close()
        return found

    def options(self) -> list[str]:
        """As the command line takes them."""
        names = ("--control-port", "--api-port", "--tempo-port")
        return [word for name, port in zip(names, self, strict=True) for word in (name, str(port))]


async def test_after_a_kill_under_load_nothing_is_left_and_the_next_start_works(
    tmp_path: Path,
) -> None:
    ports, state = Ports.free(), tmp_path / "state.json"
    store = f"sqlite:{tmp_path / 'channels.db'}"
    kept = [*ports.options(), "--store", store, "--state", str(state), "--workers", "2"]
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=20))
        with up(*kept) as devnet:
            rpc = await stack.enter_async_context(TempoRpc(devnet.rpc))
            url = f"{devnet.api}/search"
            customers = [
                Customer(Payer(url, http, rpc, f"k{n}"), chain_dies=True) for n in range(3)
            ]
            for customer in customers:
                await customer.payer.start()
                customer.price = int((await customer.payer.challenge()).request["amount"])
                assert await customer.ask()
            visits = [asyncio.create_task(one.ask_until_gone()) for one in customers]
            await somebody_served(customers)
            family = family_of(devnet.process.pid)
            assert len(family) == 3
            devnet.process.kill()
            devnet.process.wait()
            await asyncio.gather(*visits)
            await everyone_gone(family)
        assert not state.exists(), "it is written at a clean end"

        # The same ports and the same files.
        with up(*kept) as devnet:
            rpc = await stack.enter_async_context(TempoRpc(devnet.rpc))
            newcomer = Customer(Payer(url, http, rpc, "newcomer"))
            await newcomer.payer.start()
            newcomer.price = customers[0].price
            assert await newcomer.ask()
            answer = await customers[0].payer.step({"do": "voucher", "cumulative": 100})
            assert answer is not None
            assert answer.status_code == 410, "the new chain does not know this channel"
            assert "www-authenticate" in answer.headers
            listed = devnet.ask("/channels")
            code, words = devnet.stop()
    assert code == 0
    lines = words.splitlines()
    said = FOUND.search(words)
    assert said is not None
    assert (said[1], said[2]) == (store, "3")
    spent = {one["id"]: int(one["spent"]) for one in listed["channels"]}
    mine = newcomer.payer.channel
    assert mine is not None
    lost = sum(spent.values()) - spent[f"0x{mine.id.hex()}"]
    assert lost >= sum(one.delivered * one.price for one in customers)
    assert round(float(said[3]) * 1_000_000) == lost
    unknown = UNKNOWN.search(words)
    assert unknown is not None
    assert (unknown[1], unknown[2]) == ("3", said[3])
    assert f"Closed channel 0x{mine.id.hex()}: captured $0.001" in lines
    assert lines[-1] == f"${said[3]} on 3 channels was not captured and stays in {store}"
    assert "Traceback" not in words
    assert state.exists()


def family_of(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


async def everyone_gone(family: list[int]) -> None:
    """Until none of these processes runs: workers end with the devnet, whatever they were at."""
    async with asyncio.timeout(30):
        while any(is_running(pid) for pid in family):
            await CLOCK.wall_sleep(timedelta(milliseconds=20))


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not ended yet."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


async def test_what_a_clean_stop_kept_goes_on_after_a_kill(tmp_path: Path) -> None:
    """The state file is the old one, whole; channels of its time go on, and are paid at the end."""
    ports, state = Ports.free(), tmp_path / "state.json"
    store = f"sqlite:{tmp_path / 'channels.db'}"
    kept = [*ports.options(), "--store", store, "--state", str(state), "--at-shutdown", "keep"]
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=20))
        with up(*kept) as devnet:
            rpc = await stack.enter_async_context(TempoRpc(devnet.rpc))
            customer = Customer(Payer(f"{devnet.api}/search", http, rpc, "regular"))
            await customer.payer.start()
            customer.price = int((await customer.payer.challenge()).request["amount"])
            assert await customer.ask()
            code, words = devnet.stop()
            assert code == 0
            assert words == f"$0.001 on 1 channel was not captured and stays in {store}\n"
        before = state.read_bytes()
        with up(*kept) as devnet:
            assert await customer.ask()
            devnet.process.kill()
            _, words = devnet.process.communicate()
            assert words == f"Found in {store}: 1 channel open with $0.001 to capture\n"
        assert state.read_bytes() == before
        with up(*kept, "--at-shutdown", "close") as devnet:
            assert await customer.ask()
            code, words = devnet.stop()
    assert code == 0
    channel = customer.payer.channel
    assert channel is not None
    assert words == (
        f"Found in {store}: 1 channel open with $0.002 to capture\n"
        f"Closed channel 0x{channel.id.hex()}: captured $0.003\n"
    )


async def test_merchants_that_lose_a_process_serve_on_and_close_with_the_last() -> None:
    async with AsyncExitStack() as stack:
        devnet = stack.enter_context(up("--workers", "2"))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=20))
        rpc = await stack.enter_async_context(TempoRpc(devnet.rpc))
        customer = Customer(Payer(f"{devnet.api}/search", http, rpc, "loyal"))
        await customer.payer.start()
        customer.price = int((await customer.payer.challenge()).request["amount"])
        assert await customer.ask()
        _, *workers = family_of(devnet.process.pid)
        os.kill(workers[0], signal.SIGKILL)
        answers = [await customer.ask() for _ in range(20)]
        assert answers.count(False) <= 1, "more than the one connection to it was lost"
        os.kill(workers[1], signal.SIGKILL)
        async with asyncio.timeout(30):
            while await is_listening(http, devnet.api):
                await CLOCK.wall_sleep(timedelta(milliseconds=20))
        health = await http.get(f"{devnet.control}/_sandbox/health")
        assert (health.status_code, health.json()["status"]) == (503, "not ready")
        (channel,) = devnet.ask("/channels")["channels"]
        code, words = devnet.stop()
    assert code == 0
    first, last, captured = words.splitlines()
    assert re.fullmatch(r"Merchant process [12] ended; 1 serve on\.", first)
    assert re.fullmatch(r"Merchant process [12] ended, the last one: .+ closed\.", last)
    assert captured.startswith(f"Closed channel {channel['id']}: captured $0.")
    delivered = customer.delivered * customer.price
    assert delivered <= int(channel["spent"]) <= delivered + customer.lost * customer.price


async def is_listening(http: httpx.AsyncClient, url: str) -> bool:
    """Whether connections are still taken there, be it that nobody answers."""
    try:
        await http.get(url)
    except httpx.ConnectError:
        return False
    except httpx.TransportError:
        pass
    return True
