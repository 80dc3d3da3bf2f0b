"""What the tests with Node share."""

from __future__ import annotations

import pytest

from tests.interop.node_support import install_packages


@pytest.fixture(scope="session")
def packages() -> None:
    """The npm packages, installed once."""
    install_packages()
