"""Who pays and where they live, as parameters (facts: stripe 1.5, 1.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Object, Text

_LONGEST: Final = 512


@dataclass(frozen=True, slots=True)
class Whole:
    """An object that is shown with all its fields: those that were not given are null."""

    kind: Object

    def parse(self, value: Any, param: str) -> dict[str, Any] | None:
        """The object, filled up."""
        given = self.kind.parse(value, param)
        return None if given is None else {**dict.fromkeys(self.kind.fields), **given}


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail address."""

    def parse(self, value: Any, param: str) -> str | None:
        """The address, or its refusal."""
        text = Text(_LONGEST, nullable=True).parse(value, param)
        if text is not None and ("@" not in text.strip("@") or " " in text):
            raise InvalidRequest(
                f"Invalid email address: {text[:100]}", code="email_invalid", param=param
            )
        return text


_TEXT: Final = Text(nullable=True)
ADDRESS: Final = Whole(
    Object(
        dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), _TEXT),
        nullable=True,
    )
)
BILLING: Final = Object(
    {"address": ADDRESS, "email": Email(), "name": _TEXT, "phone": _TEXT, "tax_id": _TEXT}
)
NO_BILLING: Final[dict[str, Any]] = {
    **dict.fromkeys(BILLING.fields),
    "address": dict.fromkeys(ADDRESS.kind.fields),
}
"""The billing details of who has given none."""

RESIDENCE: Final = Whole(
    Object({"address": ADDRESS, "name": Text(), "phone": _TEXT}, required=("name",), nullable=True)
)
"""Where a customer has things sent."""
SHIPPING: Final = Whole(
    Object(
        {**RESIDENCE.kind.fields, "carrier": _TEXT, "tracking_number": _TEXT},
        required=("address", "name"),
        nullable=True,
    )
)
"""Where a payment's goods are sent."""
