"""`mpp-sandbox pay`: request a URL, and pay what it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer

from mock_rails.core.errors import SandboxError
from sandbox.cli import lightning, payer
from sandbox.cli import pay_options as options
from sandbox.cli.running import ControlUrl, find
from sandbox.cli.writing import refuse_usage, say

if TYPE_CHECKING:
    from sandbox.cli.paying import Job

_EXAMPLES: Final = """Examples:
  mpp-sandbox pay http://127.0.0.1:8402/quote
  mpp-sandbox pay http://127.0.0.1:8402/quote -v
  mpp-sandbox pay "http://127.0.0.1:8402/search?q=voucher" -n 1000 -c 16
  mpp-sandbox pay "http://127.0.0.1:8402/complete?prompt=hi" --stream
  mpp-sandbox pay http://127.0.0.1:8402/report --charge --max 0.05 --json
  mpp-sandbox pay http://127.0.0.1:8402/stripe/quote --method stripe --max 1.00
  mpp-sandbox pay http://127.0.0.1:8402/lightning/quote --method lightning
  mpp-sandbox pay http://127.0.0.1:8402/stripe/quote --dry-run

Exit code: 0 paid (or nothing was to be paid), 1 refused or failed,
2 wrong usage, 3 a payment may have been made and nobody knows yet.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(pay)


def pay(  # noqa: PLR0913, PLR0917 - each is an option of its own
    url: options.Url,
    session: options.Session = False,
    charge: options.Charge = False,
    by: options.By = None,
    card: options.Card = None,
    requests: options.Requests = 1,
    concurrency: options.Concurrency = 1,
    stream: options.Stream = False,
    most: options.Most = None,
    currencies: options.Currencies = None,
    account: payer.Account = None,
    key_env: payer.KeyEnv = None,
    method: options.Method = None,
    data: options.Data = None,
    headers: options.Headers = None,
    close: options.Close = False,
    json: options.Json = False,
    verbose: options.Verbose = False,
    dry_run: options.DryRun = False,
    rpc: payer.Rpc = None,
    stripe_url: options.StripeUrl = None,
    lnd: lightning.LndUrl = None,
    state_dir: payer.StateDir = None,
    control_url: ControlUrl = None,
) -> None:
    """Request a URL and pay what it asks for: of this devnet, or of any MPP server.

    The answer goes to stdout and what it cost to stderr. The payer is the first
    development account, the devnet's Lightning node, or a test card, unless
    told otherwise. Channels and sessions stay open; see `mpp-sandbox channels`.
    """
    try:
        options.check_dry_run(url, dry_run=dry_run, stream=stream)
        options.check_together(
            session=session, charge=charge, stream=stream, requests=requests, at_once=concurrency
        )
        body = options.read_body(data)
        job, info = _job(
            url=options.read_url(url, stream=stream),
            method=options.read_method(method, has_body=body is not None),
            headers=[options.read_header(one) for one in headers or ()],
            body=body,
            wallet=payer.read_wallet(account, key_env),
            prefer=options.choose_methods(
                session=session, charge=charge, stream=stream, by=by, card=card
            ),
            card=card,
            stripe_url=stripe_url,
            by=by,
            lnd=lnd,
            most=most,
            currencies=currencies or [],
            rpc=rpc,
            control_url=control_url,
            state=payer.state_folder(state_dir),
            close=close,
            requests=requests,
            concurrency=concurrency,
            show=say if verbose else None,
        )
    except SandboxError as error:
        refuse_usage(str(error))
    raise typer.Exit(_done(job, info, dry_run=dry_run, stream=stream, json=json))


def _done(job: Job, info: dict[str, Any], *, dry_run: bool, stream: bool, json: bool) -> int:
    """Do it, or show what would be done; returns the exit code."""
    if dry_run:
        from sandbox.cli.dry_run import show_plan

        return show_plan(job, info, json=json)
    from sandbox.cli.payment_runs import run_job

    # A program is told the answer as it came, unless it asks for the messages.
    stream = stream or (not json and options.reads_as_stream(job, info))
    return run_job(job, info, stream=stream, json=json)


def _job(
    *,
    most: str | None,
    currencies: list[str],
    rpc: str | None,
    card: str | None,
    stripe_url: str | None,
    by: str | None,
    lnd: str | None,
    control_url: str | None,
    **rest: Any,
) -> tuple[Job, dict[str, Any]]:
    """The job, and what the running devnet says about itself, if one runs."""
    from sandbox.cli.paying import Job

    info = payer.devnet_info(find(control_url))
    budget = options.read_budget(most, currencies, info)
    if any(one.startswith("lightning/") for one in rest["prefer"]):
        rest["lnd"] = lightning.read_lnd(lnd, info)
        if by == "lightning":
            lightning.need_lnd(rest["lnd"])
        if rest["lnd"] is None:
            rest["prefer"] = [one for one in rest["prefer"] if not one.startswith("lightning/")]
        rest["lightning_budget"] = lightning.read_budget(most, info)
    if "stripe/charge" in rest["prefer"]:
        rest["card"] = options.read_card(card, stripe_url, info)
        rest["card_budget"] = options.read_card_budget(most)
    is_devnets = rest["url"].startswith((info.get("merchants") or {}).get("url", "-"))
    clock = payer.clock_of(rpc, find(control_url)) if is_devnets else None
    if clock is not None:
        rest["clock"] = clock
    node = payer.node_of(rpc, info)
    return Job(budget=budget, rpc_url=node, is_devnets=is_devnets, **rest), info
