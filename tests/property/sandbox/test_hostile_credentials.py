"""Anything at all as a credential on the devnet's merchants: refused, and nothing moves.

Issue 3, hostile input; facts: protocol 1.5. The gate's own checks have their properties in
`test_gate`; here the offers are real: pympp's charge and sessions on a chain. Each attack starts
from a credential that would be taken.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.session.payer import encode
from tests.integration.sandbox.hostile import (
    Site,
    base64url,
    check_problem,
    members_of,
    open_site,
    paths,
    spoilt,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

T = TypeVar("T")

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.binary(max_size=70).map(lambda data: "0x" + data.hex())
    | st.integers(0, 1 << 130).map(str)
    | st.sampled_from(["tempo", "session", "charge", "open", "voucher", "topUp", "close", "proof"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
BOUND = settings(
    max_examples=int(os.environ.get("HOSTILE_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Attacked:
    """A devnet in a loop of its own, which runs only while something is asked of it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, site: Site, http: httpx.AsyncClient
    ) -> None:
        self.loop = loop
        self.site = site
        self.http = http
        """Straight into the merchants' application: what it raises is raised here."""
        self.goods: dict[str, dict[str, Any]] = {
            "/search": self.run(site.voucher(site.searcher)),
            "/report": self.run(site.voucher(site.reporter)),
            "/quote": self.run(site.charge("/quote")),
        }
        self.before = self.run(site.remembers())

    def run(self, step: Awaitable[T]) -> T:
        """Do one thing."""
        return self.loop.run_until_complete(step)

    def refuses(
        self, path: str, *fields: tuple[bytes, bytes], method: str = "GET", body: bytes = b""
    ) -> None:
        """The request is refused with a problem, and all is as before."""
        answer = self.run(
            self.http.request(method, f"http://x{path}", headers=list(fields), content=body)
        )
        if method == "HEAD":
            assert answer.status_code == 402
        else:
            check_problem(answer)
        assert self.run(self.site.remembers()) == self.before


@pytest.fixture(scope="module")
def attacked() -> Iterator[Attacked]:
    loop = asyncio.new_event_loop()
    stack = AsyncExitStack()
    try:
        site = loop.run_until_complete(stack.enter_async_context(open_site()))
        assert site.devnet.merchants is not None
        transport = httpx.ASGITransport(site.devnet.merchants.app)
        http = httpx.AsyncClient(transport=transport)
        loop.run_until_complete(stack.enter_async_context(http))
        attacked = Attacked(loop, site, http)
        yield attacked
        for path in ("/search", "/report"):  # a transfer lives for a minute only
            answer = loop.run_until_complete(site.send(path, attacked.goods[path]))
            assert answer.status_code == 200, "the vouchers were not one step from being taken"
    finally:
        loop.run_until_complete(stack.aclose())
        loop.close()


PATHS = st.sampled_from(["/search", "/report", "/quote"])


@BOUND
@given(path=PATHS, data=st.data())
def test_one_member_of_any_kind(attacked: Attacked, path: str, data: st.DataObject) -> None:
    good = attacked.goods[path]
    member = data.draw(
        st.sampled_from([one for one in paths(good) if one != "challenge.description"])
    )
    value = data.draw(JSON)
    bad = spoilt(good, member, value)
    if says_the_same(good, bad, member, value, path):
        return
    attacked.refuses(path, (b"authorization", encode(bad).encode()))


def says_the_same(good: Any, bad: Any, member: str, value: Any, path: str) -> bool:
    """Whether nothing was changed that anybody looks at: pympp writes values as text, and a
    charge needs no source."""
    *parents, last = member.split(".")
    inner = good
    for name in parents:
        inner = inner[name]
    return str(inner[last]) == str(value) or (member == "source" and path == "/quote" and not value)


@BOUND
@given(path=PATHS, member=st.sampled_from(["challenge", "payload"]), data=st.data())
def test_several_members_taken_away(
    attacked: Attacked, path: str, member: str, data: st.DataObject
) -> None:
    good = attacked.goods[path]
    names = [name for name in good[member] if name != "description"]
    gone = data.draw(st.sets(st.sampled_from(names), min_size=1))
    bad = good | {member: {name: v for name, v in good[member].items() if name not in gone}}
    attacked.refuses(path, (b"authorization", encode(bad).encode()))


@BOUND
@given(path=PATHS, data=st.data())
def test_bytes_put_in_taken_out_or_turned(
    attacked: Attacked, path: str, data: st.DataObject
) -> None:
    """Of the JSON, where a change may hide in a value; not in words for people, nor in a source."""
    good = {name: attacked.goods[path][name] for name in ("challenge", "payload", "source")}
    good["challenge"] = {k: v for k, v in good["challenge"].items() if k != "description"}
    text = json.dumps(good).encode()
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.binary(max_size=3))
    cut = data.draw(st.integers(0, 3))
    changed = text[:at] + new + text[at + cut :]
    try:
        same = json.loads(changed) == good
        lower = json.loads(changed.lower()) == json.loads(text.lower())
    except ValueError:
        same = lower = False
    if same or lower or is_harmless(changed, good):
        return
    attacked.refuses(path, (b"authorization", b"Payment " + base64url(changed).encode()))


def is_harmless(changed: bytes, good: dict[str, Any]) -> bool:
    """Whether the change is one of spelling: base64 has more than one for its last bits, a name
    that nobody knows may be added, and a charge needs no source."""
    try:
        found = json.loads(changed)
    except ValueError:
        return False
    if not isinstance(found, dict) or found.get("payload") != good["payload"]:
        return False
    theirs, ours = found.get("challenge"), good["challenge"]
    if not isinstance(theirs, dict):
        return False
    same = all(spelt(theirs.get(name)) == spelt(value) for name, value in ours.items())
    return same and (found.get("source") == good["source"] or "source" not in found)


def spelt(value: Any) -> Any:
    """A base64url text of JSON as what it says."""
    try:
        return members_of(f"Payment {value}")
    except ValueError:
        return value


@BOUND
@given(
    path=PATHS,
    query=st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), min_size=1
    ),
    method=st.sampled_from(["GET", "HEAD"]),
)
def test_another_query(attacked: Attacked, path: str, query: str, method: str) -> None:
    value = encode(attacked.goods[path]).encode()
    attacked.refuses(f"{path}?{query}", (b"authorization", value), method=method)


@BOUND
@given(
    path=PATHS,
    data=st.binary(max_size=80).map(lambda text: text.translate(None, b"\r\n\0")),
    name=st.sampled_from([b"authorization", b"payment-authorization"]),
)
def test_any_bytes_in_the_field(attacked: Attacked, path: str, data: bytes, name: bytes) -> None:
    attacked.refuses(path, (name, b"Payment " + data))


@BOUND
@given(
    path=PATHS,
    fields=st.lists(
        st.tuples(
            st.sampled_from([b"accept-payment", b"payment-session", b"accept", b"origin"]),
            st.binary(max_size=60).map(lambda text: text.translate(None, b"\r\n\0")),
        ),
        max_size=4,
    ),
)
def test_any_other_fields(attacked: Attacked, path: str, fields: list[tuple[bytes, bytes]]) -> None:
    """Beside a credential that is refused for itself: they change nothing of that."""
    bad = spoilt(attacked.goods[path], "challenge.id", "x")
    quiet = [one for one in fields if not (one[0] == b"accept" and b"html" in one[1])]
    attacked.refuses(path, (b"authorization", encode(bad).encode()), *quiet)
