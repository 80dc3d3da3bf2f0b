"""A recorded run is answered again byte for byte, or it is said where it is not (DESIGN 2.4)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_rails.core.errors import BadInput
from sandbox import info
from sandbox.client import PaidClient, Wallet
from sandbox.recording import Capture, Recorded, record, replayed
from sandbox.recording.against import compare_with
from sandbox.recording.capture import CaptureError
from sandbox.recording.test_file import test_file as written_test
from sandbox.settings import DevnetSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.devnet import Devnet

FREE = DevnetSettings().with_free_ports()
CHALLENGE = "challenge-of-a-test"
CHARGE = {
    "amount": "100",
    "currency": "usd",
    "confirm": "true",
    "payment_method": "pm_card_visa",
    "payment_method_types[0]": "card",
    "metadata[mpp_challenge_id]": CHALLENGE,
}


async def customer(devnet: Devnet) -> int:
    """Asks for prices, pays by card, moves the clock, and asks again."""
    known = info.environment(devnet.info())
    async with httpx.AsyncClient(timeout=30) as http:
        asked = await http.get(f"{known['MPP_SANDBOX_API_URL']}/quote")
        assert asked.status_code == 402
        charged = await http.post(
            f"{known['MPP_SANDBOX_STRIPE_URL']}/v1/payment_intents",
            data=CHARGE,
            headers={"Authorization": "Bearer sk_test_51Hremembered"},
        )
        assert charged.status_code == 200, charged.text
        control = known["MPP_SANDBOX_CONTROL_URL"]
        await http.post(f"{control}/_sandbox/time/advance", json={"by": "16m"})
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
        await http.post(known["MPP_SANDBOX_RPC_URL"], json=body)
        asked = await http.get(f"{known['MPP_SANDBOX_API_URL']}/lightning/quote")
        assert asked.status_code == 402
    return 0


async def recorded(work: Callable[[Devnet], Awaitable[int]] = customer) -> Recorded:
    return await record(FREE, work, command=["python", "client.py"])


async def test_a_replay_of_a_file_gives_the_same_answers() -> None:
    done = await recorded()
    text = done.capture.text()
    assert "remembered" not in text
    played = await replayed(Capture.parse(text))
    assert played.divergence is None, played.report()
    assert played.steps == len(done.capture.steps) == 5


async def test_a_divergence_says_at_which_step_and_how() -> None:
    capture = (await recorded()).capture
    (end,) = [one for one in capture.lines if one["do"] == "end" and one["step"] == 2]
    body = json.loads(end["answer"]["body"])
    end["answer"]["body"] = json.dumps({**body, "amount": 99})
    played = await replayed(capture)
    assert played.divergence is not None
    assert played.divergence.step == 2
    assert "body.amount: recorded 99, now 100" in str(played.divergence)
    assert played.steps == 2


async def test_a_stream_that_waits_and_is_paid_as_it_comes_is_played_again() -> None:
    """Its delays and its waits for vouchers are real time, which a replay has from the file."""

    async def work(devnet: Devnet) -> int:
        async with PaidClient(Wallet.dev(0), rpc_url=devnet.rpc_url) as payer:
            url = f"{devnet.api_url}/complete?tokens=4&delay_ms=60"
            async with payer.stream(url) as events:
                assert len([data async for data in events]) == 4
        return 0

    capture = (await recorded(work)).capture
    assert capture.sockets == []
    played = await replayed(capture)
    assert played.divergence is None, played.report()
    assert played.steps == len(capture.steps)


async def test_it_stops_where_it_is_told() -> None:
    played = await replayed((await recorded()).capture, until=1)
    assert (played.steps, played.divergence) == (1, None)


async def test_a_server_that_asks_for_another_price_is_told_from_the_recorded_one() -> None:
    capture = (await recorded()).capture

    async def work(devnet: Devnet) -> int:
        assert devnet.api_url is not None
        assert await compare_with(capture, devnet.api_url) == []
        for line in capture.lines:
            if line["do"] == "end" and line["step"] == 1:
                line["answer"]["status"] = 200
        (found,) = await compare_with(capture, devnet.api_url)
        assert str(found) == "step 1, GET /quote\n  status: recorded 200, there 402"
        return 0

    await record(FREE, work)


async def test_a_test_file_carries_the_capture_and_the_command() -> None:
    text = written_test((await recorded()).capture)
    scope: dict[str, Any] = {}
    exec(compile(text, "test_bug.py", "exec"), scope)
    assert scope["COMMAND"] == ["python", "client.py"]
    assert Capture.parse(scope["CAPTURE"]).steps
    assert "test_the_recorded_command_does_it_no_more" in scope


async def test_a_capture_from_before_sockets_were_noted_is_read() -> None:
    text = (await recorded()).capture.text()
    older = text.replace('"sockets":[],', "", 1)
    assert older != text
    assert Capture.parse(older).sockets == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no json", "no JSON"),
        ("{}", "not a capture"),
        ('{"format":"mpp-sandbox-capture","version":3}', "version 3"),
        ('{"format":"mpp-sandbox-capture","version":1}', "lacks"),
    ],
)
def test_what_is_no_capture_is_refused(text: str, told: str) -> None:
    with pytest.raises(CaptureError, match=told):
        Capture.parse(text)


async def test_a_devnet_whose_books_are_elsewhere_is_not_recorded() -> None:
    settings = DevnetSettings(store="sqlite:books.db").with_free_ports()
    with pytest.raises(BadInput, match="in memory"):
        await record(settings, customer)
