"""What the packages read beside their code is in the wheel: pages, data, scripts for Node."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from tests.integration.strangers import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_all_that_lies_beside_the_code_is_installed(wheel: Path) -> None:
    """`mock_rails/lightning/README.md` says where the wallet for MPP's Lightning SDK is."""
    with zipfile.ZipFile(wheel) as archive:
        installed = set(archive.namelist())
    beside = {
        str(path.relative_to(ROOT))
        for package in ("mock_rails", "sandbox", "scenarios")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "node_modules" not in path.parts
    }
    assert "mock_rails/lightning/spark/wallet.mjs" in beside
    assert beside - installed == set()
