"""API versions: `2026-07-29.preview`, `2026-10-28.endive`, `2020-08-27` (facts: stripe 0.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mock_rails.stripe.errors import InvalidRequest

if TYPE_CHECKING:
    from mock_rails.stripe.settings import StripeSettings

BASIL: Final = "2025-03-31"
"""The release that moved the periods of subscriptions to their items, and more (1.9)."""

_VERSION: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.([a-z]+))?")


@dataclass(frozen=True, slots=True)
class Version:
    """One version; later dates are newer, and previews have thresholds of their own."""

    date: str
    track: str = ""

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read the header's text."""
        found = _VERSION.fullmatch(text)
        if found is None:
            raise InvalidRequest(f"Invalid Stripe API version: {text[:60]}")
        return cls(found[1], found[2] or "")

    @property
    def is_preview(self) -> bool:
        """Whether it is of the preview track."""
        return self.track == "preview"

    def since(self, released: str, preview: str | None = None) -> bool:
        """Whether a change of that date is in it; `preview` is its date on the preview track."""
        return self.date >= (preview if preview is not None and self.is_preview else released)

    def __str__(self) -> str:
        """The header's text."""
        return f"{self.date}.{self.track}" if self.track else self.date


def effective(header: str | None, account: str, settings: StripeSettings) -> Version:
    """The version of a request: its header's, or else its account's. What is no version is refused
    where the settings are strict, and taken for none where they are not."""
    own = settings.versions.get(account, settings.default_version)
    if header is None:
        return Version.parse(own)
    if settings.strict_version or _VERSION.fullmatch(header):
        return Version.parse(header)
    return Version.parse(own)
