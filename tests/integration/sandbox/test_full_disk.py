"""The disk is full: the merchants' store, the chain's state file, the payer's book.

Issue 3, the stores: what cannot be written down is neither charged nor delivered, somebody is told
in one clear line, and with space again the same credentials are good. A limit on the size of files
stands for the full disk: it needs no root, and other processes can set it and take it away.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from mpp import Challenge

from mock_rails.core.clock import Clock
from sandbox.chain import TempoRpc, token_balance
from sandbox.client.charge_signer import NodeMethod
from sandbox.client.wallet import Wallet
from sandbox.devnet import CURRENCY
from sandbox.server.session import ChannelCodec
from sandbox.storage import open_store
from tests.conformance.session.payer import Payer, encode
from tests.integration.sandbox.test_up import ROOT, up

if TYPE_CHECKING:
    from tests.integration.sandbox.test_up import Process

pytestmark = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="only Linux limits another process's files"
)

CLOCK = Clock()
QUOTE = 10_000
SEARCH = 1_000
TWINS = 20
LIMITED = (
    "import os, resource, sys\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'sandbox.cli', *sys.argv[2:]])\n"
)


def let_files_grow_to(process: Process, size: int) -> None:
    """No file of the process may become larger; what is there stays."""
    limits = (size, resource.RLIM_INFINITY)
    resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, limits)


def size_of_log(path: Path) -> int:
    """How large the store's write-ahead log is: what is written next makes it larger."""
    return Path(f"{path}-wal").stat().st_size


async def signed_charge(http: httpx.AsyncClient, rpc: TempoRpc, url: str) -> str:
    """A credential that pays for one request; not broadcast yet."""
    fields = (await http.get(url)).headers.get_list("www-authenticate")
    found = {one.intent: one for one in map(Challenge.from_www_authenticate, fields)}
    credential = await NodeMethod(Wallet.dev(2), rpc, CLOCK).create_credential(found["charge"])
    return credential.to_authorization()


def check_not_taken(answer: httpx.Response) -> None:
    """It says that nothing was charged, to come again, and does not ask for another payment."""
    assert answer.status_code == 503
    assert answer.json()["type"].endswith("/internal-payment-error")
    assert answer.headers["retry-after"] == "1"
    assert "Nothing was charged" in answer.json()["hint"]
    assert not {"www-authenticate", "payment-receipt"} & set(answer.headers)


async def test_what_the_merchants_cannot_write_down_they_neither_charge_nor_deliver(
    tmp_path: Path,
) -> None:
    path, state = tmp_path / "channels.db", tmp_path / "state.json"
    store = f"sqlite:{path}"
    async with AsyncExitStack() as stack:
        devnet = stack.enter_context(up("--store", store, "--state", str(state)))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30))
        rpc = await stack.enter_async_context(TempoRpc(devnet.rpc))
        regular = Payer(f"{devnet.api}/search", http, rpc, "full disk regular")
        newcomer = Payer(f"{devnet.api}/search", http, rpc, "full disk newcomer")
        for payer in (regular, newcomer):
            await payer.start()
        served = [await regular.step({"do": "open", "deposit": 90, "cumulative": 1})]
        opening = encode(await newcomer.members({"do": "open", "deposit": 90, "cumulative": 1}))
        quote = await signed_charge(http, rpc, f"{devnet.api}/quote")

        async def send(url: str, credential: str, **headers: str) -> httpx.Response:
            return await http.get(url, headers={"authorization": credential, **headers})

        async def held() -> tuple[Any, int]:
            money = await token_balance(rpc, CURRENCY, Wallet.dev(9).address)
            return devnet.ask("/channels"), money

        let_files_grow_to(devnet, size_of_log(path) + 1_000)  # a quarter of a page
        before = await held()
        for cumulative in (2, 3, 4):
            answer = await regular.step({"do": "voucher", "cumulative": cumulative})
            assert answer is not None
            check_not_taken(answer)
        check_not_taken(await send(newcomer.url, opening))
        check_not_taken(await send(f"{devnet.api}/quote", quote))
        check_not_taken(await send(f"{devnet.api}/quote", quote, **{"idempotency-key": "one"}))
        for answer in await asyncio.gather(
            *(send(f"{devnet.api}/quote", quote) for _ in range(TWINS))
        ):
            check_not_taken(answer)
        assert await held() == before
        assert (await http.get(f"{devnet.api}/health")).status_code == 200

        let_files_grow_to(devnet, resource.RLIM_INFINITY)
        served += [await regular.step({"do": "voucher", "cumulative": 4})]
        served += [await send(newcomer.url, opening)]
        quotes = await asyncio.gather(*(send(f"{devnet.api}/quote", quote) for _ in range(TWINS)))
        assert [one.status_code for one in quotes].count(200) == 1
        assert [one.status_code for one in served if one is not None] == [200] * 3
        assert (await held())[1] - before[1] == QUOTE

        let_files_grow_to(devnet, 1_000)
        code, words = devnet.stop()
    *failures, left, last = words.splitlines()
    assert code == 1
    assert 1 <= len(failures) < 6, "not a line for each request"
    assert all(f"{path} cannot be read or written" in line for line in failures)
    assert "Is its disk full" in failures[0]
    assert left == f"$0.003 on 2 channels was not captured and stays in {store}"
    assert last.startswith(f"mpp-sandbox: Cannot write {state}: File too large.")
    assert all(name.startswith(path.name) for name in os.listdir(tmp_path)), "half a state is left"
    kept = await open_store(store, CLOCK)
    try:
        channels = [one async for _, one in kept.records("channels", ChannelCodec()).scan()]
    finally:
        await kept.close()
    assert sorted((one.spent, one.accepted) for one in channels) == [
        (SEARCH, SEARCH),
        (2 * SEARCH, 4 * SEARCH),
    ]


def test_a_devnet_that_has_no_room_does_not_start(tmp_path: Path) -> None:
    path = tmp_path / "channels.db"
    done = limited(1_000, tmp_path, "up", "--port-base", "0", "--store", f"sqlite:{path}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"mpp-sandbox: {path} cannot be read or written")
    assert done.stderr.count("\n") == 1


def test_a_payer_that_cannot_write_down_what_it_signs_does_not_sign(tmp_path: Path) -> None:
    with up() as devnet:
        pay = ("pay", f"{devnet.api}/search?q=voucher", "--session", "--rpc", devnet.rpc)
        first = limited(1_000, tmp_path, *pay)
        assert (first.returncode, first.stdout) == (1, "")
        assert re.fullmatch(r"mpp-sandbox: The book \S+ cannot be used: .+\n", first.stderr)
        assert devnet.ask("/channels")["channels"] == []

        many = limited(100_000, tmp_path, *pay, "-n", "1000")
        assert many.returncode == 1
        assert many.stderr.startswith("mpp-sandbox: The book of channels cannot be written")
        assert many.stderr.count("\n") == 1
        (merchants,) = devnet.ask("/channels")["channels"]
        known = ("--control-url", devnet.control, "--json")
        shown = limited(1 << 30, tmp_path, "channels", "show", merchants["id"], *known)
        signed = int(json.loads(shown.stdout)["payer"]["signed"])
        assert 0 < int(merchants["spent"]) <= signed < 1_000 * SEARCH

        again = limited(1 << 30, tmp_path, *pay, "-n", "3", "--json")
        assert json.loads(again.stdout)["outcomes"] == {"paid": 3}
        (after,) = devnet.ask("/channels")["channels"]
        assert int(after["spent"]) == int(merchants["spent"]) + 3 * SEARCH


def limited(size: int, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command whose files cannot grow beyond this size, with its book in the folder."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(size), *arguments],
        env=os.environ | {"XDG_STATE_HOME": str(folder), "TMPDIR": str(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
