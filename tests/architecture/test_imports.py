"""Imports are start-up: a module must not load what only some of its functions need.

DESIGN section 1: eth_tester, py-evm, web3, eth-account, matplotlib and their like are imported
inside the function that needs them, so that `mpp-sandbox --help` and `import mock_rails.tempo`
answer at once. Checked in a fresh interpreter for every module in the tree.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.architecture.project import ROOT, modules

HEAVY = (
    "eth",
    "eth_abi",
    "eth_account",
    "eth_tester",
    "locust",
    "matplotlib",
    "numpy",
    "simpy",
    "vyper",
    "web3",
)

# Modules that are about a heavy package and are themselves imported late, by the prefix of their
# name; whoever imports such a module at the top is found out by its own test.
MAY_LOAD = {
    "benchmarks.forecast": {"numpy"},
    "benchmarks.locustfile": {"locust"},
    "benchmarks.micro.sim": {"numpy", "simpy"},
    "benchmarks.report": {"matplotlib", "numpy"},
    "mock_rails.tempo.eth_tester_backend": {"eth", "eth_abi", "eth_account", "eth_tester"},
    "mock_rails.tempo.evm": {"eth", "eth_abi", "eth_account"},
    "scenarios": {"numpy", "simpy"},
    "scenarios.figures": {"matplotlib", "numpy"},
}

PROGRAM = """
import importlib, json, sys
heavy, names = json.loads(sys.argv[1])
loaded = {}
for name in names:
    before = set(sys.modules)
    try:
        importlib.import_module(name)
    except Exception as error:
        loaded[name] = [f"{type(error).__name__}: {error}"]
    else:
        loaded[name] = sorted(h for h in heavy if h in sys.modules and h not in before)
print(json.dumps(loaded))
"""

# A `__main__` is a program; importing one would be running it.
FOUND = [name for name in modules() if not name.endswith("__main__")]


def allowed(name: str) -> set[str]:
    """The heavy packages this module may load."""
    return set().union(
        *(may for prefix, may in MAY_LOAD.items() if f"{name}.".startswith(f"{prefix}."))
    )


def imported(names: list[str]) -> dict[str, list[str]]:
    """For each module, imported one after the other in a fresh interpreter, what it loaded, or
    why it cannot be imported."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([HEAVY, names])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    loaded: dict[str, list[str]] = json.loads(run.stdout)
    return loaded


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """What each module loads; those that may load nothing go first, so that all is theirs."""
    return imported(sorted(FOUND, key=lambda name: (len(allowed(name)), name)))


@pytest.mark.parametrize("name", FOUND)
def test_a_module_loads_nothing_heavy(name: str, loaded: dict[str, list[str]]) -> None:
    assert set(loaded[name]) <= allowed(name)


def test_the_core_loads_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; before = set(sys.modules); import mock_rails.core.compliance\n"
        "roots = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(roots - set(sys.stdlib_module_names) - {'mock_rails'}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_every_room_was_found() -> None:
    assert {name.partition(".")[0] for name in FOUND} == {
        "benchmarks",
        "mock_rails",
        "sandbox",
        "scenarios",
    }


def test_heavy_and_broken_modules_are_noticed() -> None:
    assert imported(["json", "eth_abi", "no_such_module"]) == {
        "json": [],
        "eth_abi": ["eth_abi"],
        "no_such_module": ["ModuleNotFoundError: No module named 'no_such_module'"],
    }
