"""JSON objects in base64, as headers carry them: with or without padding, in either alphabet.

Spec: facts, protocol 1.1 and 2.6: receipts and credentials are base64url without padding, snapshots
are base64 with it, and SDKs read both.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson


def read_base64_json(text: str) -> dict[str, Any] | None:
    """The JSON object in a text; None if there is none."""
    plain = text.strip().rstrip("=").replace("+", "-").replace("/", "_")
    try:
        padded = plain + "=" * (-len(plain) % 4)
        found = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None
    return found if type(found) is dict else None


def to_base64url_json(document: dict[str, Any]) -> str:
    """An object as a header's value."""
    return base64.urlsafe_b64encode(orjson.dumps(document)).decode().rstrip("=")
