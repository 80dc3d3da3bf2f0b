"""Objects as JSON: lists in their envelope, references expanded where the call asks for it, in the
shape that the caller's version knows (facts: stripe 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.stripe.endpoint import Found, Page
from mock_rails.stripe.model import Record
from mock_rails.stripe.wire import views
from mock_rails.stripe.wire.expand import expanded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_rails.stripe.operation import Operation


def render(
    operation: Operation, answer: Record | Page | Found | dict[str, Any], expand: Sequence[str] = ()
) -> dict[str, Any]:
    """The answer's body."""
    document = _document(answer)
    if expand:
        document = expanded(operation, document, expand)
    return views.shown(operation, document)


def _document(answer: Record | Page | Found | dict[str, Any]) -> dict[str, Any]:
    if isinstance(answer, Record):
        return answer.fields
    if isinstance(answer, Page):
        return {
            "object": "list",
            "data": [one.fields for one in answer.records],
            "has_more": answer.has_more,
            "url": answer.url,
        }
    if isinstance(answer, Found):
        return {
            "object": "search_result",
            "data": [one.fields for one in answer.records],
            "has_more": answer.next_page is not None,
            "next_page": answer.next_page,
            "url": answer.url,
        }
    return answer
