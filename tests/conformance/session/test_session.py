"""Our merchants against every rule of a session (protocol 2.4-2.7), over a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox.chain import TempoRpc
from sandbox.devnet import Devnet
from sandbox.settings import DevnetSettings
from tests.conformance.session.cases import load_cases
from tests.conformance.session.play import play

if TYPE_CHECKING:
    from tests.conformance.session.cases import Case

CASES = load_cases()


def test_each_rule_has_a_name_of_its_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES) > 50


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_the_merchants_keep_the_rule(case: Case) -> None:
    async with Devnet(DevnetSettings().with_free_ports()) as devnet:
        facts = devnet.info()
        url = f"{facts['merchants']['url']}/search"
        async with httpx.AsyncClient() as http, TempoRpc(facts["tempo"]["url"]) as rpc:
            assert await play(case, url, http, rpc) == []
