"""The network as one JSON document, and back: balances, invoices, payments and HTLCs on their way.

Byte strings are hexadecimal, enumerations their values, tuples lists. Reading goes by the types
that the model declares, so a document that does not fit them is refused before anything changes.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

from mock_rails.core.errors import SnapshotError
from mock_rails.lightning.agenda import Entry
from mock_rails.lightning.model import Channel, InvoiceRecord, NodeState, Payment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from mock_rails.lightning.rail import Lightning

VERSION: Final = 1


def dump(rail: Lightning) -> dict[str, Any]:
    """The whole state as JSON values."""
    return {
        "version": VERSION,
        "network": rail.settings.network,
        "nodes": [_plain(one) for one in rail.network.nodes.values()],
        "channels": [_plain(one) for one in rail.network.channels.values()],
        "invoices": [_plain(one) for one in rail.invoices.records.values()],
        "payments": [_plain(one) for one in rail.payments.records.values()],
        "attempts": rail.travel.count,
        "entries": rail.agenda.count,
        "agenda": [
            {"due_us": one.due_us, "number": one.number, "what": one.what, "args": list(one.args)}
            for one in rail.agenda.entries()
        ],
    }


def load(rail: Lightning, document: object) -> None:
    """Become the state of a document, or raise SnapshotError and stay as it was."""
    match document:
        case {
            "version": 1,
            "network": str(network),
            "nodes": list(nodes),
            "channels": list(channels),
            "invoices": list(invoices),
            "payments": list(payments),
            "attempts": int(attempts),
            "entries": int(count),
            "agenda": list(agenda),
            **rest,
        } if not rest:
            pass
        case _:
            raise SnapshotError("This is no state of a Lightning network that can be read.")
    if network != rail.settings.network:
        raise SnapshotError(
            f"The snapshot is of a network on {network}, this one is on {rail.settings.network}."
        )
    try:
        read_nodes = [_read(NodeState, one) for one in nodes]
        read_channels = [_read(Channel, one) for one in channels]
        read_invoices = [_read(InvoiceRecord, one) for one in invoices]
        read_payments = [_read(Payment, one) for one in payments]
        entries = [_entry(one, rail.deeds) for one in agenda]
        _check_names(read_nodes, read_channels, read_invoices, read_payments)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise SnapshotError(f"The Lightning state cannot be read: {error}") from error
    rail.network.replace(read_nodes, read_channels)
    rail.invoices.replace(read_invoices)
    rail.payments.records = {(one.node, one.payment_hash): one for one in read_payments}
    rail.travel.count = attempts
    rail.travel.attempts.clear()
    rail.travel.attempts.update(
        (one.id, one) for payment in read_payments for one in payment.in_flight
    )
    rail.agenda.replace(entries, count)


def _check_names(
    nodes: Iterable[NodeState],
    channels: Iterable[Channel],
    invoices: Iterable[InvoiceRecord],
    payments: Iterable[Payment],
) -> None:
    """Whatever is named must be there."""
    names = {one.name for one in nodes}
    scids = {one.scid for one in channels}
    ends = [end for channel in channels for end in channel.ends]
    named = {end.node for end in ends}
    named.update(one.node for one in invoices)
    named.update(one.node for one in payments)
    used = {hop.scid for one in payments for attempt in one.attempts for hop in attempt.hops}
    if not named <= names or not used <= scids:
        raise ValueError("it names nodes or channels that it does not hold")


def _entry(document: Any, deeds: Collection[str]) -> Entry:
    match document:
        case {
            "due_us": int(due_us),
            "number": int(number),
            "what": str(what),
            "args": list(args),
        } if what in deeds:
            return Entry(due_us, number, what, tuple(args))
    raise ValueError(f"this is nothing that will happen: {str(document)[:100]}")


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """The declared kinds of a class's fields; Python evaluates them anew each time it is asked."""
    return get_type_hints(kind)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _read(kind: Any, value: Any) -> Any:
    """A value of the declared kind."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None and NoneType in inner:
            return None
        (wanted,) = [one for one in inner if one is not NoneType]
        return _read(wanted, value)
    if is_dataclass(kind):
        return _read_fields(kind, value)
    if origin is list:
        return [_read(inner[0], one) for one in _list(value)]
    if origin is tuple:
        listed = _list(value)
        kinds = inner[:1] * len(listed) if inner[-1] is Ellipsis else inner
        return tuple(_read(one, item) for one, item in zip(kinds, listed, strict=True))
    if issubclass(kind, tuple):  # a NamedTuple
        hints = _hints(kind).values()
        return kind(*(_read(one, item) for one, item in zip(hints, _list(value), strict=True)))
    return _read_plain(kind, value)


def _read_fields(kind: Any, value: Any) -> Any:
    hints = _hints(kind)
    if not isinstance(value, dict) or set(value) != set(hints):
        raise ValueError(f"this is no {kind.__name__}: {str(value)[:100]}")
    return kind(**{name: _read(hint, value[name]) for name, hint in hints.items()})


def _read_plain(kind: Any, value: Any) -> Any:
    if kind is bytes:
        return bytes.fromhex(value)
    if issubclass(kind, StrEnum):
        return kind(value)
    if type(value) is not kind:
        raise ValueError(f"{str(value)[:100]} is no {kind.__name__}")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{str(value)[:100]} is no list")
    return value
