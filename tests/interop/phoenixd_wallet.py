"""LNbits' phoenixd wallet as a program: `{"do": NAME, "with": {...}}` a line in, its answer out.

It runs in an environment of its own, which has LNbits and nothing of this project. `next_paid` is
the next payment that phoenixd tells over its WebSocket.
"""

import asyncio
import json
import sys

from lnbits.settings import settings
from lnbits.wallets.phoenixd import PhoenixdWallet
from loguru import logger


def plain(answer):
    """An answer of LNbits' as JSON values, with what it makes of it."""
    if not hasattr(answer, "_asdict"):
        return answer
    words = ("success", "pending", "failed")
    return answer._asdict() | {one: getattr(answer, one) for one in words if hasattr(answer, one)}


async def main(url, password):
    """Answer until the input ends."""
    logger.remove()
    settings.phoenixd_api_endpoint, settings.phoenixd_api_password = url, password
    wallet = PhoenixdWallet()
    paid = wallet.paid_invoices_stream()
    waiting = asyncio.ensure_future(anext(paid))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        if order["do"] == "next_paid":
            answer = await waiting
            waiting = asyncio.ensure_future(anext(paid))
        else:
            answer = plain(await getattr(wallet, order["do"])(**order.get("with", {})))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    waiting.cancel()
    await asyncio.wait({waiting})
    await wallet.cleanup()


asyncio.run(main(*sys.argv[1:]))
