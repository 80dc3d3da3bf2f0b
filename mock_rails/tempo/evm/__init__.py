"""The EVM under the chain: py-evm's opcodes on our state, with Tempo's gas and native contracts.

Nothing here is imported before a transaction or a call reaches code that is not a native contract:
py-evm takes longer to import than the rest of the chain.
"""

from __future__ import annotations

import sys


def _load_interpreter() -> None:
    """Import py-evm, but not its recursion limit of 100,000: our machine needs no Python stack, and
    with that limit deeply nested input overflows the C stack instead of raising RecursionError."""
    limit = sys.getrecursionlimit()
    import eth  # noqa: F401 - for its side effect, here and not later

    sys.setrecursionlimit(limit)


_load_interpreter()
