"""What a node says when it refuses: a gRPC code and LND's words (facts: lightning 4.2, 4.3).

The words are those that clients of LND match on; other wires put the same refusals into their own.
"""

from __future__ import annotations

from typing import Final

from mock_rails.core.errors import SandboxError

UNKNOWN: Final = 2
INVALID_ARGUMENT: Final = 3
NOT_FOUND: Final = 5
ALREADY_EXISTS: Final = 6
UNAVAILABLE: Final = 14
UNAUTHENTICATED: Final = 16

_STATUS: Final = {1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 12: 501,
                  13: 500, 14: 503, 16: 401}  # fmt: skip


class LightningError(SandboxError):
    """A node refuses; nothing was changed."""

    code = "lightning"
    title = "The Lightning node refuses"

    def __init__(self, message: str, grpc_code: int = UNKNOWN, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, status=_STATUS.get(grpc_code, 500))
        self.grpc_code = grpc_code


class ResponseLostError(Exception):
    """An armed fault: what was asked for is done, and nobody is to hear of it."""
