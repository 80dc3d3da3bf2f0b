"""`python -m mock_rails.tempo.contracts`: compile the sources and rewrite the artifacts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mock_rails.tempo.contracts.artifacts import NAMES
from mock_rails.tempo.contracts.compiling import compile_contract


def main() -> None:
    """Write one JSON file for each contract, next to its source."""
    for name in NAMES:
        made = compile_contract(name)
        path = Path(__file__).with_name(f"{name}.json")
        path.write_text(json.dumps(made.to_json(), indent=1) + "\n", encoding="utf-8")
        sys.stdout.write(f"{name}: {len(made.runtime)} bytes, {made.compiler}\n")


if __name__ == "__main__":
    main()
