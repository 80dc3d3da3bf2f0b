"""Where the Payment credential is in a request, if there is one, and only one.

    Authorization: Bearer eyJ..., Payment eyJ...
    Payment-Authorization: Payment eyJ...

Core draft, credentials (facts: protocol 1.1, rows 3, 4 and 19). Two fields may carry it: the second
leaves `Authorization` to the application's own login. pympp and mppx take the first credential they
find and split at every comma; the draft wants 400 for more than one, and a comma or the word inside
another scheme's quoted string is no credential. What it says is left to pympp's parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mpp import AUTHORIZATION_HEADER, PAYMENT_AUTHORIZATION_HEADER
from mpp.errors import BadRequestError, MalformedCredentialError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST_FIELD: Final = 64 * 1_024
"""The longest field that is looked into: pympp's and mppx's limit."""

# "payment =" would be a parameter of another scheme: RFC 9110, 11.2 allows blanks around the sign.
_CREDENTIAL: Final = re.compile(r"[ \t]*+payment(?:[ \t]++(?!=)|\Z)", re.IGNORECASE)
_SCHEME_ANYWHERE: Final = re.compile(r"(?:^|,)[ \t]*+payment[ \t]", re.IGNORECASE)
_COMMA_OR_QUOTE: Final = re.compile(r'[,"]')
_QUOTED: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class FoundCredential:
    """A credential as it came: undecoded, unchecked."""

    header: str
    """The field it came in, under pympp's name for it."""

    value: str
    """`Payment ` and what followed, in the one spelling that pympp's parser takes."""


def find_credential(
    authorization: Iterable[str] = (), payment_authorization: Iterable[str] = ()
) -> FoundCredential | None:
    """The one Payment credential in all `Authorization` and `Payment-Authorization` fields.

    None if there is none: other schemes are the application's. BadRequestError (400) if there are
    several, even equal ones. MalformedCredentialError (402) if it is in a field too long to read.
    """
    found = [
        FoundCredential(header, value)
        for header, fields in (
            (AUTHORIZATION_HEADER, authorization),
            (PAYMENT_AUTHORIZATION_HEADER, payment_authorization),
        )
        for field in fields
        for value in _credentials(header, field)
    ]
    if len(found) > 1:
        raise BadRequestError(f"{len(found)} Payment credentials were sent, not one")
    return found[0] if found else None


def _credentials(header: str, field: str) -> Iterator[str]:
    """The Payment credentials in one field."""
    if len(field) > LONGEST_FIELD:
        # A large login of another scheme is none of our business.
        if _SCHEME_ANYWHERE.search(field):
            raise MalformedCredentialError(f"{header} exceeds {LONGEST_FIELD:,} characters")
        return
    for member in _members(field):
        if scheme := _CREDENTIAL.match(member):
            yield f"Payment {member[scheme.end() :].strip()}".rstrip()


def _members(field: str) -> Iterator[str]:
    """The field split at the commas outside quoted strings, in one pass.

    A quote that nothing closes is taken for an ordinary character, so that damage in one scheme
    does not hide another.
    """
    if '"' not in field:
        yield from field.split(",")
        return
    start = at = 0
    while found := _COMMA_OR_QUOTE.search(field, at):
        if found[0] == ",":
            yield field[start : found.start()]
            start = at = found.end()
        elif quoted := _QUOTED.match(field, found.start()):
            at = quoted.end()
        else:
            yield from field[start:].split(",")
            return
    yield field[start:]
