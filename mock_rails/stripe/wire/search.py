"""Search: `metadata['order']:'7' AND status:'succeeded'` (facts: stripe 1.5; Stripe's search API).

A query is up to ten clauses joined by AND or by OR, never both. A clause is a field, an operator
and a value: `:` equal, `~` contains (texts), `>` `<` `>=` `<=` (numbers); a minus before the field
turns it around, and `metadata['key']:null` finds what lacks the key. Texts compare without case.
Unlike Stripe's, this index is never behind.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mock_rails.stripe.endpoint import Call, Endpoint, Found
from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Integer, Object, Text
from mock_rails.stripe.wire import lists

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mock_rails.stripe.model import Record

TAKES: Final = Object(
    {"query": Text(), "limit": Integer(1, lists.MOST), "page": Text(100)}, required=("query",)
)

_MOST_CLAUSES: Final = 10
_SHORTEST_PART: Final = 3
_CLAUSE: Final = re.compile(
    r"""\s*(?P<minus>-?)
    (?P<field>[a-z_][a-z0-9_.]*)
    (?:\[(?P<quote>['"])(?P<key>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\])?
    \s*(?P<op>>=|<=|[:~<>])\s*
    (?P<value>null\b|-?[0-9]+(?![\w.])|(?P<q>['"])(?P<text>(?:\\.|(?!(?P=q)).)*)(?P=q)|true\b|false\b)
    \s*""",
    re.VERBOSE | re.DOTALL,
)
_JOIN: Final = re.compile(r"(AND|OR)\b|(?=-?[a-z])", re.IGNORECASE)
_PAGE: Final = re.compile(r"page_([0-9]{1,18})")


class Clause(NamedTuple):
    """One condition."""

    field: str
    key: str | None
    """The metadata key, where the field is `metadata`."""
    op: str
    value: str | int | None
    negated: bool

    def holds(self, record: Record) -> bool:
        """Whether the record meets it."""
        return self._met(self._found(record)) is not self.negated

    def _found(self, record: Record) -> Any:
        value: Any = record.fields
        for name in [*self.field.split("."), *([] if self.key is None else [self.key])]:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def _met(self, found: Any) -> bool:
        wanted = self.value
        if wanted is None:
            return found is None
        if found is None:
            return False
        if self.op in (":", "~"):
            if isinstance(found, bool):
                found = str(found)
            shown, text = str(found).lower(), str(wanted).lower()
            return text in shown if self.op == "~" else text == shown
        if type(found) is not int or not isinstance(wanted, int):
            return False
        return {
            ">": found > wanted,
            "<": found < wanted,
            ">=": found >= wanted,
            "<=": found <= wanted,
        }[self.op]


def endpoint(noun: str, fields: Sequence[str]) -> Endpoint:
    """`GET /v1/<noun>/search` over the table of that name, by these fields and by metadata."""
    known = frozenset(fields)

    def search(call: Call) -> Found:
        matches = parse(call.params["query"], known)
        op, limit = call.operation, call.params.get("limit") or lists.DEFAULT
        before = _page(call.params.get("page"))
        hits = (
            one
            for one in op.state.newest(noun)
            if (before is None or one.number < before) and op.may_see(one) and matches(one)
        )
        found = list(islice(hits, limit + 1))
        more = len(found) > limit
        return Found(found[:limit], f"page_{found[limit - 1].number}" if more else None, call.path)

    return Endpoint("GET", f"/v1/{noun}/search", search, TAKES)


def parse(query: str, fields: frozenset[str]) -> Callable[[Record], bool]:
    """What decides if a record is found."""
    clauses: list[Clause] = []
    joins: set[str] = set()
    at = 0
    while True:
        found = _CLAUSE.match(query, at)
        if found is None:
            raise _wrong(f"it cannot be read from here on: {query[at : at + 40]!r}")
        clauses.append(_clause(found, fields))
        at = found.end()
        if at == len(query):
            break
        join = _JOIN.match(query, at)
        if join is None:
            raise _wrong(f"it cannot be read from here on: {query[at : at + 40]!r}")
        joins.add((join[1] or "AND").upper())
        at = join.end()
    if len(clauses) > _MOST_CLAUSES:
        raise _wrong(f"it has more than {_MOST_CLAUSES} clauses")
    if len(joins) > 1:
        raise _wrong("AND and OR cannot be used in one query")
    combine = any if joins == {"OR"} else all
    return lambda record: combine(clause.holds(record) for clause in clauses)


def _clause(found: re.Match[str], fields: frozenset[str]) -> Clause:
    field, key, op = found["field"], found["key"], found["op"]
    if (field == "metadata") is not (key is not None):
        raise _wrong("a metadata clause reads metadata['key']:'value'")
    if field != "metadata" and field not in fields:
        raise _wrong(f"the field {field[:40]!r} is not searchable here")
    text = found["text"]
    value: str | int | None
    if text is not None:
        value = _plain(text)
    elif found["value"] == "null":
        value = None
    elif found["value"] in ("true", "false"):
        value = found["value"]
    elif len(found["value"]) > 18:
        raise _wrong("a number is too long")
    else:
        value = int(found["value"])
    if op in (">", "<", ">=", "<=") and isinstance(value, str) and value.isdecimal():
        value = int(value) if len(value) <= 18 and value.isascii() else value
    if op == "~" and (not isinstance(value, str) or len(value) < _SHORTEST_PART):
        raise _wrong(f"`~` takes a text of at least {_SHORTEST_PART} characters")
    if op in (">", "<", ">=", "<=") and not isinstance(value, int):
        raise _wrong(f"`{op}` takes a number")
    return Clause(field, None if key is None else _plain(key), op, value, bool(found["minus"]))


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _page(token: str | None) -> int | None:
    if token is None:
        return None
    found = _PAGE.fullmatch(token)
    if found is None:
        raise InvalidRequest("Invalid page token.", param="page")
    return int(found[1])


def _wrong(why: str) -> InvalidRequest:
    return InvalidRequest(f"We were unable to parse your search query: {why}.", param="query")
