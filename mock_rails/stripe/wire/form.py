"""Stripe's form grammar: `a[b][0]=x`, in every spelling that clients use (facts: stripe 1.1)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from mock_rails.stripe.errors import InvalidRequest

_DEEPEST: Final = 16
_MOST_FIELDS: Final = 1_000


def parse_form(text: str) -> dict[str, Any]:
    """The parameters as nested objects of texts; `a[]` makes a list."""
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise InvalidRequest(f"Invalid form body: {error}") from None
    root: dict[str, Any] = {}
    for key, value in pairs:
        _put(root, key, value)
    return root


def _put(root: dict[str, Any], key: str, value: str) -> None:
    path = _path(key)
    here: Any = root
    for name, following in zip(path, [*path[1:], None], strict=True):
        if isinstance(here, list):
            raise InvalidRequest(f"Invalid parameter name: {key[:100]}", param=key[:100])
        if following is None:
            if name in here and name != path[0]:
                raise InvalidRequest(f"Repeated parameter: {key[:100]}", param=key[:100])
            here[name] = value
            return
        if following == "":
            items = here.setdefault(name, [])
            if not isinstance(items, list) or len(path) > path.index("") + 1:
                raise InvalidRequest(f"Invalid array: {key[:100]}", param=key[:100])
            items.append(value)
            return
        here = here.setdefault(name, {})
        if not isinstance(here, dict):
            raise InvalidRequest(f"Invalid object: {key[:100]}", param=key[:100])


def _path(key: str) -> list[str]:
    head, bracket, rest = key.partition("[")
    if not bracket:
        return [key]
    if not rest.endswith("]") or not head:
        raise InvalidRequest(f"Invalid parameter name: {key[:100]}", param=key[:100])
    path = [head, *rest[:-1].split("][")]
    if len(path) > _DEEPEST:
        raise InvalidRequest(f"Too deep: {key[:100]}", param=key[:100])
    return path
