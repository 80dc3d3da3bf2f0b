"""What binds a challenge to a request's body: RFC 9530's digest, in the two ways it is written.

    digest="sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="      mppx, pympp and us
    digest="sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"    the drafts' examples

Facts: protocol 1.1 row 8, and 2.14 D1.
"""

from __future__ import annotations

from typing import Final

from mpp import BodyDigest

_NAME: Final = "sha-256="


def body_digest(body: bytes) -> str | None:
    """The digest of a body as challenges carry it; None where there is no body to bind."""
    return BodyDigest.compute(body) if body else None


def plain_form(digest: str | None) -> str | None:
    """The digest without the colons of a structured field."""
    if digest is None or not digest.startswith(f"{_NAME}:") or not digest.endswith(":"):
        return digest
    return f"{_NAME}{digest[len(_NAME) + 1 : -1]}"


def digest_matches(digest: str, body: bytes) -> bool:
    """Whether a digest, in either form, is that of the body."""
    return BodyDigest.verify(plain_form(digest) or "", body)
