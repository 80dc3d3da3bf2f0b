"""An endpoint: a verb, a path, what it takes, and the function that answers a call of it.

Each resource file ends with its `ENDPOINTS`; `resources/__init__.py` collects them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mock_rails.stripe.parameters import Object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mock_rails.stripe.model import Record
    from mock_rails.stripe.operation import Operation

NOTHING: Final = Object({})


class Page(NamedTuple):
    """Some of the objects that a list holds."""

    records: Sequence[Record]
    has_more: bool
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

    @property
    def id(self) -> str:
        """The object that the path names."""
        return self.ids["id"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint."""

    verb: str
    path: str
    handler: Callable[[Call], Record | Page | dict[str, Any]]
    takes: Object = NOTHING
    """Its parameters but `expand`, which all take."""
    publishable: bool = False
    """Whether publishable keys may call it (with the object's client secret)."""
    tags: frozenset[str] = field(default=frozenset())
    """What faults may select it by beside its path."""
