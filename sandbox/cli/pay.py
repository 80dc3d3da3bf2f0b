"""`mpp-sandbox pay`: request a URL, and pay what it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sandbox.cli.payer import (
    Account,
    KeyEnv,
    Rpc,
    StateDir,
    devnet_info,
    node_of,
    read_wallet,
    state_folder,
)
from sandbox.cli.running import ControlUrl, find
from sandbox.cli.writing import refuse_usage, say

if TYPE_CHECKING:
    from sandbox.cli.paying import Job
    from sandbox.client.budget import Budget

MOST_CONCURRENT: Final = 1_000

_EXAMPLES: Final = """Examples:
  mpp-sandbox pay http://127.0.0.1:8402/quote
  mpp-sandbox pay http://127.0.0.1:8402/quote -v
  mpp-sandbox pay "http://127.0.0.1:8402/search?q=voucher" -n 1000 --concurrency 16
  mpp-sandbox pay "http://127.0.0.1:8402/complete?prompt=hello" --stream
  mpp-sandbox pay http://127.0.0.1:8402/report --charge --max 0.05 --json

Exit code: 0 paid (or nothing was to be paid), 1 refused or failed,
2 wrong usage, 3 a payment may have been made and nobody knows yet.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(pay)


def pay(  # noqa: PLR0913, PLR0917 - each is an option of its own
    url: Annotated[str, typer.Argument(metavar="URL", help="http(s), or ws(s) with --stream.")],
    session: Annotated[
        bool, typer.Option("--session", help="Pay by tempo/session only: vouchers on a channel.")
    ] = False,
    charge: Annotated[
        bool, typer.Option("--charge", help="Pay by tempo/charge only: a transaction each.")
    ] = False,
    requests: Annotated[
        int, typer.Option("-n", min=1, metavar="N", help="Send it so many times.")
    ] = 1,
    concurrency: Annotated[
        int,
        typer.Option("-c", "--concurrency", min=1, max=MOST_CONCURRENT, help="So many at once."),
    ] = 1,
    stream: Annotated[
        bool, typer.Option("--stream", help="Read it as a stream, paying as it is read.")
    ] = False,
    most: Annotated[
        str | None,
        typer.Option("--max", metavar="AMOUNT", help="Spend no more than this, such as 0.05."),
    ] = None,
    currencies: Annotated[
        list[str] | None,
        typer.Option("--currency", metavar="ADDRESS", help="Another token that --max is in."),
    ] = None,
    account: Account = None,
    key_env: KeyEnv = None,
    method: Annotated[
        str | None, typer.Option("-X", "--request", metavar="METHOD", help="GET; POST with -d.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("-d", "--data", metavar="BODY", help="A body, or @FILE.")
    ] = None,
    headers: Annotated[
        list[str] | None, typer.Option("-H", "--header", metavar="HEADER", help='"Name: value".')
    ] = None,
    close: Annotated[
        bool, typer.Option("--close", help="Close the channel at the end; else it stays open.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Write the outcome as JSON.")] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Show the 402 conversation, decoded.")
    ] = False,
    rpc: Rpc = None,
    state_dir: StateDir = None,
    control_url: ControlUrl = None,
) -> None:
    """Request a URL and pay what it asks for: of this devnet, or of any MPP server.

    The answer goes to stdout and what it cost to stderr. The payer is the
    first development account, unless told otherwise. A channel that was
    opened stays open for the next time; see `mpp-sandbox channels`.
    """
    if session and charge:
        refuse_usage("--session and --charge exclude each other.")
    if stream and (requests > 1 or charge):
        refuse_usage("--stream reads one stream, and streams are paid by session.")
    if concurrency > 1 and requests == 1:
        refuse_usage("--concurrency is for several requests: say how many with -n.")
    from mock_rails.core.errors import BadInput

    try:
        body = _read_body(data)
        info = devnet_info(find(control_url))
        job = _job(
            url=_checked_url(url, stream=stream),
            method=(method or ("GET" if body is None else "POST")).upper(),
            headers=[_read_header(one) for one in headers or ()],
            body=body,
            wallet=read_wallet(account, key_env),
            budget=_budget(most, currencies or [], info),
            prefer=_prefer(session=session or stream, charge=charge),
            rpc_url=node_of(rpc, info),
            state=state_folder(state_dir),
            close=close,
            requests=requests,
            concurrency=concurrency,
            show=say if verbose else None,
        )
    except BadInput as error:
        refuse_usage(str(error))
    from sandbox.cli.payment_runs import run_job

    raise typer.Exit(run_job(job, info, stream=stream, json=json))


def _job(**members: Any) -> Job:
    from sandbox.cli.paying import Job

    return Job(**members)


def _prefer(*, session: bool, charge: bool) -> tuple[str, ...]:
    from sandbox.client.client import PREFER

    if session:
        return ("tempo/session",)
    return ("tempo/charge",) if charge else PREFER


def _checked_url(text: str, *, stream: bool) -> str:
    from mock_rails.core.errors import BadInput
    from sandbox.client.amounts import host_of

    host_of(text)
    if text.startswith(("ws:", "wss:")) and not stream:
        raise BadInput("A WebSocket is a stream.", hint="Add --stream.")
    return text


def _read_body(data: str | None) -> bytes | None:
    if data is None or not data.startswith("@"):
        return None if data is None else data.encode()
    from pathlib import Path

    from mock_rails.core.errors import BadInput

    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise BadInput(f"The body {data[1:]} cannot be read: {error.strerror}.") from None


def _read_header(text: str) -> tuple[str, str]:
    from mock_rails.core.errors import BadInput

    name, colon, value = text.partition(":")
    is_name = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    if not (colon and is_name) or "\n" in value or "\r" in value:
        raise BadInput(f"{text[:60]!r} is no header.", hint='Write "Name: value".')
    return name, value.strip()


def _budget(most: str | None, currencies: list[str], info: dict[str, Any]) -> Budget | None:
    """What may be spent in all, in dollar tokens of six decimals."""
    if most is None:
        return None
    from mpp.methods.tempo import _defaults

    from sandbox.client.budget import Budget

    tokens = (info.get("tempo") or {}).get("tokens", {})
    known = (_defaults.PATH_USD, _defaults.USDC, _defaults.OUSD)
    return Budget.parse(
        decimals=_defaults.PATH_USD_DECIMALS,
        allowed_currencies=[*tokens.values(), *known, *currencies],
        total=most,
    )
