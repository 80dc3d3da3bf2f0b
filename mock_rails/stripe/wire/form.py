"""Stripe's form grammar: `a[b][0]=x`, in every spelling that clients use (facts: stripe 1.1).

`a[0]=x` makes an object with the key `0`, which lists take as well as real ones; `a[]=x` adds to a
list; `a[][b]=1&a[][c]=2` fills one object until a key comes a second time, then begins the next. A
name that comes twice has its last value. Brackets may be written as `%5B` and `%5D`.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qsl

from mock_rails.stripe.errors import InvalidRequest

_DEEPEST: Final = 16
_MOST_FIELDS: Final = 1_000
_SHOWN: Final = 100
_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def parse_form(text: str) -> dict[str, Any]:
    """The parameters as nested objects of texts."""
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except UnicodeDecodeError:
        raise InvalidRequest("Invalid form body: it is not UTF-8.") from None
    except ValueError:
        raise InvalidRequest(f"Invalid form body: more than {_MOST_FIELDS} fields.") from None
    root: dict[str, Any] = {}
    for key, value in pairs:
        if "[" in key or "]" in key:
            _put(root, _path(key), value, key)
        elif isinstance(root.get(key), dict | list):
            raise _conflict(key)
        else:
            root[key] = value
    return root


def as_list(value: Any) -> Any:
    """The list that `a[0]=x&a[1]=y` means; anything else as it is."""
    if isinstance(value, dict) and value:
        names = [str(place) for place in range(len(value))]
        if all(name in value for name in names):
            return [value[name] for name in names]
    return value


def _path(key: str) -> list[str]:
    found = _NAME.fullmatch(key)
    if found is None:
        raise InvalidRequest(f"Invalid parameter name: {key[:_SHOWN]}", param=key[:_SHOWN])
    path = [found[1], *found[2][1:-1].split("][")]
    if len(path) > _DEEPEST:
        raise InvalidRequest(f"Too deep: {key[:_SHOWN]}", param=key[:_SHOWN])
    return path


def _put(here: dict[str, Any] | list[Any], path: list[str], value: str, key: str) -> None:
    name, rest = path[0], path[1:]
    if isinstance(here, list):
        if not rest:
            here.append(value)
            return
        last = here[-1] if here else None
        if not isinstance(last, dict) or _has(last, rest):
            last = {}
            here.append(last)
        _put(last, rest, value, key)
        return
    child = here.get(name)
    if not rest:
        if isinstance(child, dict | list):
            raise _conflict(key)
        here[name] = value
        return
    wanted = list if rest[0] == "" else dict
    if child is None:
        child = here[name] = wanted()
    elif type(child) is not wanted:
        raise _conflict(key)
    _put(child, rest, value, key)


def _has(here: Any, path: list[str]) -> bool:
    """Whether there is a value at the path already; lists always take one more."""
    for name in path:
        if name == "" or not isinstance(here, dict) or name not in here:
            return False
        here = here[name]
    return True


def _conflict(key: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid parameter: {key[:_SHOWN]} is given in two shapes.",
        code="parameter_invalid",
        param=key.partition("[")[0][:_SHOWN],
    )
