"""The plugin in a stranger's repository: the package from its wheel, and tests that know nothing
of this project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.strangers import install, make_environment, run

if TYPE_CHECKING:
    from pathlib import Path

AUTO = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
STRICT = "[pytest]\nasyncio_mode = strict\nasyncio_default_fixture_loop_scope = function\n"

PAID = """
import pytest

async def test_a_quote_is_paid(devnet, payer):
    response = await payer.get(devnet.url("/quote"))
    assert response.status_code == 200
    assert response.json()["number"] == 0

def test_without_waiting(devnet, payer):
    response = payer.sync.get(devnet.url("/quote"))
    assert response.json()["number"] == 0

@pytest.mark.mpp(faults=[{"at": "tempo.submit", "do": "lose_response", "when": "nth=1"}])
async def test_a_lost_answer_is_not_paid_twice(devnet, payer, faults):
    assert (await payer.get(devnet.url("/quote"))).status_code == 200
    assert faults.fired() == 1
    assert payer.spent == 10_000

def test_a_challenge_expires(devnet, clock, journal):
    import httpx
    with httpx.Client(transport=devnet.transport) as client:
        first = client.get(devnet.url("/quote"))
        clock.advance(minutes=16)
        second = client.get(devnet.url("/quote"))
    assert first.status_code == second.status_code == 402
    assert first.headers["www-authenticate"] != second.headers["www-authenticate"]

def test_every_rail(devnet, payer, merchant, stripe, lightning, chain):
    for path in ("/stripe/quote", "/lightning/quote"):
        assert payer.sync.get(devnet.url(path)).status_code == 200
    assert len(stripe.payment_intents()) == 1
    assert chain.height == 0

@pytest.mark.mpp(ports=True)
def test_real_ports(devnet):
    import urllib.request
    assert urllib.request.urlopen(devnet.url("/health")).status == 200

def test_the_package_is_the_installed_one(worker_id):
    import sandbox
    assert "stranger" in sandbox.__file__
    assert worker_id.startswith("gw")
"""

ANYIO = """
import pytest

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_quote_is_paid(devnet, payer, anyio_backend):
    assert (await payer.get(devnet.url("/quote"))).status_code == 200
"""

BUG = """
import pytest

@pytest.mark.mpp(seed="bug-17")
def test_a_bug(devnet, payer):
    response = payer.sync.get(devnet.url("/quote"))
    assert response.status_code == 201

@pytest.mark.mpp(sed="bug-17")
def test_a_typing_error(devnet):
    pass
"""

UNINVOLVED = """
import sys

def test_nothing_is_loaded():
    ours = [name for name in sys.modules if name.split(".")[0] in ("sandbox", "mock_rails")]
    assert sorted(ours) == ["sandbox", "sandbox.pytest_plugin"]
    assert "httpx" not in sys.modules and "eth" not in sys.modules
"""


@pytest.fixture(scope="module")
def stranger(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("stranger") / "venv"
    python = make_environment(folder, wheel, "pip", "pytest-asyncio", "pytest-xdist")
    install(python, wheel)
    return python


def _pytest(
    python: Path, folder: Path, test: str, *options: str, ini: str = AUTO, status: int = 0
) -> str:
    """What pytest says in the repository's folder of tests, which is not its root."""
    (folder / "pytest.ini").write_text(ini)
    tests = folder / "tests"
    tests.mkdir()
    (tests / "test_shop.py").write_text(test)
    return run([str(python), "-m", "pytest", "-q", "-W", "error", *options], tests, status)


def test_its_tests_pay_in_several_processes(stranger: Path, tmp_path: Path) -> None:
    assert "7 passed" in _pytest(stranger, tmp_path, PAID, "-n", "2")


def test_anyio_runs_them_as_well(stranger: Path, tmp_path: Path) -> None:
    assert "1 passed" in _pytest(stranger, tmp_path, ANYIO, ini=STRICT)


def test_a_failing_test_tells_what_happened_and_how_to_run_it_again(
    stranger: Path, tmp_path: Path
) -> None:
    printed = _pytest(stranger, tmp_path, BUG, "--mpp-seed", "other", status=1)
    for line in (
        "seed: bug-17",
        "GET /quote  asked to pay 402",
        "GET /quote  paid 200",
        "  pass  challenge       the challenge was issued here (HMAC)",
        "Run it again: pytest test_shop.py::test_a_bug --mpp-seed other",
        "@pytest.mark.mpp: It has no argument 'sed'. Did you mean 'seed'?",
    ):
        assert line in printed.splitlines()
    assert "portal" not in printed  # how the devnet is reached is nobody's business


def test_who_does_not_use_it_does_not_load_it(stranger: Path, tmp_path: Path) -> None:
    assert "1 passed" in _pytest(stranger, tmp_path, UNINVOLVED, "-p", "no:anyio")
