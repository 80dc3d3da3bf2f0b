"""The contract that `contracts.test.mjs` deploys: its Vyper source and its compiled form.

`python -m tests.interop.counter` compiles the source and rewrites `Counter.json`, so that the tests
in JavaScript need no compiler.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mock_rails.tempo.contracts.artifacts import Artifact
from mock_rails.tempo.contracts.compiling import compile_source

SOURCE = Path(__file__).with_name("Counter.vy")
ARTIFACT = Path(__file__).with_name("Counter.json")


def compiled() -> Artifact:
    """What the source compiles to."""
    return compile_source("Counter", SOURCE.read_text("utf-8"))


def stored() -> Artifact:
    """What the JavaScript tests deploy."""
    return Artifact.from_json(json.loads(ARTIFACT.read_text("utf-8")))


def main() -> None:
    """Rewrite the compiled form."""
    made = compiled()
    ARTIFACT.write_text(json.dumps(made.to_json(), indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"Counter: {len(made.runtime)} bytes, {made.compiler}\n")


if __name__ == "__main__":
    main()
