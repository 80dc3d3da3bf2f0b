"""One rail alone: `python -m mock_rails tempo --port 8545`, `… stripe`, `… lightning`.

For people who want a rail and nothing else; the whole devnet is `mpp-sandbox up`. Plain argparse:
this entry is started by test suites, and its start is measured.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mock_rails import __version__
from mock_rails.arguments import (
    parse_chain_id,
    parse_duration_ms,
    parse_history,
    parse_key,
    parse_port,
    parse_rate,
)
from mock_rails.core.errors import BadInput, SandboxError
from mock_rails.listening import LOOPBACK, exposure_warning, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    T = TypeVar("T")

TEMPO_PORT = 8545
STRIPE_PORT = 12111
LND_PORT = 8080
PHOENIXD_PORT = 9740
PHOENIXD_PASSWORD = "sandbox"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except SandboxError as error:
        sys.stderr.write(f"mock_rails: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mock_rails", description="Run one payment rail alone."
    )
    parser.add_argument("--version", action="version", version=__version__)
    rails = parser.add_subparsers(dest="rail", required=True, metavar="RAIL")
    _add_tempo(rails)
    _add_stripe(rails)
    _add_lightning(rails)
    return parser


def _add_tempo(rails: Any) -> None:
    tempo = rails.add_parser("tempo", help="a Tempo-compatible chain with JSON-RPC")
    tempo.add_argument("--chain-id", type=_typed(parse_chain_id), default=1337, help="(1337)")
    tempo.add_argument(
        "--block-time", type=_typed(parse_duration_ms), metavar="SECONDS",
        help="a block this often, for example 1 or 200ms (a block for every transaction)",
    )  # fmt: skip
    tempo.add_argument(
        "--history", type=_typed(parse_history), metavar="BLOCKS",
        help="keep this many blocks with receipts, logs and states (4096)",
    )  # fmt: skip
    tempo.add_argument(
        "--fee-payer", type=int, metavar="N", help="development account N sponsors whoever asks"
    )
    _add_common(tempo, TEMPO_PORT, _tempo)


def _add_stripe(rails: Any) -> None:
    stripe = rails.add_parser("stripe", help="Stripe's API as far as MPP uses it")
    stripe.add_argument(
        "--key", type=_typed(parse_key), action="append", default=[], metavar="KEY=ACCOUNT",
        help="this key is that account's (every test key is the default account's)",
    )  # fmt: skip
    stripe.add_argument(
        "--api-version", metavar="VERSION", help="of requests that name none (2026-07-29.preview)"
    )
    stripe.add_argument(
        "--rate-limit", type=_typed(parse_rate), metavar="N",
        help="answer 429 beyond N requests a second and account; Stripe's is 25 (no limit)",
    )  # fmt: skip
    stripe.add_argument(
        "--strict-tokens", action="store_true", help="refuse legacy parameters of token creation"
    )
    stripe.add_argument(
        "--strict-version", action="store_true", help="refuse versions that are no version"
    )
    stripe.add_argument(
        "--prices", type=Path, metavar="FILE", help="fees, as JSON (the published US prices)"
    )
    _add_common(stripe, STRIPE_PORT, _stripe)


def _add_lightning(rails: Any) -> None:
    lightning = rails.add_parser(
        "lightning", help="a Lightning network behind LND's REST API and phoenixd's"
    )
    lightning.add_argument(
        "--topology", default="default", metavar="NAME|FILE",
        help="default, pair, line, hub, drained, private, or a JSON or TOML file (default)",
    )  # fmt: skip
    lightning.add_argument(
        "--lnd", action="append", default=[], metavar="NODE",
        help="this node has an LND, on the next port (merchant and payer)",
    )  # fmt: skip
    lightning.add_argument(
        "--lnd-version", default="0.21", metavar="VERSION",
        help="0.20, or 0.21 without SendPaymentSync; 0.21+lenient forgives more (0.21)",
    )  # fmt: skip
    lightning.add_argument(
        "--lnd-dir", type=Path, metavar="FOLDER",
        help="write tls.cert and the nodes' macaroons here, and speak TLS (HTTP without TLS)",
    )  # fmt: skip
    lightning.add_argument("--network", default="regtest", help="what invoices name (regtest)")
    lightning.add_argument(
        "--latency",
        default="instant",
        help="instant, realistic by published figures, or spark (instant)",
    )
    lightning.add_argument(
        "--phoenixd-port", type=_typed(parse_port),
        help=f"of the first node's phoenixd ({PHOENIXD_PORT}; a free one with --port 0)",
    )  # fmt: skip
    lightning.add_argument(
        "--phoenixd-password", default=PHOENIXD_PASSWORD, metavar="PASSWORD",
        help=f"what its clients say ({PHOENIXD_PASSWORD})",
    )  # fmt: skip
    _add_common(lightning, LND_PORT, _lightning)


def _add_common(
    rail: argparse.ArgumentParser, port: int, run: Callable[[argparse.Namespace], None]
) -> None:
    rail.add_argument(
        "--port", type=_typed(parse_port), default=port, help=f"0 picks a free one ({port})"
    )
    rail.add_argument("--host", default=LOOPBACK, help="listen on this address (127.0.0.1)")
    rail.add_argument("--state", type=Path, metavar="FILE", help="load at start, save at stop")
    rail.add_argument("--seed", default="mpp-sandbox", help="the seed of everything random")
    rail.add_argument("--json", action="store_true", help="print one JSON line, not a banner")
    rail.set_defaults(run=run)


def _typed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """argparse prints a type's error only if it is an ArgumentTypeError."""

    def convert(text: str) -> T:
        try:
            return parse(text)
        except BadInput as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def _tempo(options: argparse.Namespace) -> None:
    from mock_rails.standalone import TempoOptions, run_tempo
    from mock_rails.tempo import banner

    _warn(options.host)
    chosen = TempoOptions(
        host=options.host,
        port=options.port,
        chain_id=options.chain_id,
        block_time_ms=options.block_time,
        history=options.history,
        seed=options.seed,
        state=options.state,
        fee_payer=options.fee_payer,
    )
    run_tempo(chosen, _announcer(banner.lines, as_json=options.json))


def _stripe(options: argparse.Namespace) -> None:
    from mock_rails.standalone import StripeOptions, run_stripe
    from mock_rails.stripe import banner

    _warn(options.host)
    chosen = StripeOptions(
        host=options.host,
        port=options.port,
        seed=options.seed,
        state=options.state,
        strict_tokens=options.strict_tokens,
        strict_version=options.strict_version,
        api_version=options.api_version,
        rate_limit=options.rate_limit,
        accounts=dict(options.key),
        prices=options.prices,
    )
    run_stripe(chosen, _announcer(banner.lines, as_json=options.json))


def _lightning(options: argparse.Namespace) -> None:
    from mock_rails.lightning import banner
    from mock_rails.standalone import LightningOptions, run_lightning

    _warn(options.host)
    phoenixd_port = options.phoenixd_port
    if phoenixd_port is None:
        phoenixd_port = PHOENIXD_PORT if options.port else 0
    chosen = LightningOptions(
        host=options.host,
        port=options.port,
        seed=options.seed,
        state=options.state,
        topology=options.topology,
        network=options.network,
        latency=options.latency,
        lnd_profile=options.lnd_version,
        nodes=tuple(options.lnd),
        lnd_folder=options.lnd_dir,
        phoenixd_port=phoenixd_port,
        phoenixd_password=options.phoenixd_password,
    )
    run_lightning(chosen, _announcer(banner.lines, as_json=options.json))


def _warn(host: str) -> None:
    if not is_loopback(host):
        sys.stderr.write(exposure_warning(host) + "\n")


def _announcer(
    lines: Callable[[dict[str, Any]], list[str]], *, as_json: bool
) -> Callable[[dict[str, Any]], None]:
    def announce(facts: dict[str, Any]) -> None:
        import orjson

        text = orjson.dumps(facts).decode() if as_json else "\n".join(lines(facts))
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    return announce


if __name__ == "__main__":
    sys.exit(main())
