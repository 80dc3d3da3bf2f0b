"""What is measured, each part a process of its own: the rails, the merchants, and the generator.

Only so is a server's processor time its own, and a slow generator seen for what it is (style 4.2).
Rails and merchants are `mpp-sandbox up`, as everybody runs them. All end with the benchmark, even
if that is killed (benchmarks.leash).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, Self

import orjson

from benchmarks.leash import GRACE_S
from benchmarks.orders import Places
from benchmarks.pressure import Pressure
from mock_rails.core.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from mock_rails.core.clock import Clock

_LEASH: Final = "benchmarks.leash"
_HISTORY: Final = "1000000"
"""Blocks that are kept: a leg's transactions are read when it is over."""
_LONGEST_WORDS: Final = 600
_RAILS: Final = ("up", "--only", "rails", "--json", "--port-base", "0", "--history", _HISTORY)
_MERCHANTS: Final = ("up", "--only", "merchants", "--json", "--port-base", "0", "--server-timing")


class PartFailed(SandboxError):
    """A process of the benchmark ended, or did not start."""

    code = "benchmark-part-failed"
    title = "A part of the benchmark failed"


class Part:
    """A process that says in its first line of output, as JSON, that it is ready.

    It ends when its input does. One that `hears` reads that itself; the others are on a leash.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        hears: bool = False,
    ) -> None:
        self.name = name
        self._words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
        self.process = subprocess.Popen(
            [sys.executable, "-m", *(() if hears else (_LEASH,)), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # Ctrl-C is for the benchmark, which then ends its parts
        )

    def hear(self) -> dict[str, Any]:
        """The next line that it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            self.process.wait(GRACE_S)
            raise PartFailed(
                f"The {self.name} ended with {self.process.returncode}: {self._said()}"
            )
        document: dict[str, Any] = orjson.loads(line)
        return document

    def say(self, document: Mapping[str, Any]) -> None:
        """Tell it something."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # what it said last is told by `hear`
            self.process.stdin.write(orjson.dumps(document) + b"\n")
            self.process.stdin.flush()

    def stop(self) -> None:
        """End it, kindly at first."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE_S)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._words.close()

    def _said(self) -> str:
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return (lines[-1] if lines else "it said nothing")[:_LONGEST_WORDS]


@dataclass(frozen=True, slots=True)
class Usage:
    """What the processes have taken so far, and how hard the machine was pressed."""

    at_ns: int
    cpu_s: Mapping[str, float]
    memory_bytes: Mapping[str, int]
    pressure: Pressure

    def busy_since(self, before: Usage) -> dict[str, float]:
        """The share of one core that each has taken since."""
        elapsed_s = max(1, self.at_ns - before.at_ns) / 1e9
        return {
            name: round((self.cpu_s[name] - before.cpu_s[name]) / elapsed_s, 4)
            for name in self.cpu_s
        }


class Fleet:
    """A devnet in several processes; used as a block.

    `sponsored` adds a merchant who pays the fees, which the devnet's own do not.
    """

    def __init__(self, clock: Clock, *, seed: str, sponsored: bool = False) -> None:
        self._clock = clock
        self._seed = seed
        self._sponsored = sponsored
        self._parts: list[Part] = []
        self.places = Places("", "")
        """Where everything is, once it runs."""

    def __enter__(self) -> Self:
        """Start all parts."""
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all parts."""
        self._stop()

    def usage(self) -> Usage:
        """What the parts have taken until now."""
        import psutil  # type: ignore[import-untyped]

        cpu_s: dict[str, float] = {}
        memory: dict[str, int] = {}
        at_ns = self._clock.monotonic_ns()
        pressure = Pressure.at(at_ns)
        for part in self._parts:
            try:
                process = psutil.Process(part.process.pid)
                times = process.cpu_times()
                cpu_s[part.name] = times.user + times.system
                memory[part.name] = process.memory_info().rss
            except psutil.NoSuchProcess:
                raise PartFailed(f"The {part.name} ended during the benchmark.") from None
        return Usage(at_ns, cpu_s, memory, pressure)

    def _start(self) -> None:
        rails = self._add("rails", ("sandbox.cli", *_RAILS, "--seed", self._seed))
        info = rails.hear()
        merchant = info["lightning"]["lnd"]["merchant"]
        chain_url = info["tempo"]["url"]
        options = ("--chain-url", chain_url, "--stripe-url", info["stripe"]["url"])
        lightning = {
            "MPP_SANDBOX_LIGHTNING_URL": merchant["url"],
            "MPP_SANDBOX_LIGHTNING_MACAROON": merchant["macaroons"]["admin"],
        }
        command = ("sandbox.cli", *_MERCHANTS, *options, "--seed", self._seed)
        merchants = self._add("merchants", command, lightning)
        sponsor = None
        if self._sponsored:
            sponsor = self._add("sponsor", ("benchmarks.sponsor", chain_url))
        sponsor_url = sponsor.hear()["url"] if sponsor else ""
        self.places = Places.of(info, merchants.hear()["merchants"], sponsor_url)

    def _add(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> Part:
        part = Part(name, command, environment=environment)
        self._parts.append(part)
        return part

    def _stop(self) -> None:
        while self._parts:  # merchants before the rails that they close their channels on
            self._parts.pop().stop()
