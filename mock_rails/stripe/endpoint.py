"""An endpoint: a verb, a path, what it takes, and the function that answers a call of it.

Each resource file ends with its `ENDPOINTS`; `resources/__init__.py` collects them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mock_rails.stripe.parameters import Object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation
    from mock_rails.stripe.wire.request_log import RequestLog

NOTHING: Final = Object({})


class Page(NamedTuple):
    """Some of the objects that a list holds."""

    records: Sequence[Record]
    has_more: bool
    url: str


class Found(NamedTuple):
    """Some of the objects that a search has found."""

    records: Sequence[Record]
    next_page: str | None
    """The token that gives the next ones."""
    url: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one endpoint, its parameters parsed."""

    operation: Operation
    params: dict[str, Any]
    ids: Mapping[str, str]
    """What stands in the path: `{id}` is `call.ids["id"]`."""
    path: str
    publishable: bool = False
    """Whether it came with a publishable key, which may do little."""
    requests: RequestLog | None = None
    """What has been asked so far, for the sandbox's own controls."""
    endpoints: Sequence[Endpoint] = ()
    """Everything that can be called, for the same."""

    @property
    def id(self) -> str:
        """The object that the path names."""
        return self.ids["id"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint."""

    verb: str
    path: str
    handler: Callable[[Call], Record | Page | Found | dict[str, Any]]
    takes: Object = NOTHING
    """Its parameters but `expand`, which all take."""
    publishable: bool = False
    """Whether publishable keys may call it (with the object's client secret)."""
