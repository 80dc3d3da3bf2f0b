"""A failure's name arms its faults: in a mark, over HTTP, on the command line (issue 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_rails.core.errors import BadInput, NotFound
from sandbox.control import faults
from sandbox.failures import SLUGS, find
from sandbox.portless import HOST, TestedDevnet
from sandbox.settings import DevnetSettings, Part

if TYPE_CHECKING:
    from mock_rails.core.rail import RailContext
    from sandbox.pytest_plugin.fixtures import DevnetFixture, FaultsFixture, MerchantFixture
    from sandbox.pytest_plugin.payer import PayerFixture

LOST = "response-lost-after-settlement"
PARTS = frozenset({Part.RAILS, Part.MERCHANTS})


@pytest.fixture
def context() -> RailContext:
    """What a devnet's rails and merchants share: all the points that there are."""
    return TestedDevnet(DevnetSettings(host=HOST, only=PARTS), ports=False).context


@pytest.mark.parametrize("slug", [slug for slug in SLUGS if find(slug).faults])
def test_its_faults_can_be_armed(slug: str, context: RailContext) -> None:
    armed = faults.arm_named(context, slug)
    assert [one["fault"]["at"] for one in armed] == [one["at"] for one in find(slug).faults]
    assert len(context.faults.list()) == len(armed)


def test_what_has_no_faults_says_what_to_do_instead(context: RailContext) -> None:
    with pytest.raises(BadInput, match="mpp-sandbox failures play duplicate-credential"):
        faults.arm_named(context, "duplicate-credential")
    with pytest.raises(NotFound, match=f"Did you mean '{LOST}'"):
        faults.arm_named(context, "response-lost-after-setlement")
    with pytest.raises(BadInput, match="named by a text"):
        faults.arm_named(context, ["x"])
    assert context.faults.list() == []


@pytest.mark.mpp(faults=[LOST])
def test_a_mark_arms_it(
    devnet: DevnetFixture, payer: PayerFixture, faults: FaultsFixture, merchant: MerchantFixture
) -> None:
    before = merchant.balance()
    assert payer.sync.get(devnet.url("/quote")).status_code == 200
    assert faults.fired() == 1
    assert merchant.balance() - before == 10_000
    first, second = payer.sent
    assert first.headers["authorization"] == second.headers["authorization"]


def test_a_test_arms_it(devnet: DevnetFixture, faults: FaultsFixture) -> None:
    (armed,) = faults.arm_named(LOST)
    assert [one["id"] for one in faults.armed()] == [armed]
