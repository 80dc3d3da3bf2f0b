"""Whatever JSON the sandbox's controls are sent: an answer, never a defect (issue 4)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_rails.core.clock import Clock
from mock_rails.core.rail import RailContext
from mock_rails.stripe.endpoints import ENDPOINTS
from mock_rails.stripe.rail import Stripe
from mock_rails.stripe.wire.dispatcher import Dispatcher
from mock_rails.stripe.wire.request import Request
from tests.conftest import NEW_YEAR_2026_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_rails.stripe.endpoint import Endpoint

CONTROLS = tuple(one for one in ENDPOINTS if one.path.startswith("/_sandbox/"))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=10),
    st.sampled_from(["stripe.request", "stripe.card", "drop", "error", "nth=1", "always", "x_1"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def body_of(endpoint: Endpoint) -> st.SearchStrategy[dict[str, Any]]:
    """Some of its parameters by their names, and others."""
    names = st.sampled_from([*endpoint.takes.fields, "expand", "unknown"])
    return st.dictionaries(names, VALUES, max_size=5)


CALLS = st.sampled_from(CONTROLS).flatmap(lambda one: st.tuples(st.just(one), body_of(one)))


@given(CALLS)
def test_any_json_is_answered(runner: asyncio.Runner, call: tuple[Endpoint, Any]) -> None:
    endpoint, document = call
    rail = Stripe(RailContext.create("controls", Clock.frozen(NEW_YEAR_2026_S)))
    parts = ("x_1" if part.startswith("{") else part for part in endpoint.path.split("/"))
    request = Request(endpoint.verb, "/".join(parts), b"", {}, orjson.dumps(document))
    answer = runner.run(Dispatcher(rail).answer(request))
    assert answer.status in (200, 400, 404), answer.body
    assert answer.status == 200 or orjson.loads(answer.body)["error"]["message"]
    later = runner.run(Dispatcher(rail).answer(Request("GET", "/_sandbox/clock", b"", {})))
    assert later.status == 200
