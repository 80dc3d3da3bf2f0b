"""What the payer may spend, and the ledger of what was reserved and spent.

Servers name their price; a `Budget` is the client's answer. Every payment is reserved in the
`Ledger` before anything is signed, and refused there with the limit, what was left under it and the
excess. A reservation ends in one of three ways, for a payment has more outcomes than two (DESIGN
2.5): it was made (`commit`), it certainly was not (`release`), or nobody knows yet
(`mark_unknown`), which keeps the money set aside until someone has looked.

Amounts are integers in base units. Like pympp's charge caps, limits need to be told which
currencies they are in, and those are counted together without conversion.
"""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import httpx

from mock_rails.core.errors import BadInput
from sandbox.client.errors import (
    BudgetExceededError,
    CurrencyNotAllowedError,
    HostNotAllowedError,
    InvalidAmountError,
    InvalidBudgetError,
    ReservationClosedError,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from mock_rails.core.clock import Clock

MAX_AMOUNT: Final = (1 << 256) - 1
"""The largest amount that any token can hold."""

_MAX_DECIMALS: Final = 77
_LONGEST_TEXT: Final = 256
_AMOUNT: Final = re.compile(r"\$?\s?(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?")
_HOST: Final = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
_PORT: Final = re.compile(r":[0-9]+$")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


# -- amounts and hosts, as people write them -------------------------------------------------------


def parse_amount(text: str | Decimal, decimals: int) -> int:
    """Base units of an amount such as "0.01", "$5" or a Decimal, exactly.

    What is finer than the token's smallest unit is refused, never rounded; trailing zeros are fine.
    """
    _check_decimals(decimals)
    if isinstance(text, Decimal):
        text = _plain(text)
    written = _AMOUNT.fullmatch(text.strip()) if len(text) <= _LONGEST_TEXT else None
    if written is None:
        raise InvalidAmountError(
            f"An amount is written as 5, 0.01 or $0.01, not {text[:40]!r}.",
            hint="No sign, no exponent, no separators of thousands; a point before the fraction.",
        )
    fraction = (written[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise InvalidAmountError(
            f"{text.strip()} has {len(fraction)} decimals; the token has {decimals}.",
            details={"decimals": decimals},
        )
    return _checked_amount(int(written[1] + fraction.ljust(decimals, "0") or "0"))


def format_amount(amount: int, decimals: int) -> str:
    """The amount as people write it: 10000 with 6 decimals is "0.01"."""
    _check_decimals(decimals)
    whole, fraction = divmod(_checked_amount(amount), 10**decimals)
    digits = str(fraction).rjust(decimals, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def host_of(url: str) -> str:
    """The `host:port` that a request to this URL goes to, read as the HTTP client reads it."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise BadInput(f"That is not a URL: {error}.") from error
    port = parsed.port or _DEFAULT_PORTS.get(parsed.scheme)
    if port is None:
        raise BadInput(f"A URL begins with http, https, ws or wss, not {parsed.scheme[:20]!r}.")
    host = parsed.raw_host.decode("ascii")
    return _host(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


@lru_cache(maxsize=1024)
def _host(text: str) -> str:
    """One form for all ways to write a host: lower case, ASCII, without a final dot."""
    try:
        parsed = httpx.URL(f"//{text}")
    except httpx.InvalidURL as error:
        raise BadInput(f"{text[:80]!r} is not a host: {error}.") from error
    name = parsed.raw_host.decode("ascii").lower().removesuffix(".")
    host = f"[{name}]" if ":" in name else name
    port = parsed.port
    strays = set("/?#@%*").intersection(text)
    if strays or not _HOST.fullmatch(host) or not (port is None or 0 < port < 1 << 16):
        raise BadInput(
            f"{text[:80]!r} is not a host.", hint="Write api.example.com, or localhost:8402."
        )
    return host if port is None else f"{host}:{port}"


def _plain(number: Decimal) -> str:
    """A Decimal without an exponent; a wild one would be megabytes of zeros."""
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or max(len(digits), abs(exponent)) > _LONGEST_TEXT:
        raise InvalidAmountError("An amount is finite and of a sensible length.")
    return format(number, "f")


def _check_decimals(decimals: int) -> None:
    if type(decimals) is not int or not 0 <= decimals <= _MAX_DECIMALS:
        raise InvalidAmountError(f"A token has 0 to {_MAX_DECIMALS} decimals.")


def _checked_amount(amount: int) -> int:
    if type(amount) is not int or not 0 <= amount <= MAX_AMOUNT:
        raise InvalidAmountError("An amount is an integer in base units, from 0 to 2^256 - 1.")
    return amount


def _name(value: str, what: str) -> str:
    """A currency, recipient or session; addresses are one whatever the case of their digits."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT or not value.isprintable():
        raise BadInput(f"A {what} is a printable text of 1 to {_LONGEST_TEXT} characters.")
    return value.lower()


# -- limits ----------------------------------------------------------------------------------------


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
        _checked_amount(self.amount)
        if self.splits:
            shares = [(_name(to, "recipient"), _checked_amount(part)) for to, part in self.splits]
            if sum(part for _, part in shares) > self.amount:
                raise InvalidAmountError("The splits of a payment are more than its amount.")
            _set(self, "splits", tuple(shares))
        _set(self, "currency", _name(self.currency, "currency"))
        _set(self, "host", _host(self.host))
        if self.recipient is not None:
            _set(self, "recipient", _name(self.recipient, "recipient"))
        if self.session is not None:
            _set(self, "session", _name(self.session, "session"))

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
                _checked_amount(base_units)
                if self.allowed_currencies is None:
                    raise InvalidBudgetError(
                        f"{limit} is a number of base units, but of which currency?",
                        hint="Name one or more in allowed_currencies.",
                    )
        if self.decimals is not None:
            _check_decimals(self.decimals)
        if self.allowed_hosts is not None:
            hosts = _texts(self.allowed_hosts, "allowed_hosts")
            _set(self, "allowed_hosts", frozenset(map(_host, hosts)))
        if self.allowed_currencies is not None:
            currencies = _texts(self.allowed_currencies, "allowed_currencies")
            _set(
                self, "allowed_currencies", frozenset(_name(one, "currency") for one in currencies)
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
        if hosts is not None and not (
            payment.host in hosts or _PORT.sub("", payment.host) in hosts
        ):
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
        if self.decimals is None:
            return f"{amount} base units"
        return format_amount(amount, self.decimals)


# -- what was spent --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """Money set aside for one payment, until its outcome is known."""

    number: int
    payment: Payment
    reserved_at_us: int


class Tally(NamedTuple):
    """What was counted under one limit, in base units."""

    spent: int
    reserved: int


class Ledger:
    """What was reserved and spent under a budget; lives as long as its client.

    No call waits for anything, and a lock makes each one step for threads as well as for tasks: two
    payments never take the same money. Sums of sessions and recipients are kept for good, for a
    limit that forgets is none.
    """

    def __init__(self, budget: Budget, clock: Clock) -> None:
        self.budget = budget
        self._clock = clock
        self._lock = Lock()
        self._spent: dict[tuple[Limit, str], int] = {}
        self._reserved: dict[tuple[Limit, str], int] = {}
        self._open: dict[int, Reservation] = {}
        self._unknown: dict[int, Reservation] = {}
        self._next_number = 1

    def reserve(self, payment: Payment) -> Reservation:
        """Set the payment's amount aside, or raise `PaymentRefusedError` and change nothing.

        Where several limits are exceeded, the refusal names the one that lacks most.
        """
        self.budget.check(payment)
        charges = payment.charges(payment.amount)
        with self._lock:
            worst: tuple[int, Limit, int] | None = None
            for key, asked in (*charges.items(), ((Limit.PER_REQUEST, ""), payment.amount)):
                left = self._left(key)
                if left is not None and asked > left and (worst is None or asked - left > worst[0]):
                    worst = asked - left, key[0], left
            if worst is not None:
                excess, limit, left = worst
                raise self.budget.exceeded(payment, limit, left + excess, left)
            reservation = Reservation(self._next_number, payment, self._clock.now_us())
            self._next_number += 1
            self._open[reservation.number] = reservation
            for key, asked in charges.items():
                self._reserved[key] = self._reserved.get(key, 0) + asked
        return reservation

    def commit(self, reservation: Reservation, amount: int | None = None) -> None:
        """The payment was made: all of it, or `amount`, of which the rest is free again."""
        payment = reservation.payment
        spent = payment.amount if amount is None else _checked_amount(amount)
        if spent > payment.amount:
            raise InvalidAmountError(
                f"{spent} base units were spent of a reservation of {payment.amount}.",
                hint="Reserve the rest before it is signed for.",
            )
        if spent < payment.amount and payment.splits:
            raise InvalidAmountError("A payment with splits is made as a whole or not at all.")
        with self._lock:
            self._close(reservation)
            for key, part in payment.charges(spent).items():
                self._spent[key] = self._spent.get(key, 0) + part

    def release(self, reservation: Reservation) -> None:
        """The payment was certainly not made, nor can it still be: the money is free again."""
        with self._lock:
            self._close(reservation)

    def mark_unknown(self, reservation: Reservation) -> None:
        """The outcome is not known: the money stays aside until a commit or a release.

        May be said again; `unknown` lists what is to be looked up.
        """
        with self._lock:
            self._check_open(reservation)
            self._unknown[reservation.number] = reservation

    @property
    def open(self) -> tuple[Reservation, ...]:
        """All reservations that were neither committed nor released, oldest first."""
        with self._lock:
            return tuple(self._open.values())

    @property
    def unknown(self) -> tuple[Reservation, ...]:
        """Those of the open ones whose outcome is unknown, in the order of their marking."""
        with self._lock:
            return tuple(self._unknown.values())

    def tally(self, limit: Limit = Limit.TOTAL, name: str = "") -> Tally:
        """What was spent and is reserved in all, in a session, or on a recipient."""
        if (limit is Limit.TOTAL) != (name == "") or limit is Limit.PER_REQUEST:
            raise BadInput("A tally is of all, or of one session or recipient by its name.")
        key = limit, name.lower()
        with self._lock:
            return Tally(self._spent.get(key, 0), self._reserved.get(key, 0))

    def left(self, payment: Payment) -> dict[Limit, int]:
        """What each limit that is set still has for payments like this one, whatever its amount.

        A channel's deposit, for one, is bounded by all of them but `per_request`.
        """
        found: dict[Limit, int] = {}
        with self._lock:
            for key in (*payment.charges(0), (Limit.PER_REQUEST, "")):
                left = self._left(key)
                if left is not None:
                    found[key[0]] = min(left, found.get(key[0], left))
        return found

    # -- inside, under the lock -------------------------------------------------------------------

    def _left(self, key: tuple[Limit, str]) -> int | None:
        whole = self.budget.limit(key[0])
        if whole is None:
            return None
        return whole - self._spent.get(key, 0) - self._reserved.get(key, 0)

    def _check_open(self, reservation: Reservation) -> None:
        if self._open.get(reservation.number) is not reservation:
            raise ReservationClosedError(
                f"Reservation {reservation.number} is not open in this ledger.",
                hint="Each reservation is committed or released once, where it was made.",
            )

    def _close(self, reservation: Reservation) -> None:
        self._check_open(reservation)
        del self._open[reservation.number]
        self._unknown.pop(reservation.number, None)
        for key, amount in reservation.payment.charges(reservation.payment.amount).items():
            kept = self._reserved.pop(key, 0) - amount  # a zero is not kept: it leaves no trace
            if kept:
                self._reserved[key] = kept


def _texts(values: Collection[str], what: str) -> Collection[str]:
    """The list, unless it is one text: its letters would pass for a list."""
    if isinstance(values, str | bytes):
        raise InvalidBudgetError(f"{what} is a list of texts, not a single one.")
    return values


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


_set = object.__setattr__
"""How a frozen dataclass brings its own fields into form."""
