"""The stores' public names: importable from one place, documented, and light to import."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

from mock_rails.core import SandboxError
from sandbox.server import stores
from tests.architecture.project import ROOT


def test_all_names_exactly_what_is_public() -> None:
    visible = {
        name
        for name, value in vars(stores).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert set(stores.__all__) == visible


@pytest.mark.parametrize("name", stores.__all__)
def test_a_public_name_is_documented(name: str) -> None:
    assert getattr(stores, name).__doc__


def test_errors_have_codes_of_their_own() -> None:
    errors = [
        one
        for one in map(vars(stores).get, stores.__all__)
        if isinstance(one, type) and issubclass(one, SandboxError)
    ]
    assert len({one.code for one in errors}) == len(errors) == 8


def test_redis_is_loaded_by_who_uses_it_only() -> None:
    program = "import sys, sandbox.server.stores; print('redis' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"
