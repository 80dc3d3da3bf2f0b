"""What may be a key, a prefix, a value or a collection's name: the same in all backends.

A key that one backend takes and another refuses would turn up on the day somebody moves from
memory to SQLite, so the limits are checked here and not left to whoever stores.
"""

from __future__ import annotations

import re
from typing import Final

from mock_rails.core.errors import BadInput

LONGEST_KEY: Final = 1_024
LONGEST_VALUE: Final = 1 << 20

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def checked_key(key: str) -> str:
    """The key itself: a text of 1 to 1,024 characters that can be written as UTF-8."""
    if type(key) is str and 0 < len(key) <= LONGEST_KEY and (key.isascii() or _is_unicode(key)):
        return key
    raise BadInput(
        f"A key is a text of 1 to {LONGEST_KEY:,} Unicode characters, not {_shown(key)}."
    )


def checked_prefix(prefix: str) -> str:
    """The prefix itself: the beginning of a key, which may be empty."""
    return prefix if prefix == "" else checked_key(prefix)


def checked_value(value: str) -> str:
    """A mark's value: a text of up to a mebibyte; pympp keeps hashes and raw transactions in it."""
    if isinstance(value, str) and len(value) <= LONGEST_VALUE and _is_unicode(value):
        return value
    raise BadInput(
        f"A value is a text of up to {LONGEST_VALUE:,} Unicode characters, not {_shown(value)}."
    )


def checked_name(name: str) -> str:
    """A collection's or namespace's name: short, lower-case and safe inside a Redis key."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise BadInput(
        f"A collection's name is up to 64 of a-z, 0-9, _ and -, not {_shown(name)}.",
        hint="It begins with a letter, as in 'channels'.",
    )


def _is_unicode(text: str) -> bool:
    """Whether it holds no lone surrogates, which neither SQLite nor Redis can keep."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    if isinstance(value, str) and len(value) > 60:
        return f"one of {len(value):,}: {value[:40]!a}..."
    return f"{value!a}"[:100]
