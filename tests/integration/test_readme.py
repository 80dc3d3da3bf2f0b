"""What the README shows is what happens: the banner it prints, the paid request, the commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import banner
from sandbox.devnet import Devnet
from sandbox.info import environment
from sandbox.settings import DevnetSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture(scope="module")
def info() -> Iterator[dict[str, Any]]:
    """What a devnet says that was started by its own command on free ports."""
    command = [sys.executable, "-m", "sandbox.cli", "up", "--port-base", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0


async def test_the_banner_is_the_one_that_is_printed() -> None:
    shown = re.search(r"<!-- banner -->\n```text\n(.*?)\n```", README, re.DOTALL)
    assert shown is not None
    async with Devnet(DevnetSettings().with_free_ports()) as devnet:
        info, balances = devnet.info(), devnet.balances
    printed = f"{banner.text(info, balances)}\n\n{banner.ready(DevnetSettings())}"
    lightning = info["lightning"]
    ports = {
        8400: info["control"],
        8402: info["merchants"],
        8545: info["tempo"],
        12111: info["stripe"],
        8080: lightning["lnd"]["merchant"],
        8081: lightning["lnd"]["payer"],
        9740: lightning["phoenixd"]["merchant"],
    }
    for port, part in ports.items():
        printed = printed.replace(f":{part['url'].rpartition(':')[2]}", f":{port}")
    assert shown[1] == printed


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_every_example_runs_and_prints_what_its_golden_file_says(
    example: str, info: dict[str, Any]
) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example), info["tempo"]["url"]],
        env=os.environ | environment(info),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    golden = (EXAMPLES / example).with_suffix(".out").read_text().splitlines()
    assert len(done.stdout.splitlines()) == len(golden)
    for line, expected in zip(done.stdout.splitlines(), golden, strict=True):
        assert line.startswith(expected.removesuffix("...")), line


def test_the_readme_shows_the_examples_output() -> None:
    assert (EXAMPLES / "paid_request.out").read_text().splitlines()[0] in README


@pytest.mark.parametrize("target", ["up", "test", "check", "conformance", "bench-chain"])
def test_every_make_target_it_names_exists(target: str) -> None:
    assert f"make {target}" in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
