"""`python -m scenarios.claims [--out FOLDER]`: try all claims and write `claims.md`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from scenarios.claims.claim import judged
from scenarios.claims.page import page
from scenarios.claims.table import CLAIMS

SEED = 1
"""The page's; the test that compares the page uses it as well."""


def main() -> None:
    """Write the page into a folder."""
    parser = ArgumentParser(prog="python -m scenarios.claims", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/explain"), metavar="FOLDER")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "claims.md").write_text(page(judged(CLAIMS, SEED), SEED), encoding="utf-8")


if __name__ == "__main__":
    main()
