"""All channels of one payer: which lane uses which, and every one by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.client.session.account import Account, Lane
from sandbox.client.session.errors import UnknownChannelError
from sandbox.methods.tempo_session.fields import to_hex

if TYPE_CHECKING:
    from sandbox.client.session.channel import Scope
    from sandbox.client.session.services import Services


class Registry:
    """Lanes and accounts, begun with what the book holds for this wallet."""

    def __init__(self, services: Services) -> None:
        self._lanes: dict[Scope, Lane] = {}
        self._accounts: dict[bytes, Account] = {}
        records = services.book.load()
        for record in sorted(records, key=lambda one: (one.opened_at_s, one.id)):
            if record.descriptor.payer != services.wallet.address:
                continue
            lane = self.lane(record.scope)
            account = Account(services, lane, record)
            account.is_unheard = True
            self.add(account)
            if account.is_usable:
                lane.current = account  # the newest, if there are several

    def lane(self, scope: Scope) -> Lane:
        """The lane of a scope, made when it is first asked for."""
        lane = self._lanes.get(scope)
        if lane is None:
            lane = self._lanes[scope] = Lane(scope)
        return lane

    def add(self, account: Account) -> None:
        """Remember a new channel."""
        self._accounts[account.record.id] = account

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
        return tuple(one for one in self.all() if one.record.host == host and one.is_usable)
