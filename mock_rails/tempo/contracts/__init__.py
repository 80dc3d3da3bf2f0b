"""Contracts in EVM code that a Tempo chain has from its first block, written here in Vyper.

The sources (`*.vy`) are compiled ahead of time into artifacts (`*.json`), so that a chain needs no
compiler. After a change of a source, `python -m mock_rails.tempo.contracts` makes them anew; a test
refuses an artifact that is not what its source compiles to.
"""

from mock_rails.tempo.contracts.artifacts import Artifact, artifact, runtime_code

__all__ = ["Artifact", "artifact", "runtime_code"]
