"""What the payer may spend: servers name their price, a `Budget` is the client's answer.

The `Ledger` (ledger.py) counts against it. Amounts are integers in base units. Like pympp's charge
caps, limits need to be told which currencies they are in, and those are counted together without
conversion.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from sandbox.client.amounts import (
    PORT,
    check_decimals,
    checked_amount,
    checked_host,
    checked_name,
    format_amount,
    parse_amount,
)
from sandbox.client.errors import (
    BudgetExceededError,
    CurrencyNotAllowedError,
    HostNotAllowedError,
    InvalidAmountError,
    InvalidBudgetError,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from decimal import Decimal


class Limit(StrEnum):
    """What a limit is counted over."""

    PER_REQUEST = "per_request"
    PER_SESSION = "per_session"
    PER_RECIPIENT = "per_recipient"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Payment:
    """What a challenge asks for, as far as a budget cares.

    `host` is whom the request goes to (`host_of(url)`), `recipient` whom the challenge wants paid;
    where a method names nobody, the host stands for it. `session` is the channel, for vouchers.
    `splits` are the shares of `amount` that go to others than the recipient.
    """

    amount: int
    _: KW_ONLY
    currency: str
    host: str
    recipient: str | None = None
    session: str | None = None
    splits: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is malformed, and bring names into one form so that they compare."""
        checked_amount(self.amount)
        if self.splits:
            shares = [
                (checked_name(to, "recipient"), checked_amount(part)) for to, part in self.splits
            ]
            if sum(part for _, part in shares) > self.amount:
                raise InvalidAmountError("The splits of a payment are more than its amount.")
            _set(self, "splits", tuple(shares))
        _set(self, "currency", checked_name(self.currency, "currency"))
        _set(self, "host", checked_host(self.host))
        if self.recipient is not None:
            _set(self, "recipient", checked_name(self.recipient, "recipient"))
        if self.session is not None:
            _set(self, "session", checked_name(self.session, "session"))

    def charges(self, amount: int) -> dict[tuple[Limit, str], int]:
        """What is counted where if `amount` of the payment is made; splits come first."""
        counted = {(Limit.TOTAL, ""): amount}
        if self.session is not None:
            counted[Limit.PER_SESSION, self.session] = amount
        for recipient, share in self.splits:
            key = Limit.PER_RECIPIENT, recipient
            counted[key] = counted.get(key, 0) + share
            amount -= share
        key = Limit.PER_RECIPIENT, self.recipient or f"host {self.host}"
        counted[key] = counted.get(key, 0) + amount
        return counted


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of a payer. None is no limit; an empty list of what is allowed allows nothing.

    A host without a port is allowed at any port. Several currencies are counted together, so they
    must be worth the same per base unit, as a chain's dollar tokens are. `decimals` is theirs, and
    only makes refusals readable.
    """

    _: KW_ONLY
    per_request: int | None = None
    per_session: int | None = None
    per_recipient: int | None = None
    total: int | None = None
    allowed_hosts: Collection[str] | None = None
    allowed_currencies: Collection[str] | None = None
    decimals: int | None = None

    def __post_init__(self) -> None:
        """Refuse limits that mean nothing, and freeze the lists in one form."""
        for limit in Limit:
            if (base_units := self.limit(limit)) is not None:
                checked_amount(base_units)
                if self.allowed_currencies is None:
                    raise InvalidBudgetError(
                        f"{limit} is a number of base units, but of which currency?",
                        hint="Name one or more in allowed_currencies.",
                    )
        if self.decimals is not None:
            check_decimals(self.decimals)
        if self.allowed_hosts is not None:
            hosts = _texts(self.allowed_hosts, "allowed_hosts")
            _set(self, "allowed_hosts", frozenset(map(checked_host, hosts)))
        if self.allowed_currencies is not None:
            currencies = _texts(self.allowed_currencies, "allowed_currencies")
            _set(
                self,
                "allowed_currencies",
                frozenset(checked_name(one, "currency") for one in currencies),
            )

    @classmethod
    def parse(
        cls,
        *,
        decimals: int,
        allowed_currencies: Collection[str],
        allowed_hosts: Collection[str] | None = None,
        per_request: str | Decimal | None = None,
        per_session: str | Decimal | None = None,
        per_recipient: str | Decimal | None = None,
        total: str | Decimal | None = None,
    ) -> Self:
        """A budget in people's words, such as `per_request="0.01", total="$5"`."""

        def base_units(text: str | Decimal | None) -> int | None:
            return None if text is None else parse_amount(text, decimals)

        return cls(
            per_request=base_units(per_request),
            per_session=base_units(per_session),
            per_recipient=base_units(per_recipient),
            total=base_units(total),
            allowed_hosts=allowed_hosts,
            allowed_currencies=allowed_currencies,
            decimals=decimals,
        )

    def limit(self, limit: Limit) -> int | None:
        """The limit's base units, or None."""
        base_units: int | None = getattr(self, limit)
        return base_units

    def check(self, payment: Payment) -> None:
        """Raise unless the payment's host and currency are allowed, whatever its amount."""
        hosts, currencies = self.allowed_hosts, self.allowed_currencies
        if hosts is not None and not (payment.host in hosts or PORT.sub("", payment.host) in hosts):
            raise HostNotAllowedError(
                f"{payment.host} asks for money and is not an allowed host.",
                hint=f"Allowed: {_listed(hosts)}.",
                details={"host": payment.host, "allowed_hosts": sorted(hosts)},
            )
        if currencies is not None and payment.currency not in currencies:
            raise CurrencyNotAllowedError(
                f"{payment.host} asks for {payment.currency}, which is not an allowed currency.",
                hint=f"Allowed: {_listed(currencies)}.",
                details={"currency": payment.currency, "allowed_currencies": sorted(currencies)},
            )

    def exceeded(
        self, payment: Payment, limit: Limit, asked: int, left: int
    ) -> BudgetExceededError:
        """The refusal of a payment of which `asked` counts under a limit that has `left` left."""
        whole, excess = self.limit(limit), asked - left
        return BudgetExceededError(
            f"{payment.host} asks for {self._shown(asked)}, but {self._shown(left)} is left of"
            f" {limit} ({self._shown(whole or 0)}): {self._shown(excess)} too little.",
            hint=f"Raise {limit} in the budget if that is meant to be paid.",
            details={
                "limit": limit.value,
                "limit_base_units": whole,
                "asked": asked,
                "left": left,
                "excess": excess,
                "currency": payment.currency,
                "host": payment.host,
                "recipient": payment.recipient,
                "session": payment.session,
            },
        )

    def _shown(self, amount: int) -> str:
        if self.allowed_currencies == _SATS:
            return f"{amount} sat"
        if self.decimals is None:
            return f"{amount} base units"
        return format_amount(amount, self.decimals)


def _texts(values: Collection[str], what: str) -> Collection[str]:
    """The list, unless it is one text: its letters would pass for a list."""
    if isinstance(values, str | bytes):
        raise InvalidBudgetError(f"{what} is a list of texts, not a single one.")
    return values


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


_SATS: Final = frozenset({"sat"})
"""Lightning's currency, which is its own smallest unit."""

_set = object.__setattr__
"""How a frozen dataclass brings its own fields into form."""
