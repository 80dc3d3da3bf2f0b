"""From a verb and a path to its endpoint: a tree of path segments, walked once a request.

What Stripe has and this rail does not is told apart from what nobody has (facts: stripe 1.1): the
first is refused with 501, the second with Stripe's own 404.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mock_rails.stripe.errors import InvalidRequest, NotEmulated
from mock_rails.stripe.wire.stripe_paths import WORDS_NOT_IDS, does_stripe, is_stripes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_rails.stripe.endpoint import Endpoint


@dataclass(slots=True)
class _Node:
    """The paths that share a beginning."""

    literal: dict[str, _Node] = field(default_factory=dict)
    named: _Node | None = None
    endpoints: dict[str, tuple[Endpoint, tuple[str, ...]]] = field(default_factory=dict)
    """By verb: the endpoint that ends here, and the names of the ids on the way."""


class Router:
    """All endpoints."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._root = _Node()
        for endpoint in endpoints:
            self._add(endpoint)

    def find(self, verb: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        """The endpoint and the ids in its path, or the refusal that fits."""
        if (verb, path) in WORDS_NOT_IDS:
            raise NotEmulated(f"{verb} {path}")
        values: list[str] = []
        node: _Node | None = self._root
        for part in path.split("/")[1:]:
            following = node.literal.get(part) if node else None
            if following is None and node is not None and node.named is not None and part:
                following = node.named
                values.append(part)
            node = following
            if node is None:
                break
        found = node.endpoints.get(verb) if node is not None else None
        if found is None:
            raise _refusal(verb, path, known=node is not None and bool(node.endpoints))
        endpoint, names = found
        return endpoint, dict(zip(names, values, strict=True))

    def _add(self, endpoint: Endpoint) -> None:
        names = []
        node = self._root
        for part in endpoint.path.split("/")[1:]:
            if part.startswith("{"):
                names.append(part[1:-1])
                node.named = node.named or _Node()
                node = node.named
            else:
                node = node.literal.setdefault(part, _Node())
        if endpoint.verb in node.endpoints:
            raise ValueError(f"There are two endpoints {endpoint.verb} {endpoint.path}.")
        node.endpoints[endpoint.verb] = endpoint, tuple(names)


def _refusal(verb: str, path: str, *, known: bool) -> InvalidRequest:
    shown = path[:200]
    theirs = does_stripe(verb, path) if known else is_stripes(path)
    if theirs and verb in ("GET", "POST", "DELETE"):
        return NotEmulated(f"{verb} {shown}")
    return InvalidRequest(
        f"Unrecognized request URL ({verb[:20]}: {shown}). If you are trying to list objects, "
        "remove the trailing slash. If you are trying to retrieve an object, make sure you passed "
        "a valid identifier.",
        status=404,
    )
