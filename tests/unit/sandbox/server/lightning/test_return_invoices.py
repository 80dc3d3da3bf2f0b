"""Where the rest of a deposit goes: an invoice for each session (facts: lightning 2.3, 2.5)."""

from __future__ import annotations

from tests.unit.sandbox.server.lightning.support import DEPOSIT, UNIT, opened, problem


async def test_two_sessions_do_not_share_a_return_invoice() -> None:
    """A node pays an invoice once: the second rest would be said to be sent, and stay here. The
    deposit is not taken, so that it can be shown again with an invoice of its own."""
    async with opened() as world:
        back = await world.return_invoice()
        first, answer = await world.open(return_invoice=back)
        assert answer.status_code == 200
        challenge = await world.challenge("/session")
        payload = {
            "action": "open",
            "preimage": await world.pay(challenge),
            "returnInvoice": back,
        }
        answer = await world.show(challenge, payload, "/session")
        assert problem(answer) == "invalid-return-invoice"
        payload["returnInvoice"] = await world.return_invoice()
        assert (await world.show(challenge, payload, "/session")).status_code == 200
        second = {
            "sessionId": challenge.request["paymentHash"],
            "preimage": payload["preimage"],
        }
        before = world.balance()
        for session in (first, second):
            closed = (await world.close(session)).json()
            assert (closed["refundSats"], closed["refundStatus"]) == (DEPOSIT - UNIT, "succeeded")
        assert world.balance() - before == 2 * (DEPOSIT - UNIT) * 1_000
