"""Amounts, hosts and names as people write them, brought into the one form that is compared.

Text becomes base units by exact string arithmetic: Decimal's own rounds at 28 digits, and tokens
have more.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

import httpx

from mock_rails.core.errors import BadInput
from sandbox.client.errors import InvalidAmountError

MAX_AMOUNT: Final = (1 << 256) - 1
"""The largest amount that any token can hold."""

_MAX_DECIMALS: Final = 77
_LONGEST_TEXT: Final = 256
_AMOUNT: Final = re.compile(r"\$?\s?(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?")
_HOST: Final = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
PORT: Final = re.compile(r":[0-9]+$")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def parse_amount(text: str | Decimal, decimals: int) -> int:
    """Base units of an amount such as "0.01", "$5" or a Decimal, exactly.

    What is finer than the token's smallest unit is refused, never rounded; trailing zeros are fine.
    """
    check_decimals(decimals)
    if isinstance(text, Decimal):
        text = _plain(text)
    written = _AMOUNT.fullmatch(text.strip()) if len(text) <= _LONGEST_TEXT else None
    if written is None:
        raise InvalidAmountError(
            f"An amount is written as 5, 0.01 or $0.01, not {text[:40]!r}.",
            hint="No sign, no exponent, no separators of thousands; a point before the fraction.",
        )
    fraction = (written[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise InvalidAmountError(
            f"{text.strip()} has {len(fraction)} decimals; the token has {decimals}.",
            details={"decimals": decimals},
        )
    return checked_amount(int(written[1] + fraction.ljust(decimals, "0") or "0"))


def format_amount(amount: int, decimals: int) -> str:
    """The amount as people write it: 10000 with 6 decimals is "0.01"."""
    check_decimals(decimals)
    whole, fraction = divmod(checked_amount(amount), 10**decimals)
    digits = str(fraction).rjust(decimals, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def host_of(url: str) -> str:
    """The `host:port` that a request to this URL goes to, read as the HTTP client reads it."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise BadInput(f"That is not a URL: {error}.") from error
    port = parsed.port or _DEFAULT_PORTS.get(parsed.scheme)
    if port is None:
        raise BadInput(f"A URL begins with http, https, ws or wss, not {parsed.scheme[:20]!r}.")
    host = parsed.raw_host.decode("ascii")
    return checked_host(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


@lru_cache(maxsize=1024)
def checked_host(text: str) -> str:
    """One form for all ways to write a host: lower case, ASCII, without a final dot."""
    try:
        parsed = httpx.URL(f"//{text}")
    except httpx.InvalidURL as error:
        raise BadInput(f"{text[:80]!r} is not a host: {error}.") from error
    name = parsed.raw_host.decode("ascii").lower().removesuffix(".")
    host = f"[{name}]" if ":" in name else name
    port = parsed.port
    strays = set("/?#@%*").intersection(text)
    if strays or not _HOST.fullmatch(host) or not (port is None or 0 < port < 1 << 16):
        raise BadInput(
            f"{text[:80]!r} is not a host.", hint="Write api.example.com, or localhost:8402."
        )
    return host if port is None else f"{host}:{port}"


def _plain(number: Decimal) -> str:
    """A Decimal without an exponent; a wild one would be megabytes of zeros."""
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or max(len(digits), abs(exponent)) > _LONGEST_TEXT:
        raise InvalidAmountError("An amount is finite and of a sensible length.")
    return format(number, "f")


def check_decimals(decimals: int) -> None:
    """Refuse a number of decimals that no token has."""
    if type(decimals) is not int or not 0 <= decimals <= _MAX_DECIMALS:
        raise InvalidAmountError(f"A token has 0 to {_MAX_DECIMALS} decimals.")


def checked_amount(amount: int) -> int:
    """The amount, if it is one."""
    if type(amount) is not int or not 0 <= amount <= MAX_AMOUNT:
        raise InvalidAmountError("An amount is an integer in base units, from 0 to 2^256 - 1.")
    return amount


def checked_name(value: str, what: str) -> str:
    """A currency, recipient or session; addresses are one whatever the case of their digits."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT or not value.isprintable():
        raise BadInput(f"A {what} is a printable text of 1 to {_LONGEST_TEXT} characters.")
    return value.lower()
