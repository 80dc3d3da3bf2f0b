"""The Lightning rail in process, interleaved: `make bench-lightning`.

What it costs to make an invoice and to pay one, beside the one signature that no invoice can do
without, and our codec beside PyPI's `bolt11` where that is installed; then whole requests paid by
invoice and by bearer, beside transfers and vouchers on the chain. Each round runs every workload
once on a fresh network.

Only ratios of one run are worth quoting: a machine's speed drifts.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.micro.lightning_paid import (
    LIGHTNING_CHARGE,
    LIGHTNING_SESSION,
    PATHS,
    TEMPO_CHARGE,
    TEMPO_SESSION,
    paid,
)
from mock_rails.core.clock import Clock
from mock_rails.core.rail import RailContext
from mock_rails.lightning.bolt11 import decode, encode
from mock_rails.lightning.invoices import InvoiceRequest
from mock_rails.lightning.model import PaymentStatus
from mock_rails.lightning.payments import PaymentRequest
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.topology import MERCHANT, PAYER, Topology

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SIGN: Final = "one signature (libsecp256k1)"
INVOICE: Final = "invoice made"
COLLECT: Final = "invoice made, expired, collected"
DIRECT: Final = "payment over one channel"
ROUTED: Final = "payment through a router"
PARTS: Final = "payment in two parts"
HOLD: Final = "hold invoice paid and settled"
ENCODE: Final = "BOLT 11 written"
DECODE: Final = "BOLT 11 read"
PYPI_ENCODE: Final = "BOLT 11 written by PyPI's bolt11"
PYPI_DECODE: Final = "BOLT 11 read by PyPI's bolt11"

RATIOS: Final = {
    "lightning.invoice": (INVOICE, SIGN),
    "lightning.payment": (ROUTED, SIGN),
    "bolt11.encode": (ENCODE, PYPI_ENCODE),
    "bolt11.decode": (DECODE, PYPI_DECODE),
    "lightning.bearer": (LIGHTNING_SESSION, TEMPO_SESSION),
    "lightning.charge": (LIGHTNING_CHARGE, TEMPO_CHARGE),
}
"""Name of a ratio of rates -> ours and what it is compared with."""

_AMOUNT: Final = InvoiceRequest(amount_msat=20_000, description="one page")
_TWO_PARTS_MSAT: Final = 20_000_000
_KEY: Final = bytes(range(1, 33))
_CLOCK: Final = Clock()
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Timed:
    """How many things took how long."""

    count: int
    took_ns: int

    @property
    def rate(self) -> float:
        """Things a second."""
        return self.count * _NS / self.took_ns


def timed(things: Iterable[Any], deed: Callable[[Any], object]) -> Timed:
    """Do something with each of them."""
    listed = list(things)
    started = _CLOCK.monotonic_ns()
    for one in listed:
        deed(one)
    return Timed(len(listed), max(1, _CLOCK.monotonic_ns() - started))


def main(arguments: list[str] | None = None) -> int:
    """Run the workloads and print their table and ratios."""
    parser = argparse.ArgumentParser(prog="bench-lightning", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--count", type=int, default=3_000, help="of each workload (default 3000)")
    options = parser.parse_args(arguments)
    found: dict[str, list[Timed]] = {}
    with Progress(console=Console(stderr=True)) as progress:
        for number in progress.track(range(options.rounds), description="rounds"):
            for name, workload in WORKLOADS.items():
                run = workload(f"round {number}", options.count)
                if run is not None:
                    found.setdefault(name, []).append(run)
    _report(found)
    return 0


# -- workloads: a seed and a number of things, and how long they took -----------------------------


def _network(seed: str, shape: str = "default") -> Lightning:
    context = RailContext.create(seed, Clock.frozen(1_767_225_600))
    return Lightning(context, topology=Topology.preset(shape))


def _sign(seed: str, count: int) -> Timed:
    from coincurve import PrivateKey

    key = PrivateKey(_KEY)
    digests = [sha256(f"{seed} {number}".encode()).digest() for number in range(count)]
    return timed(digests, lambda digest: key.sign_recoverable(digest, hasher=None))


def _make(seed: str, count: int) -> Timed:
    merchant = _network(seed).node("merchant")
    return timed(range(count), lambda _: merchant.create_invoice(_AMOUNT))


def _collect(seed: str, count: int) -> Timed:
    rail = _network(seed)
    merchant = rail.node("merchant")

    def collect(_: int) -> None:
        for _ in range(count):
            merchant.create_invoice(_AMOUNT)
        rail.context.clock.advance(_AMOUNT.expiry_s + rail.settings.expired_kept_s)
        assert not list(merchant.invoices())

    return Timed(count, timed(range(1), collect).took_ns)


def _pay(seed: str, count: int, shape: str) -> Timed:
    rail = _network(seed, shape)
    merchant, payer = rail.node("merchant"), rail.node("payer")

    def pay(text: str) -> None:
        assert payer.start_payment(PaymentRequest(text)).status is PaymentStatus.SUCCEEDED

    return timed([merchant.create_invoice(_AMOUNT).text for _ in range(count)], pay)


def _pay_in_parts(seed: str, count: int) -> Timed:
    channels = [
        {"between": pair, "capacity_sat": 10_000_000_000, "max_htlc_msat": _TWO_PARTS_MSAT - 1}
        for router in ("a", "b")
        for pair in ((PAYER, router), (router, MERCHANT))
    ]
    shape = {"nodes": [MERCHANT, PAYER, "a", "b"], "channels": channels}
    context = RailContext.create(seed, Clock.frozen(1_767_225_600))
    rail = Lightning(context, topology=Topology.parse(shape))
    merchant, payer = rail.node(MERCHANT), rail.node(PAYER)
    asked = InvoiceRequest(amount_msat=_TWO_PARTS_MSAT)

    def pay(text: str) -> None:
        assert len(payer.start_payment(PaymentRequest(text)).alive) == 2

    return timed([merchant.create_invoice(asked).text for _ in range(count)], pay)


def _hold(seed: str, count: int) -> Timed:
    rail = _network(seed)
    merchant, payer = rail.node("merchant"), rail.node("payer")
    preimages = [sha256(f"{seed} {number}".encode()).digest() for number in range(count)]

    def hold(preimage: bytes) -> None:
        asked = InvoiceRequest(20_000, payment_hash=sha256(preimage).digest())
        payment = payer.start_payment(PaymentRequest(merchant.create_invoice(asked).text))
        merchant.settle_invoice(preimage)
        assert payment.status is PaymentStatus.SUCCEEDED

    return timed(preimages, hold)


def _texts(seed: str, count: int) -> list[str]:
    merchant = _network(seed).node("merchant")
    return [merchant.create_invoice(_AMOUNT).text for _ in range(count)]


def _encode(seed: str, count: int) -> Timed:
    return timed([decode(text) for text in _texts(seed, count)], lambda one: encode(one, _KEY))


def _decode(seed: str, count: int) -> Timed:
    return timed(_texts(seed, count), decode)


def _pypi_encode(seed: str, count: int) -> Timed | None:
    try:
        import bolt11
    except ImportError:
        return None
    invoices = [bolt11.decode(text) for text in _texts(seed, max(1, count // 10))]
    return timed(invoices, lambda one: bolt11.encode(one, _KEY.hex()))


def _pypi_decode(seed: str, count: int) -> Timed | None:
    try:
        import bolt11
    except ImportError:
        return None
    return timed(_texts(seed, max(1, count // 10)), bolt11.decode)


def _request(name: str, seed: str, count: int) -> Timed:
    return Timed(*paid(name, seed, count))


WORKLOADS: Final[dict[str, Callable[[str, int], Timed | None]]] = {
    SIGN: _sign,
    INVOICE: _make,
    COLLECT: _collect,
    DIRECT: lambda seed, count: _pay(seed, count, "pair"),
    ROUTED: lambda seed, count: _pay(seed, count, "default"),
    PARTS: _pay_in_parts,
    HOLD: _hold,
    ENCODE: _encode,
    DECODE: _decode,
    PYPI_ENCODE: _pypi_encode,
    PYPI_DECODE: _pypi_decode,
    **{name: partial(_request, name) for name in PATHS},
}
"""None from one that this environment lacks."""


# -- results --------------------------------------------------------------------------------------


def _report(found: dict[str, list[Timed]]) -> None:
    rates = {name: statistics.median(run.rate for run in runs) for name, runs in found.items()}
    table = Table(title="The Lightning rail, medians of all rounds")
    table.add_column("workload")
    for column in ("per second", "us each"):
        table.add_column(column, justify="right")
    for name, rate in rates.items():
        table.add_row(name, f"{rate:,.0f}", f"{1_000_000 / rate:,.0f}")
    Console().print(table)
    for name, (ours, theirs) in RATIOS.items():
        if theirs in rates:
            shown = f"{rates[ours] / rates[theirs]:.2f}"
            print(f"ratio {name}: {shown}")  # noqa: T201 - the benchmark's result


if __name__ == "__main__":
    sys.exit(main())
