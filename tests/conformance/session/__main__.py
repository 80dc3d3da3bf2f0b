"""Plays all cases against any server: `python -m tests.conformance.session URL --rpc URL`.

The server must offer tempo/session at the URL, on a chain whose faucet answers `tempo_fundAddress`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

import httpx

from sandbox.chain.rpc import TempoRpc
from tests.conformance.session.cases import load_cases
from tests.conformance.session.play import play


async def main(url: str, rpc_url: str, wanted: str) -> int:
    """Play; the exit code is the number of cases that failed, at most 99."""
    failed = passed = 0
    rpc = TempoRpc(rpc_url)
    async with httpx.AsyncClient(timeout=60) as http:
        for case in load_cases():
            if wanted not in case.id:
                continue
            found = await play(case, url, http, rpc)
            failed += bool(found)
            passed += not found
            sys.stdout.write(f"{'FAIL' if found else 'ok  '}  {case.id}\n")
            sys.stdout.writelines(f"        {line}\n" for line in found)
    await rpc.aclose()
    sys.stdout.write(f"{passed} passed, {failed} failed\n")
    return min(failed, 99)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.session")
    parser.add_argument("url")
    parser.add_argument("--rpc", default="http://127.0.0.1:8545")
    parser.add_argument("-k", default="", help="only cases whose name has this in it")
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.url, options.rpc, options.k)))
