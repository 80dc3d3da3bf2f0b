"""What journals and explanations show of a shared payment token: enough to tell it from others.

Until a token is used its id is money for the seller whom it was made for (facts: stripe 1), so that
it is told in whole by Stripe's API alone, to whoever has the key.
"""

from __future__ import annotations

import re
from typing import Any, Final

_TOKEN: Final = re.compile(r"(?<![A-Za-z0-9])spt_(\w{4})\w+")


def without_tokens(value: Any) -> Any:
    """Plain JSON with the ids of its tokens cut short."""
    if isinstance(value, str):
        return _TOKEN.sub(r"spt_\1…", value)
    if isinstance(value, dict):
        return {name: without_tokens(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_tokens(item) for item in value]
    return value
