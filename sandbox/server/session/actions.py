"""open, voucher, topUp and close: the rules, applied to the store and to the chain.

What a peer asks for is checked as far as it can be without touching anything; then it is one atomic
update of the channel's record, so that a voucher is taken and its price spent in the same step,
before anything is delivered. Around a transaction the record says beforehand what is under way, and
afterwards what came of it. Spec: facts, protocol 2.5; statuses 1.5; D10-D12.

Three ways a transaction can end (DESIGN 2.5): it happened; it surely did not, and the record is as
before; or nobody knows, then the record stays and `PaymentOutcomeUnknownError` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from mpp.errors import (
    PaymentError,
    PaymentOutcomeUnknownError,
    VerificationFailedError,
)

from mock_rails.tempo.tx.handoff import Handoff
from sandbox.chain import (
    ChainError,
    TransactionOutcomeUnknown,
    TransactionRefused,
    broadcast,
    co_sign,
    find_close,
    read_channel,
)
from sandbox.methods.tempo_session import (
    Channel,
    Close,
    Open,
    Opening,
    Status,
    TopUp,
    Voucher,
    accept_voucher,
    begin_close,
    check_channel,
    check_opening,
    check_source,
    check_top_up,
    open_channel,
    rules,
    spend,
)
from sandbox.methods.tempo_session.fields import to_hex
from sandbox.methods.tempo_session.problems import (
    ChannelClosedError,
    ChannelNotFoundError,
    InsufficientBalanceError,
)
from sandbox.methods.unchecked import PaymentUncheckedError
from sandbox.server.refusals import StoreFailedError
from sandbox.server.session.book import PayerIsFull
from sandbox.server.session.limits import VoucherPace
from sandbox.server.stores.errors import StoreError

if TYPE_CHECKING:
    from mpp import Credential

    from mock_rails.tempo.tx.model import Submission
    from sandbox.chain import TxResult
    from sandbox.methods.tempo_session import SessionRequest
    from sandbox.methods.tempo_session.transaction import PayerTransaction
    from sandbox.server.session.chain_state import ChainState
    from sandbox.server.session.closing import Closer
    from sandbox.server.session.context import SessionContext

_MOST_SOURCES: Final = 65_536
_RECHECK_US: Final = 1_000_000
"""A voucher beyond the deposit has the chain asked again, but not more than once a second."""


class Done(NamedTuple):
    """What an action came to: the channel afterwards, and the transaction if there was one."""

    channel: Channel
    tx_hash: bytes | None = None
    accepted: int | None = None
    """What the receipt says was accepted, where that is not the channel's own figure."""


class Actions:
    """A session server's answers to the four things a client says."""

    def __init__(self, context: SessionContext, state: ChainState, closer: Closer) -> None:
        self._context = context
        self._state = state
        self._closer = closer
        self._pace = VoucherPace(context.limits.vouchers_per_s, context.clock)
        self._sources: set[tuple[bytes, str]] = set()
        """Who may speak for which channel: a client says it with every voucher."""

    async def voucher(
        self,
        terms: SessionRequest,
        payload: Voucher,
        source: str | None,
        price: int,
        *,
        signature_checked: bool = False,
    ) -> Done:
        """Take a voucher and spend `price` of the channel, or nothing if that is 0.

        A voucher that does not cover the price is kept all the same: it is money that the payer
        has promised. `signature_checked` is for one that was just verified on this very channel.
        """
        book = self._context.book
        channel = check_channel(terms, payload, await book.get(payload.channel_id))
        self._check_source(channel, source)
        if not self._state.is_fresh(channel):
            channel = await self._state.fresh(channel)
        cumulative, signature = payload.cumulative, payload.signature
        if cumulative > channel.deposit:
            channel = await self._look_for_deposit(channel)
        min_delta = terms.min_voucher_delta or 0
        accepted = accept_voucher(
            channel,
            cumulative,
            signature,
            min_delta=min_delta,
            signature_checked=signature_checked,
        )
        self._pace.check(channel.id)
        planned, short = _spent(accepted, price)

        def change(current: Channel | None) -> Channel:
            nonlocal short
            if current is channel:  # a memory store's record that nobody touched since
                return planned
            if current is None:
                raise ChannelNotFoundError("channel not found")
            accepted = accept_voucher(
                current, cumulative, signature, min_delta=min_delta, signature_checked=True
            )
            after, short = _spent(accepted, price)
            return after

        after = await book.update(payload.channel_id, change)
        if short is not None:
            raise short
        if after is None:
            raise ChannelNotFoundError("channel not found")
        if price and self._context.schedule.counts:
            self._closer.settle_if_due(after)
        return Done(after)

    async def open(
        self, terms: SessionRequest, payload: Open, credential: Credential, price: int
    ) -> Done:
        """Bring the opening transaction onto the chain, and spend `price`.

        The record comes first: whatever happens then, a client that sends its open again finds it.
        """
        context = self._context
        opening = check_opening(terms, payload)
        channel_id = opening.channel_id
        now_s = context.clock.now_s()

        def record(current: Channel | None) -> Channel:
            after = open_channel(current, opening, now_s=now_s)
            return after if current is not None else after._replace(opened_tx=signed.hash)

        try:
            known = await context.book.get(channel_id)
            signed = self._co_signed(terms, opening.transaction, is_known=known is not None)
            if known is None:
                await self._admit(opening)
            channel = await context.book.update(channel_id, record)
        except StoreError as error:  # and nothing was sent
            raise StoreFailedError(error) from error
        opened_tx = signed.hash
        if channel is None or channel.status is Status.OPENING:
            opened_tx = await self._bring_open(opening, signed, credential, is_new=known is None)
            await self._check_unused(opening)
        else:
            channel = await self._state.fresh(channel)
            opened_tx = channel.opened_tx or opened_tx

        def confirm(current: Channel | None) -> Channel:
            # A twin of this request may have failed and struck out what this one achieved.
            opened = rules.confirm_open(record(None) if current is None else current, opened_tx)
            return spend(opened, price) if price else opened

        after = await context.book.update(channel_id, confirm)
        if after is None:
            raise ChannelNotFoundError("channel not found")
        self._closer.settle_if_due(after)
        return Done(after, opened_tx)

    async def top_up(self, terms: SessionRequest, payload: TopUp, credential: Credential) -> Done:
        """Bring the top-up onto the chain. One that was sent before is found there."""
        context = self._context
        found = await self._known(terms, payload)
        channel = await self._state.fresh(found)
        transaction = check_top_up(terms, channel, payload)
        signed = self._co_signed(terms, transaction)
        result = await self._broadcast(signed, credential)
        if not result.success:
            raise VerificationFailedError("the topUp transaction reverted")
        try:
            on_chain = await read_channel(context.rpc, channel.id, channel.book)
        except ChainError:
            on_chain = None
        # Without an answer nothing is added: this very top-up may have been counted before.
        deposit = channel.deposit if on_chain is None else on_chain.deposit
        after = await context.book.update(
            channel.id, lambda current: current and rules.top_up(current, deposit)
        )
        if after is None:
            raise ChannelNotFoundError("channel not found")
        if on_chain is None:
            self._state.doubt(channel.id)
        else:
            self._state.saw(channel.id)
        context.background.note(
            "channel.topped-up",
            channel=to_hex(channel.id),
            tx=to_hex(result.hash),
            deposit=after.deposit,
        )
        return Done(after, result.hash)

    async def close(self, terms: SessionRequest, payload: Close, credential: Credential) -> Done:
        """Close the channel for the payer: captured is what was spent, the rest goes back."""
        context = self._context
        found = await self._known(terms, payload)
        channel = found
        if found.status in {Status.OPEN, Status.OPENING}:
            channel = await self._state.fresh(found)
        cumulative, signature = payload.cumulative, payload.signature
        closer = context.sender.address
        begin_close(channel, cumulative, signature, closer=closer)

        def begin(current: Channel | None) -> Channel:
            if current is None:
                raise ChannelNotFoundError("channel not found")
            return begin_close(
                current, cumulative, signature, closer=closer, signature_checked=True
            )

        try:
            closing = await context.book.update(channel.id, begin)
        except StoreError as error:  # and nothing was sent
            raise StoreFailedError(error) from error
        if closing is None:
            raise ChannelNotFoundError("channel not found")
        try:
            capture = await self._closer.carry_out(closing)
        except TransactionOutcomeUnknown as error:
            self._unknown(credential, error)
        except ChainError as error:
            raise PaymentUncheckedError("The channel could not be closed.") from error
        after = await context.book.get(channel.id)
        return Done(after or closing, capture.tx_hash, cumulative)

    # -- inside -----------------------------------------------------------------------------------

    async def _known(self, terms: SessionRequest, payload: TopUp | Close) -> Channel:
        try:
            found = await self._context.book.get(payload.channel_id)
        except StoreError as error:
            raise StoreFailedError(error) from error
        return check_channel(terms, payload, found)

    def _check_source(self, channel: Channel, source: str | None) -> None:
        if source is not None and (channel.id, source) in self._sources:
            return
        check_source(channel, source)
        if source is not None:
            if len(self._sources) >= _MOST_SOURCES:
                self._sources.clear()
            self._sources.add((channel.id, source))

    async def _admit(self, opening: Opening) -> None:
        """Count the channel among its payer's."""
        limit = self._context.limits.channels_per_payer
        try:
            await self._context.book.enlist(opening.descriptor.payer, opening.channel_id, limit)
        except PayerIsFull:
            raise VerificationFailedError(f"payer has {limit} open channels, the most") from None

    async def _look_for_deposit(self, channel: Channel) -> Channel:
        age = self._state.age_us(channel.id)
        if channel.status is Status.OPEN and (age is None or age >= _RECHECK_US):
            return await self._state.refresh(channel)
        return channel

    def _co_signed(
        self, terms: SessionRequest, transaction: PayerTransaction, *, is_known: bool = False
    ) -> Submission:
        """What to broadcast: the payer's own bytes, or its hand-off with our promise to pay."""
        signed = transaction.signed
        if not isinstance(signed, Handoff):
            return signed
        context = self._context
        if context.fee_payer is None:  # `check_opening` refuses hand-offs where none was offered
            raise VerificationFailedError("transaction waits for a fee payer and there is none")
        if not is_known:  # what was promised once is not promised anew
            context.limits.check_sponsored(signed.tx, context.clock.now_s())
        try:
            return co_sign(signed, context.fee_payer, terms.fee_token or terms.currency)
        except TransactionRefused as error:
            raise VerificationFailedError(error.words) from error

    async def _bring_open(
        self, opening: Opening, signed: Submission, credential: Credential, *, is_new: bool
    ) -> bytes:
        """Broadcast an opening and see that the chain has the channel; its transaction's hash."""
        context = self._context
        channel_id = opening.channel_id
        try:
            result = await self._broadcast(signed, credential)
            if not (result.success and _mentions(result, opening)):
                raise VerificationFailedError("the open transaction reverted")
        except PaymentOutcomeUnknownError:
            raise
        except PaymentError as error:
            if not await self._is_on_chain(opening):
                # A node out of reach proves nothing of a transaction that was sent before.
                if is_new or isinstance(error, VerificationFailedError):
                    await context.book.forget_opening(opening.descriptor.payer, channel_id)
                raise
            return signed.hash
        self._state.saw(channel_id)
        context.background.note(
            "channel.opened",
            channel=to_hex(channel_id),
            tx=to_hex(result.hash),
            payer=to_hex(opening.descriptor.payer),
            deposit=opening.deposit,
        )
        return result.hash

    async def _check_unused(self, opening: Opening) -> None:
        """Raise if the channel has a past that nothing here tells of.

        An opening may be shown again when its record is gone, by age or with a store that was lost.
        Then nobody knows what was spent, and a closed channel would pay for nothing at all.
        """
        rpc, book = self._context.rpc, self._context.book
        channel_id, where = opening.channel_id, opening.book
        try:
            state = await read_channel(rpc, channel_id, where)
            if state is None or not state.is_open:
                # A node may not have the block yet; that it was closed is told by a log.
                is_used = await find_close(rpc, where, channel_id) is not None
            else:
                is_used = bool(state.settled or state.close_requested_at_s)
        except ChainError as error:
            raise PaymentUncheckedError from error  # the record stays: it may be sent again
        if not is_used:
            return
        known = await book.get(channel_id)
        if known is None or known.status is Status.OPENING:  # else a twin was faster
            await book.forget_opening(opening.descriptor.payer, channel_id)
            raise ChannelClosedError("channel was used before, or closed; open another")

    async def _is_on_chain(self, opening: Opening) -> bool:
        """Whether the chain has the channel although our transaction was refused: a twin of this
        request may have been faster."""
        try:
            state = await read_channel(self._context.rpc, opening.channel_id, opening.book)
        except ChainError:
            return False
        return state is not None and state.is_open and state.deposit >= opening.deposit

    async def _broadcast(self, signed: Submission, credential: Credential) -> TxResult:
        try:
            return await broadcast(self._context.rpc, signed.raw)
        except TransactionOutcomeUnknown as error:
            self._unknown(credential, error)
        except TransactionRefused as error:
            raise VerificationFailedError(f"transaction refused: {error.words}") from error
        except ChainError as error:  # it was never sent
            raise PaymentUncheckedError from error

    def _unknown(self, credential: Credential, error: TransactionOutcomeUnknown) -> NoReturn:
        raise PaymentOutcomeUnknownError(
            credential.challenge,
            error,
            credential=credential,
            transaction_hash=to_hex(error.tx_hash),
        ) from error


def _spent(channel: Channel, price: int) -> tuple[Channel, InsufficientBalanceError | None]:
    """The channel with the price spent; or as it is, and the problem with that."""
    if not price:
        return channel, None
    try:
        return spend(channel, price), None
    except InsufficientBalanceError as error:
        return channel, error


def _mentions(result: TxResult, opening: Opening) -> bool:
    """Whether the receipt has the escrow's own log of this channel."""
    escrow, this_id = to_hex(opening.book.escrow), to_hex(opening.channel_id)
    return any(
        str(log.get("address")).lower() == escrow and this_id in (log.get("topics") or ())
        for log in result.logs
    )
