"""`expand[]`: references replaced by the objects they name (facts: stripe 2.8).

A reference is an id, and its prefix says which table it is in. Some fields are not there at all
until they are expanded (a charge's `refunds`): their resource registers them with `includable`.
Nothing is changed in place: what is expanded is copied along the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mock_rails.stripe.operation import Operation

DEEPEST: Final = 4

TABLES: Final = {
    "ch": "charges",
    "clock": "test_clocks",
    "cus": "customers",
    "dp": "disputes",
    "evt": "events",
    "fee": "application_fees",
    "in": "invoices",
    "inpay": "invoice_payments",
    "mandate": "mandates",
    "pi": "payment_intents",
    "pm": "payment_methods",
    "po": "payouts",
    "price": "prices",
    "prod": "products",
    "py": "charges",
    "pyr": "refunds",
    "re": "refunds",
    "seti": "setup_intents",
    "si": "subscription_items",
    "spt": "granted_tokens",
    "sub": "subscriptions",
    "tr": "transfers",
    "txn": "balance_transactions",
    "we": "webhook_endpoints",
}
"""The table of the objects whose ids begin so."""

_INCLUDABLE: Final[dict[tuple[str, str], Callable[[Operation, dict[str, Any]], Any]]] = {}


def includable(
    object_type: str, field: str, value: Callable[[Operation, dict[str, Any]], Any]
) -> None:
    """Let a field that objects of that type do not show be asked for; `value` makes it from the
    object's fields: an object, a list object, or an id."""
    _INCLUDABLE[object_type, field] = value


def expanded(operation: Operation, document: dict[str, Any], paths: Sequence[str]) -> Any:
    """The document with all paths expanded."""
    for place, path in enumerate(paths):
        names = path.split(".")
        param = f"expand[{place}]"
        if len(names) - (names[0] == "data") > DEEPEST:
            raise InvalidRequest(
                f"You cannot expand more than {DEEPEST} levels of a property. "
                f"Property: {path[:200]}",
                param=param,
            )
        found = [False]
        document = _expand(operation, document, names, found, (path, param))
        if not found[0] and not _may_be_anything(document, names):
            raise _cannot(path, param)
    return document


def _may_be_anything(document: dict[str, Any], names: Sequence[str]) -> bool:
    """Whether an empty list leaves it open if there is such a field."""
    return names[0] == "data" and document.get("object") in ("list", "search_result")


def _expand(
    operation: Operation,
    value: Any,
    names: Sequence[str],
    found: list[bool],
    asked: tuple[str, str],
) -> Any:
    """The value with `names` below it expanded. `found` becomes true where the path leads
    somewhere, if only to null."""
    if isinstance(value, list):
        return [_expand(operation, item, names, found, asked) for item in value]
    if isinstance(value, str):
        value = _looked_up(operation, value)
    if not isinstance(value, dict):
        # Null, or an object that is gone: there is nothing to expand, and nothing wrong.
        found[0] = True
        return value
    if not names:
        found[0] = True
        return value
    name, rest = names[0], names[1:]
    include = _INCLUDABLE.get((str(value.get("object")), name))
    if name not in value and include is None:
        raise _cannot(*asked)
    child = value[name] if name in value else include(operation, value)  # type: ignore[misc]
    if not rest and not _is_expandable(child):
        raise _cannot(*asked)
    return {**value, name: _expand(operation, child, rest, found, asked)}


def _is_expandable(child: Any) -> bool:
    if isinstance(child, str):
        return child.partition("_")[0] in TABLES and "_" in child
    return child is None or isinstance(child, dict | list)


def _looked_up(operation: Operation, reference: str) -> Any:
    table = TABLES.get(reference.partition("_")[0])
    record = operation.find(table, reference) if table is not None else None
    return record.fields if record is not None else reference


def _cannot(path: str, param: str) -> InvalidRequest:
    return InvalidRequest(f"This property cannot be expanded ({path[:200]}).", param=param)
