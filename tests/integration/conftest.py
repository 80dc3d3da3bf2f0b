"""What the tests of whole programs share: this checkout's wheel, built once a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.strangers import build_wheel

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as a stranger installs it."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))
