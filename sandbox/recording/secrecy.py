"""What a capture may hold. Whoever gets a bug report must not get a key with it.

Kept, for without them nothing could be replayed, and they open nothing but a devnet that grew from
the same seed: payment credentials (used once, for test money), this devnet's macaroons and
preimages, and the public development keys.

Never kept: API keys other than the sandbox's own (they are replaced by it, and mean the same
account here), cookies, authorizations of other kinds, and private keys in bodies. What was taken
out is noted in the file.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from mock_rails.core.plain import REDACTED

if TYPE_CHECKING:
    from collections.abc import Collection

PUBLIC_KEY: Final = "sk_test_sandbox"
_API_KEY: Final = re.compile(r"\b((?:sk|rk|pk)_(test|live)_)[A-Za-z0-9_]+")
_SECRET_NAME: Final = r"[\w-]*(?:key|secret|token|password|macaroon|mnemonic)"
_ASSIGNED: Final = re.compile(rf"(?i)(?<![\w-])({_SECRET_NAME}=)[^\s&\"']+")
_OPTION: Final = re.compile(rf"(?i)--{_SECRET_NAME}")
_PRIVATE: Final = re.compile(
    r'(?i)("(?:private_?key|secret_?key|mnemonic|seed_?phrase|password)"\s*:\s*")[^"]*(")'
)
_KEPT_SCHEMES: Final = frozenset({"payment", "l402", "lsat"})
_AUTHORIZATIONS: Final = frozenset({"authorization", "proxy-authorization"})


class Censor:
    """Takes out what does not belong into a file, and remembers that it did."""

    def __init__(self, public: Collection[str] = ()) -> None:
        """`public` are values that everybody may know: the devnet's own passwords."""
        self._public = frozenset(public)
        self.notes: list[str] = []

    def headers(self, found: list[tuple[str, str]]) -> list[list[str]]:
        """Headers as they may be kept."""
        return [[name, self._header(name.lower(), value)] for name, value in found]

    def body(self, text: str) -> str:
        """A body as it may be kept."""
        masked = _PRIVATE.sub(rf"\g<1>{REDACTED}\g<2>", self._keys(text))
        if masked != text:
            self._note("a private key or API key in a body was taken out")
        return masked

    def command(self, words: list[str]) -> list[str]:
        """A command line as it may be kept: values of what looks like a secret are left out."""
        kept: list[str] = []
        for word in words:
            if kept and _OPTION.fullmatch(kept[-1]):
                kept.append(REDACTED)
            else:
                kept.append(self._keys(_ASSIGNED.sub(rf"\g<1>{REDACTED}", word)))
        if kept != words:
            self._note("a secret in the command was taken out")
        return kept

    def _header(self, name: str, value: str) -> str:
        if name == "cookie":
            self._note("cookies were taken out")
            return REDACTED
        if name not in _AUTHORIZATIONS:
            return self._keys(value)
        scheme, _, given = value.partition(" ")
        if scheme.lower() in _KEPT_SCHEMES or self._is_public(scheme, given):
            return value
        if (key := self._api_key(scheme, given)) is not None:
            self._note("API keys were replaced by the sandbox's own")
            return f"Bearer {self._keys(key)}"
        self._note("an authorization that is not the devnet's was taken out")
        return f"{scheme} {REDACTED}"

    def _is_public(self, scheme: str, given: str) -> bool:
        key = self._api_key(scheme, given)
        if key == PUBLIC_KEY or given in self._public:
            return True
        return any(one in self._public for one in _of_basic(given).split(":") if one)

    def _api_key(self, scheme: str, given: str) -> str | None:
        found = given.strip() if scheme.lower() == "bearer" else _of_basic(given).partition(":")[0]
        return found if _API_KEY.fullmatch(found) else None

    def _keys(self, text: str) -> str:
        return _API_KEY.sub(
            lambda found: found[0] if found[0] == PUBLIC_KEY else f"{found[1]}sandbox", text
        )

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _of_basic(given: str) -> str:
    try:
        return base64.b64decode(given.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
