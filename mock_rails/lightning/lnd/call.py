"""One call as the handlers see it, and the table of all calls (facts: lightning 4.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from mock_rails.lightning.errors import LightningError
from mock_rails.lightning.lnd.lenient import tolerates

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from mock_rails.lightning.lnd.fields import Message
    from mock_rails.lightning.lnd.lenient import Deviation
    from mock_rails.lightning.lnd.permissions import Permission
    from mock_rails.lightning.node import Node
    from mock_rails.lightning.rail import Lightning

    Unary = Callable[["Call"], Awaitable[dict[str, Any]]]
    Streaming = Callable[["Call"], AsyncGenerator[dict[str, Any], None]]

UNIMPLEMENTED: Final = 12

LISTED_AT_MOST: Final = 10_000
"""Entries of one list; a client goes on from the last index it was given."""


@dataclass(frozen=True, slots=True)
class Call:
    """What somebody who may asks for, read and checked."""

    node: Node
    fields: dict[str, Any]
    """The request's message: all its fields, those that stand in the path as well."""

    @property
    def rail(self) -> Lightning:
        """The network."""
        return self.node.rail

    def tolerates(self, deviation: Deviation) -> bool:
        """Whether the node lets this pass."""
        return tolerates(self.node, deviation)

    def refuse(self, *names: str) -> None:
        """Refuse what LND can and this network cannot, rather than pass over it."""
        for name in names:
            if self.fields[name]:
                raise LightningError(f"{name} is not emulated", UNIMPLEMENTED)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of LND's calls."""

    verb: str
    pattern: str
    """The path, with `{name}` for what stands in it."""
    permission: Permission
    message: Message
    unary: Unary | None = None
    stream: Streaming | None = None
    profiles: tuple[str, ...] = ("0.20", "0.21")


class Table:
    """Finds the call that a request means."""

    def __init__(self, endpoints: Sequence[Endpoint], version: str, *, lenient: bool) -> None:
        """With `lenient` it has the calls of other versions too, where this one has none."""
        self._fixed: dict[str, dict[str, Endpoint]] = {}
        self._patterns: list[tuple[re.Pattern[str], Endpoint]] = []
        others = [one for one in endpoints if lenient and version not in one.profiles]
        for one in (*(one for one in endpoints if version in one.profiles), *others):
            if "{" in one.pattern:
                expression = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", one.pattern)
                self._patterns.append((re.compile(expression), one))
            else:
                self._fixed.setdefault(one.pattern, {}).setdefault(one.verb, one)

    def find(self, verb: str, path: str) -> tuple[Endpoint | None, dict[str, str], bool]:
        """The call and what stands in its path; whether the path is known at all."""
        known = self._fixed.get(path)
        if known is not None and verb in known:
            return known[verb], {}, True
        is_known = known is not None
        for expression, one in self._patterns:
            match = expression.fullmatch(path)
            if match is not None:
                if one.verb == verb:
                    parts = {name: unquote(value) for name, value in match.groupdict().items()}
                    return one, parts, True
                is_known = True
        return None, {}, is_known
