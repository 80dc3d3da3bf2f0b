"""Plain values: how the sandbox's objects look as JSON, with secrets taken out.

The journal keeps what rails hand it as it is and calls this when it is read. Bytes become 0x-hex,
integers too big for a JavaScript number become decimal text (a reader in a browser would silently
round them), and the values of keys that name a secret are replaced.

Redacted, whatever the case and punctuation of the key, alone or at its end (`payerPrivateKey`):
private keys, secret keys and secrets, API keys, passwords and passphrases, mnemonics and seed
phrases, signing and signature seeds, macaroons, preimages and cookies. Redacted where the whole key
is their name: the headers Authorization, Payment-Authorization and Proxy-Authorization (a Tempo
`keyAuthorization` is public).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

REDACTED: Final = "[redacted]"

SECRET_NAMES: Final = (
    "apikey",
    "cookie",
    "macaroon",
    "mnemonic",
    "passphrase",
    "password",
    "preimage",
    "privatekey",
    "secret",
    "secretkey",
    "seedphrase",
    "signatureseed",
    "signingseed",
)
"""A key that ends with one of these, letters and digits only and in lower case, is a secret's."""

SECRET_HEADERS: Final = frozenset({"authorization", "paymentauthorization", "proxyauthorization"})
"""The same, but only as the whole key."""

EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})

_LARGEST_EXACT: Final = (1 << 53) - 1


@lru_cache(maxsize=4096)
def is_secret(key: str) -> bool:
    """Whether values under this key are kept out of what people read."""
    name = re.sub(r"[^a-z0-9]", "", key.lower())
    return name in SECRET_HEADERS or name.endswith(SECRET_NAMES)


def to_plain(value: Any, *, redact: bool = True) -> Any:
    """The value as JSON can hold it; without secrets, unless `redact` is False."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= _LARGEST_EXACT else str(int(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return "0x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return {_key(key): _entry(key, item, redact) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [to_plain(item, redact=redact) for item in value]
    if isinstance(value, Set):
        return sorted((to_plain(item, redact=redact) for item in value), key=repr)
    if isinstance(value, Fraction | float | BaseException):
        return str(value)
    # Never repr(): it may hold a memory address, and two equal runs must read the same.
    return f"<{type(value).__name__}>"


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(to_plain(key))


def _entry(key: Any, item: Any, redact: bool) -> Any:
    if redact and item is not None and is_secret(_key(key)):
        return REDACTED
    return to_plain(item, redact=redact)
