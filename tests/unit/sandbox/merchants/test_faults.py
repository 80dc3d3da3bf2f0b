"""What goes wrong with what was paid for: answers that get lost, merchants that die (issue 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox.client.errors import OutcomeUnknownError

if TYPE_CHECKING:
    from sandbox.pytest_plugin.fixtures import (
        DevnetFixture,
        FaultsFixture,
        JournalFixture,
        MerchantFixture,
    )
    from sandbox.pytest_plugin.payer import PayerFixture


def test_only_answers_that_were_paid_for_get_lost(
    devnet: DevnetFixture, payer: PayerFixture, faults: FaultsFixture, journal: JournalFixture
) -> None:
    faults.arm("merchants.answer", "lose", where={"path": "/quote"})
    with httpx.Client(transport=devnet.transport) as http:
        assert http.get(devnet.url("/quote")).status_code == 402
        assert http.get(devnet.url("/openapi.json")).status_code == 200
    assert payer.sync.get(devnet.url("/search?q=x")).status_code == 200
    assert faults.fired() == 0
    with pytest.raises(OutcomeUnknownError):
        payer.sync.get(devnet.url("/quote"))
    (struck, *_) = journal.events("fault.fired")
    assert struck.data["met"] == {"method": "GET", "path": "/quote", "status": 200}


@pytest.mark.mpp(faults=[{"at": "merchants.deliver", "do": "crash", "when": "nth=1"}])
def test_merchants_die_after_they_were_paid_and_others_go_on(
    devnet: DevnetFixture, payer: PayerFixture, merchant: MerchantFixture, faults: FaultsFixture
) -> None:
    before, first = merchant.balance(), devnet.devnet.merchants
    with pytest.raises(OutcomeUnknownError) as told:
        payer.sync.get(devnet.url("/quote"))
    assert told.value.paid
    assert devnet.devnet.merchants is not first
    assert faults.fired() == 1
    assert merchant.balance() - before == 10_000
    assert payer.sync.get(devnet.url("/quote")).json()["number"] == 0  # what was in mind is gone


@pytest.mark.mpp(ports=True, faults=[{"at": "merchants.deliver", "do": "crash", "when": "nth=2"}])
def test_a_channel_outlives_them_over_sockets_too(
    devnet: DevnetFixture, payer: PayerFixture, merchant: MerchantFixture
) -> None:
    before, url = merchant.balance(), devnet.url("/search?q=x")
    assert payer.sync.get(url).status_code == 200
    with pytest.raises(OutcomeUnknownError):
        payer.sync.get(url)
    assert payer.sync.get(url).status_code == 200
    payer.sync.close_channels()
    assert merchant.balance() - before == 3_000
