"""`python -m benchmarks.demo`: the protocol in a terminal, in under two minutes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.demo.stage import running_devnet
from benchmarks.demo.story import Story
from benchmarks.demo.summary import conclusion, summary_table
from mock_rails.core.clock import Clock
from mock_rails.core.errors import SandboxError
from mock_rails.server import run


async def tell(options: argparse.Namespace) -> None:
    """Start the devnet, tell the story, draw the figures."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(soft_wrap=True)
    console.print(
        "[bold]Machine payments[/]: a server may answer 402 Payment Required, and a program may "
        "pay, inside an ordinary request.\nEverything below really happens, on this machine only.",
        highlight=False,
    )
    with running_devnet() as info:
        story = Story(console, info, options.requests, Clock())
        await story.one_charge()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console) as progress:
            runs = await story.many(progress)
        await story.a_stream()
    story.title("The bill")
    console.print(summary_table(runs))
    story.say(conclusion(runs))
    from benchmarks.report.demo import write_figures

    written = write_figures(options.out, runs)
    story.say(f"Figures: {', '.join(str(path) for path in written if path.suffix == '.png')}")


def main() -> int:
    """Read the options and tell it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000, help="in chapter 2 (1000)")
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="for the figures")
    options = parser.parse_args()
    if options.requests < 1:
        parser.error("--requests is at least 1")
    try:
        run(tell(options))
    except SandboxError as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
