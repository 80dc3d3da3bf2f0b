"""What is told of a payload: never enough to pay with (DESIGN: credentials never reach logs)."""

from __future__ import annotations

from sandbox.methods.disclosure import disclosed


def test_facts_are_told_and_proofs_are_measured() -> None:
    payload = {
        "action": "open",
        "cumulativeAmount": "1000",
        "descriptor": {"payer": "0xaa"},
        "signature": "0x" + "5" * 130,
        "transaction": "0x76" + "6" * 400,
        "preimage": "7" * 64,
    }
    told = disclosed(payload)
    assert told["action"] == "open"
    assert told["cumulativeAmount"] == "1000"
    assert told["descriptor"] == {"payer": "0xaa"}
    assert told["signature"] == "<132 characters>"
    assert not any(proof in str(told) for proof in ("5555", "6666", "7777"))


def test_hostile_payloads_are_cut_short() -> None:
    told = disclosed(
        {"amount": "9" * 10_000, "x" * 10_000: 1, "descriptor": {"a" * 999: [1] * 999}}
    )
    assert all(len(str(part)) < 500 for pair in told.items() for part in pair)
