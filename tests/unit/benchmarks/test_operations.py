"""Operations are chosen by intent and rail; their phases are read off the wire."""

from __future__ import annotations

import httpx
import pytest

from benchmarks.leg import Phase
from benchmarks.operations import OPERATIONS, chosen
from benchmarks.stamps import Stamps
from mock_rails.core.clock import Clock
from mock_rails.core.errors import BadInput


def names(intent: str | None = None, rail: str | None = None) -> list[str]:
    return [one.name for one in chosen(intent, rail)]


def test_everything_is_measured_where_nothing_is_named() -> None:
    assert names() == list(OPERATIONS)


def test_a_rail_comes_with_the_floor_and_an_intent_without() -> None:
    assert names(rail="stripe") == ["free", "stripe-charge"]
    assert names("session") == ["tempo-session", "lightning-session"]
    assert names("charge", "tempo") == ["tempo-charge", "tempo-charge-sponsored"]
    assert names("free", "tempo") == ["free"]


@pytest.mark.parametrize(
    ("intent", "rail", "said"),
    [
        ("chargge", None, "'chargge' is no intent"),
        (None, "solana", "'solana' is no rail"),
        ("session", "stripe", "no session on stripe"),
    ],
)
def test_what_there_is_not_is_refused_in_a_line(
    intent: str | None, rail: str | None, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        chosen(intent, rail)


async def test_phases_are_what_the_connection_sees() -> None:
    clock = Clock()

    def answer(request: httpx.Request) -> httpx.Response:
        if "authorization" not in request.headers:
            return httpx.Response(402)
        timing = "verify;dur=0.250, settle;dur=12.000, deliver;dur=1.5, cache;dur=9"
        return httpx.Response(200, headers={"server-timing": timing})

    stamps = Stamps(clock, httpx.MockTransport(answer))
    async with httpx.AsyncClient(transport=stamps, base_url="http://shop.test") as http:
        began_ns = clock.monotonic_ns()
        await http.get("/goods")
        await http.get("/goods", headers={"Authorization": "Payment x"})
        ended_ns = clock.monotonic_ns()
        phases = stamps.phases(began_ns, ended_ns)
        seen = [phases.pop(phase) for phase in (Phase.CHALLENGE, Phase.SIGN, Phase.PAID)]
        assert sum(seen) <= (ended_ns - began_ns) // 1_000
        assert min(seen) >= 0
        assert phases == {Phase.VERIFY: 250, Phase.SETTLE: 12_000, Phase.DELIVER: 1_500}
        stamps.clear()
        assert stamps.phases(began_ns, ended_ns) == {}
