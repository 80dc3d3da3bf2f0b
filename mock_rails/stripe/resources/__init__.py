"""The resources: one file a noun, each with its object, its rules and its endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.stripe.resources import customers

if TYPE_CHECKING:
    from mock_rails.stripe.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint, ...]] = (*customers.ENDPOINTS,)
