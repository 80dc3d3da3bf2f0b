"""Values as people type them on a command line, and what is said when they are wrong."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from mock_rails.core.errors import BadInput

LONGEST_MS: Final = 24 * 60 * 60 * 1000
DEEPEST_HISTORY: Final = 10_000_000
FASTEST: Final = 1_000_000

_KEY: Final = re.compile(r"(?:sk|rk|pk)_(?:test|live)_\w+")
_ACCOUNT: Final = re.compile(r"acct_\w+")


def parse_duration_ms(text: str) -> int:
    """A span of time as people type it: `1`, `0.2` (seconds), `1s`, `200ms`; whole milliseconds."""
    number, scale = text.strip(), 1000
    if number.endswith("ms"):
        number, scale = number[:-2], 1
    elif number.endswith("s"):
        number = number[:-1]
    try:
        milliseconds = Decimal(number) * scale
        whole = int(milliseconds)
    except (InvalidOperation, ValueError, OverflowError):
        raise BadInput(f"{text!r} is no span of time.", hint="Write 1, 0.2, 1s or 200ms.") from None
    if whole != milliseconds or not 0 < whole <= LONGEST_MS:
        raise BadInput(
            f"{text!r} is not between 1 ms and one day, in whole milliseconds.",
            hint="Write 1, 0.2, 1s or 200ms.",
        )
    return whole


def parse_port(text: str) -> int:
    """A TCP port; 0 lets the system pick a free one."""
    if text.isascii() and text.isdigit() and int(text) <= 65_535:
        return int(text)
    raise BadInput(f"{text!r} is no port.", hint="Ports are 0 (any free one) to 65535.")


def parse_history(text: str) -> int:
    """How many blocks to keep."""
    if text.isascii() and text.isdigit() and 0 < int(text) <= DEEPEST_HISTORY:
        return int(text)
    raise BadInput(
        f"{text!r} is no number of blocks to keep.",
        hint=f"It is a whole number from 1 to {DEEPEST_HISTORY}.",
    )


def parse_chain_id(text: str) -> int:
    """An EIP-155 chain id."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 1 << 64:
        return int(text)
    raise BadInput(f"{text!r} is no chain id.", hint="It is a whole number above 0.")


def parse_rate(text: str) -> int:
    """How many requests a second."""
    if text.isascii() and text.isdigit() and 0 < int(text) <= FASTEST:
        return int(text)
    raise BadInput(
        f"{text!r} is no number of requests a second.",
        hint=f"It is a whole number from 1 to {FASTEST}.",
    )


def parse_key(text: str) -> tuple[str, str]:
    """An API key and whose it is: `sk_test_shop=acct_shop`."""
    key, equals, account = text.partition("=")
    if not equals or not _KEY.fullmatch(key) or not _ACCOUNT.fullmatch(account):
        raise BadInput("This is no key with its account.", hint="Write sk_test_shop=acct_shop.")
    return key, account
