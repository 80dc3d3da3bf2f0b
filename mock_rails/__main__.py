"""One rail alone: `python -m mock_rails tempo --port 8545`.

For people who want a rail and nothing else; the whole devnet is `mpp-sandbox up`. Plain argparse:
this entry is started by test suites, and its start is measured.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_rails import __version__
from mock_rails.arguments import parse_chain_id, parse_duration_ms, parse_history, parse_port
from mock_rails.core.errors import BadInput, SandboxError
from mock_rails.server import LOOPBACK, exposure_warning, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TEMPO_PORT = 8545


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    try:
        _tempo(options)
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
    tempo = rails.add_parser("tempo", help="a Tempo-compatible chain with JSON-RPC")
    tempo.add_argument(
        "--port", type=_typed(parse_port), default=TEMPO_PORT, help="0 picks a free one (8545)"
    )
    tempo.add_argument("--host", default=LOOPBACK, help="listen on this address (127.0.0.1)")
    tempo.add_argument("--chain-id", type=_typed(parse_chain_id), default=1337, help="(1337)")
    tempo.add_argument(
        "--block-time", type=_typed(parse_duration_ms), metavar="SECONDS",
        help="a block this often, for example 1 or 200ms (a block for every transaction)",
    )  # fmt: skip
    tempo.add_argument(
        "--history", type=_typed(parse_history), metavar="BLOCKS",
        help="keep this many blocks with receipts, logs and states (4096)",
    )  # fmt: skip
    tempo.add_argument("--state", type=Path, metavar="FILE", help="load at start, save at stop")
    tempo.add_argument("--seed", default="mpp-sandbox", help="the seed of everything random")
    tempo.add_argument(
        "--fee-payer", type=int, metavar="N", help="development account N sponsors whoever asks"
    )
    tempo.add_argument("--json", action="store_true", help="print one JSON line, not a banner")
    return parser


def _typed(parse: Callable[[str], int]) -> Callable[[str], int]:
    """argparse prints a type's error only if it is an ArgumentTypeError."""

    def convert(text: str) -> int:
        try:
            return parse(text)
        except BadInput as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def _tempo(options: argparse.Namespace) -> None:
    from mock_rails.standalone import (
        TempoOptions,
        run_tempo,
    )

    if not is_loopback(options.host):
        sys.stderr.write(exposure_warning(options.host) + "\n")
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
    run_tempo(chosen, _announcer(as_json=options.json))


def _announcer(*, as_json: bool) -> Callable[[dict[str, Any]], None]:
    def announce(facts: dict[str, Any]) -> None:
        import orjson

        from mock_rails.tempo import banner

        text = orjson.dumps(facts).decode() if as_json else "\n".join(banner.lines(facts))
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    return announce


if __name__ == "__main__":
    sys.exit(main())
