"""The names that people import from the gate's and the payer's packages: all there, all lazy."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import sandbox.client
import sandbox.server

if TYPE_CHECKING:
    from types import ModuleType

PACKAGES = (sandbox.client, sandbox.server)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there_and_knows_its_name(package: ModuleType) -> None:
    assert list(package.__all__) == sorted(package.__all__)
    assert set(package.__all__) == set(package._HOMES)
    for name in package.__all__:
        found = getattr(package, name)
        assert found.__name__ == name
        assert found.__module__.startswith(f"{package.__name__}.")


def test_a_server_is_written_with_the_package_alone() -> None:
    from sandbox.server import (
        Challenges,
        Gate,
        MemoryStore,
        Route,
        SessionServer,
        charge_offers,
    )

    assert all((Challenges, Gate, MemoryStore, Route, SessionServer, charge_offers))


@pytest.mark.parametrize("package", PACKAGES)
def test_any_other_name_is_an_error_that_says_so(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"{package.__name__!r} has no attribute 'nonsense'"):
        _ = package.nonsense


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_itself_loads_nothing(package: ModuleType) -> None:
    """The command line answers a wrong option before httpx, pydantic or pympp are loaded."""
    script = (
        f"import sys, {package.__name__}\nprint([m for m in ('httpx', 'mpp') if m in sys.modules])"
    )
    command = [sys.executable, "-c", script]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
