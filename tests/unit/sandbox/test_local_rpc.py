"""A chain of the same process over httpx: its answers, and those that a fault loses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.errors import ResponseLostError
from mock_rails.tempo.rail import Chain
from sandbox.chain import RpcOutcomeUnknown, TempoRpc
from sandbox.local_rpc import LocalRpc

if TYPE_CHECKING:
    from mock_rails.core import RailContext


async def test_it_answers_without_a_socket(context: RailContext) -> None:
    async with httpx.AsyncClient(transport=LocalRpc(TempoApi(Chain(context)))) as http:
        assert await TempoRpc("http://tempo.internal", http=http).chain_id() == 1337


async def test_a_lost_answer_is_a_broken_connection(
    context: RailContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(body: bytes) -> bytes:
        raise ResponseLostError

    api = TempoApi(Chain(context))
    monkeypatch.setattr(api.dispatcher, "answer", lose)
    async with httpx.AsyncClient(transport=LocalRpc(api)) as http:
        with pytest.raises(RpcOutcomeUnknown):
            await TempoRpc("http://tempo.internal", http=http).call("eth_sendRawTransaction", "0x")
