"""The `Stripe-Signature` header (facts: stripe 4).

The time in it is the wall's, not the sandbox's: receivers compare it with their own clock.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def sign(body: bytes, secrets: Sequence[str], at_s: int) -> str:
    """The header's value: one `v1` for each secret, while one is rolled there are two."""
    message = str(at_s).encode() + b"." + body
    marks = [hmac.new(one.encode(), message, sha256).hexdigest() for one in secrets]
    return ",".join([f"t={at_s}", *(f"v1={mark}" for mark in marks)])
