"""All channels of one payer: which lane uses which, and every one by its id.

Those that are closed are history: the newest of them are kept, and so is one whose end still has to
say what an unknown payment came to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.client.session.account import Account, Lane
from sandbox.client.session.channel import ChannelState
from sandbox.client.session.errors import UnknownChannelError
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    from sandbox.client.session.channel import Scope
    from sandbox.client.session.services import Services

MOST_CLOSED: Final = 1_000
"""Closed channels that are remembered, about."""


class Registry:
    """Lanes and accounts, begun with what the book holds for this wallet."""

    def __init__(self, services: Services) -> None:
        self._lanes: dict[Scope, Lane] = {}
        self._accounts: dict[bytes, Account] = {}
        self._by_host: dict[str, dict[bytes, Account]] = {}
        """Those that are not closed as far as is known."""
        self._services = services
        self._look_again_at = MOST_CLOSED
        records = services.book.load()
        for record in sorted(records, key=lambda one: (one.opened_at_s, one.id)):
            if record.descriptor.payer != services.wallet.address:
                continue
            lane = self.lane(record.scope)
            account = Account(services, lane, record)
            account.is_unheard = True
            self._keep(account)
            if account.is_usable:
                lane.current = account  # the newest, if there are several

    def lane(self, scope: Scope) -> Lane:
        """The lane of a scope, made when it is first asked for."""
        lane = self._lanes.get(scope)
        if lane is None:
            lane = self._lanes[scope] = Lane(scope)
        return lane

    def add(self, account: Account) -> None:
        """Remember a new channel, or one that is used again."""
        self._services.in_use.use(account.record.id)
        self._keep(account)
        self._forget_old()

    def get(self, channel_id: bytes) -> Account | None:
        """The channel of this id, if the payer has it."""
        return self._accounts.get(channel_id)

    def need(self, channel_id: bytes) -> Account:
        """The channel of this id, or `UnknownChannelError`."""
        account = self._accounts.get(channel_id)
        if account is None:
            raise UnknownChannelError(f"This payer has no channel {to_hex(channel_id)}.")
        return account

    def all(self) -> tuple[Account, ...]:
        """Every channel, in the order of opening."""
        return tuple(self._accounts.values())

    def at(self, host: str) -> tuple[Account, ...]:
        """The usable channels at a host."""
        here = self._by_host.get(host, {})
        for one in [*here.values()]:
            if one.record.state is ChannelState.CLOSED:
                del here[one.record.id]
        return tuple(one for one in here.values() if one.is_usable)

    def _keep(self, account: Account) -> None:
        record = account.record
        self._accounts[record.id] = account
        if record.state is not ChannelState.CLOSED:
            self._by_host.setdefault(record.host, {})[record.id] = account

    def _forget_old(self) -> None:
        """Let the oldest closed channels go, a good many at a time."""
        if len(self._accounts) < self._look_again_at:
            return
        closed = [one for one in self.all() if one.record.state is ChannelState.CLOSED]
        waited_for = {one.payment.session for one in self._services.ledger.unknown}
        for one in closed[: max(len(closed) - MOST_CLOSED, 0)]:
            record = one.record
            if to_hex(record.id) not in waited_for:
                del self._accounts[record.id]
                self._by_host.get(record.host, {}).pop(record.id, None)
                self._services.book.forget(record.id)
        self._look_again_at = len(self._accounts) + MOST_CLOSED // 8
