"""`make bench-peers`: every promised ratio from one command, and the table of them in the docs.

The benchmarks run one after the other, each in a process of its own that interleaves both of its
sides; this program reads their `ratio` lines, holds them against `bars.BARS`, and writes
docs/reference/ratios.md with what each benchmark printed below. That is kept as it comes, for a
later benchmark may fail.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from benchmarks.environment import fingerprint
from benchmarks.peers.bars import BARS, MISSED, UNMEASURED
from mock_rails.core.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.peers.bars import Bar

PAGE: Final = Path("docs/reference/ratios.md")
KEPT: Final = Path("build/peers")
"""What each benchmark printed, in a file of its own."""
_RATIO: Final = re.compile(r"^ratio ([\w.]+): ([0-9.]+)", re.MULTILINE)
PACKAGES: Final = Path(__file__).with_name("package.json")
_PROGRAMS: Final = ("chain", "session", "sim")


def main(arguments: list[str] | None = None) -> int:
    """Run them all; 1 if a bar is missed or not measured, or a benchmark failed."""
    parser = argparse.ArgumentParser(prog="bench-peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument(
        "--quick", action="store_true", help="leave out the chain of 100,000 payments"
    )
    parser.add_argument("--out", type=Path, default=PAGE, help=f"the page (default {PAGE})")
    options = parser.parse_args(arguments)
    said: dict[str, str] = {}
    for name in _PROGRAMS:
        done = _run(name, rounds=options.rounds, quick=options.quick)
        said[name] = _file(name).read_text(encoding="utf-8")
        if not done:
            _tell_failure(name, said)
            return 1
    ratios = read_ratios(said.values())
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page(ratios, said, options.rounds, _today()), encoding="utf-8")
    _show(ratios)
    for name, value in ratios.items():
        print(f"ratio {name}: {value}")  # noqa: T201 - the benchmark's result
    print(f"Written: {options.out}")  # noqa: T201 - the same
    missed = {MISSED} if options.quick else {MISSED, UNMEASURED}
    return int(any(_verdict(bar.name, ratios) in missed for bar in BARS))


def read_ratios(texts: Iterable[str]) -> dict[str, float]:
    """The figures that benchmarks printed."""
    return {name: float(value) for text in texts for name, value in _RATIO.findall(text)}


def page(ratios: Mapping[str, float], said: Mapping[str, str], rounds: int, day: str) -> str:
    """The documentation's page."""
    about = fingerprint()
    lines = [
        "# How fast it is, beside what you would use instead",
        "",
        f"Written by `make bench-peers` on {day}, {rounds} interleaved rounds, commit"
        f" {about['commit'] or 'unknown'}, Python {about['python']}, {about['cores']} cores"
        f" ({about['cpu']}).",
        f"The peers: {', '.join(_peers())}.",
        "Both sides of a figure ran in turns on one machine. Only the ratios are worth quoting,",
        "and `make bench-peers` measures them on yours.",
        "",
        "| figure | what | against | ratio | bar | aim | |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    lines += [
        f"| `{bar.name}` | {bar.what} | {bar.against} | {_shown(ratios.get(bar.name))}"
        f" | {_limit(bar.bar, bar)} | {_limit(bar.aim, bar)} | {_verdict(bar.name, ratios)} |"
        for bar in BARS
    ]
    for name, text in said.items():
        lines += ["", f"## What `make bench-{name}` printed", "", "```text"]
        lines += [line.rstrip() for line in text.strip().splitlines()] + ["```"]
    return "\n".join(lines) + "\n"


def _peers() -> list[str]:
    """What is run beside the sandbox, from its registry, in which version."""
    wanted = json.loads(PACKAGES.read_text(encoding="utf-8"))["dependencies"]
    return [f"{name} {version}" for name, version in wanted.items()] + [
        f"{name} {fingerprint()['packages'].get(name, 'unknown')}" for name in ("pympp", "simpy")
    ]


def _run(name: str, *, rounds: int, quick: bool) -> bool:
    """Have one benchmark print into its file; whether it succeeded. Its progress is shown as it
    goes."""
    command = [sys.executable, "-u", "-m", f"benchmarks.micro.{name}", "--rounds", str(rounds)]
    if quick and name == "chain":
        command.append("--quick")
    KEPT.mkdir(parents=True, exist_ok=True)
    with _file(name).open("wb") as file:
        return subprocess.run(command, stdout=file, check=False).returncode == 0


def _file(name: str) -> Path:
    return KEPT / f"{name}.txt"


def _tell_failure(name: str, so_far: Iterable[str]) -> None:
    files = ", ".join(str(_file(one)) for one in so_far)
    Console(stderr=True, soft_wrap=True, highlight=False).print(
        f"[red]bench-{name} failed; the page is not written."
        f" What was measured so far: {files}[/red]"
    )


def _show(ratios: Mapping[str, float]) -> None:
    table = Table(title="Beside what you would use instead")
    for column in ("figure", "against", "ratio", "bar", "aim", ""):
        table.add_column(column, justify="right" if column in {"ratio", "bar", "aim"} else "left")
    for bar in BARS:
        value = _shown(ratios.get(bar.name))
        limits = (_limit(bar.bar, bar), _limit(bar.aim, bar))
        table.add_row(bar.name, bar.against, value, *limits, _verdict(bar.name, ratios))
    Console(file=sys.stdout, width=100).print(table)


def _verdict(name: str, ratios: Mapping[str, float]) -> str:
    bar = next(one for one in BARS if one.name == name)
    return bar.verdict(ratios[name]) if name in ratios else UNMEASURED


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _limit(limit: float | None, bar: Bar) -> str:
    if limit is None:
        return "-"
    return f"{'≥' if bar.more_is_better else '≤'} {limit:g}"


def _today() -> str:
    return datetime.fromtimestamp(Clock().now_s(), tz=UTC).date().isoformat()


if __name__ == "__main__":
    sys.exit(main())
