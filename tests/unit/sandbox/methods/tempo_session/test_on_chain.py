"""The pure protocol against the real chain: what it accepts, the chain settles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.tx.signers import P256Signer, Secp256k1Signer
from sandbox.methods.tempo_session import (
    Channel,
    Descriptor,
    Open,
    SessionProtocol,
    TopUp,
    accept_voucher,
    begin_close,
    channel_id,
    check_opening,
    check_top_up,
    open_channel,
    parse_payload,
    rules,
    sign_voucher,
    spend,
)
from sandbox.methods.tempo_session.calls import (
    OpenTerms,
    close_call,
    open_calls,
    request_close_call,
    settle_call,
    top_up_calls,
    withdraw_call,
)
from tests.integration.tempo.desk import Desk, make_chain
from tests.unit.sandbox.methods.tempo_session.support import NOW_S, V2, make_request, sign

if TYPE_CHECKING:
    from sandbox.methods.tempo_session import SessionRequest

PROTOCOLS = tuple(SessionProtocol)
PAYER, PAYEE = 1, 2


class Counter:
    """A payer and a payee who do business over a chain; fees are paid in another token."""

    def __init__(self, protocol: SessionProtocol) -> None:
        self.desk = Desk(make_chain())
        self.payer, self.payee = self.desk.people[PAYER], self.desk.people[PAYEE]
        self.signer = Secp256k1Signer(self.desk.chain.accounts[PAYER].key)
        self.request: SessionRequest = make_request(
            protocol, recipient=self.payee, chain_id=self.desk.chain.chain_id
        )

    def send(self, who: int, *calls: Any) -> bytes:
        """Send, expect success, give the hash."""
        receipt = self.desk.send(who, *calls, fee_token=ALPHA_USD)
        assert receipt.status
        return receipt.submission.hash

    def balances(self) -> tuple[int, int]:
        """What payer and payee hold."""
        return self.desk.balance(self.payer), self.desk.balance(self.payee)

    def open(self, deposit: int, voucher_signer: Any = None) -> Channel:
        """Open through a credential: signed, written as JSON, read, checked, broadcast."""
        named = voucher_signer.address if voucher_signer else ZERO_ADDRESS
        book, payee, salt = self.request.book, self.payee, b"\x05" * 32
        calls = open_calls(book, OpenTerms(payee, PATH_USD, deposit, salt, named))
        submission = self.desk.expiring(PAYER, *calls, fee_token=ALPHA_USD)
        is_v2 = self.request.protocol is V2
        descriptor = Descriptor(
            self.payer, payee, ZERO_ADDRESS, PATH_USD, salt, named,
            submission.context_hash if is_v2 else bytes(32),
        )  # fmt: skip
        this_id = channel_id(self.request.protocol, descriptor, book.chain_id, book.escrow)
        signature = sign_voucher(book, this_id, 100, voucher_signer or self.signer)
        shown = descriptor if is_v2 else None
        sent = Open(this_id, shown, submission.raw, 100, signature, named)

        payload = parse_payload(sent.to_json(), self.request.protocol)
        assert payload == sent
        opening = check_opening(self.request, sent)
        assert opening.transaction.signed == submission
        receipt = self.desk.chain.send(submission.raw)
        assert receipt is not None
        assert receipt.status
        channel = open_channel(None, opening, now_s=NOW_S)
        return rules.confirm_open(channel, submission.hash)

    def accept(self, channel: Channel, amount: int, signer: Any = None) -> Channel:
        """A voucher that is accepted."""
        return accept_voucher(channel, amount, sign(channel, amount, signer or self.signer))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_session_from_open_to_close(protocol: SessionProtocol) -> None:
    counter = Counter(protocol)
    rich, poor = counter.balances()
    channel = spend(counter.open(1_000), 100)
    assert counter.balances() == (rich - 1_000, poor)

    channel = spend(counter.accept(channel, 400), 250)
    counter.send(PAYEE, settle_call(channel))
    channel = rules.note_settled(channel, channel.accepted, now_s=NOW_S)
    assert counter.balances() == (rich - 1_000, poor + 400)

    calls = top_up_calls(channel, 500)
    submission = counter.desk.sign(PAYER, *calls, fee_token=ALPHA_USD)
    shown = channel.descriptor if protocol is V2 else None
    check_top_up(counter.request, channel, TopUp(channel.id, shown, submission.raw, 500))
    counter.send(PAYER, *calls)
    channel = rules.top_up(channel, 1_500)
    channel = spend(counter.accept(channel, 1_400), 1_000)

    final = channel.spent
    channel = begin_close(
        channel, final, sign(channel, final, counter.signer), closer=counter.payee
    )
    assert channel.close_order is not None
    closed_tx = counter.send(PAYEE, close_call(channel, channel.close_order))
    channel = rules.finish_close(channel, closed_tx, channel.close_order.capture)
    assert channel.settled == 1_350
    assert counter.balances() == (rich - 1_350, poor + 1_350)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_payee_captures_during_the_grace_period(protocol: SessionProtocol) -> None:
    counter = Counter(protocol)
    rich, poor = counter.balances()
    channel = spend(counter.open(1_000), 100)
    counter.send(PAYER, request_close_call(channel))
    channel = rules.note_forced_close(channel, NOW_S)
    channel = rules.close_by_payee(channel, closer=counter.payee)
    assert channel.close_order is not None
    counter.send(PAYEE, close_call(channel, channel.close_order))
    assert counter.balances() == (rich - 100, poor + 100)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_payer_leaves_a_payee_who_sleeps(protocol: SessionProtocol) -> None:
    counter = Counter(protocol)
    before = counter.balances()
    channel = counter.open(1_000)
    counter.send(PAYER, request_close_call(channel))
    counter.desk.chain.context.clock.advance(901)
    counter.send(PAYER, withdraw_call(channel))
    assert counter.balances() == before


def test_a_payee_whom_the_chain_has_paid_more_than_it_knows_can_still_close() -> None:
    """Another server of the same payee settled a voucher that this one never saw."""
    counter = Counter(V2)
    rich, poor = counter.balances()
    channel = counter.open(1_000)
    ahead = counter.accept(channel, 600)
    counter.send(PAYEE, settle_call(ahead))
    channel = rules.note_settled(channel, 600, now_s=NOW_S)
    channel = rules.close_by_payee(channel, closer=counter.payee)
    assert channel.close_order is not None
    counter.send(PAYEE, close_call(channel, channel.close_order))
    assert counter.balances() == (rich - 600, poor + 600)


def test_a_passkey_s_voucher_settles() -> None:
    counter = Counter(V2)
    passkey = P256Signer(bytes(31) + b"\x07")
    channel = counter.accept(counter.open(1_000, passkey), 700, passkey)
    _, poor = counter.balances()
    counter.send(PAYEE, settle_call(channel))
    assert counter.balances()[1] == poor + 700
