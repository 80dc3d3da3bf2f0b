"""Writes a finding out for people, in 80 columns.

`paint` colours a text; what it says is the same without. Long ids are whole where they are what one
came for, so that they can be copied.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from sandbox.banner import dollars
from sandbox.cash import cash, is_cash
from sandbox.inspection.card_text import card_lines
from sandbox.inspection.finding import CARD, Finding, Kind
from sandbox.inspection.lightning_text import lightning_lines
from sandbox.inspection.rail_text import rail_lines
from sandbox.journaling.exchange import Check, Exchange, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.inspection.cards import CardStory
    from sandbox.inspection.transaction import Transaction

Paint = Callable[[str, str], str]
"""A text and the colour to put it in."""

MEANINGS: Final[Mapping[str, str]] = {
    "policy": "the route's policy allows the request",
    "body": "the body is within the limit",
    "one-credential": "one Payment credential, not several",
    "credential": "the credential can be read",
    "offer": "the route offers its method and intent",
    "challenge": "the challenge was issued here (HMAC)",
    "request": "it asks for what this route asks for",
    "route": "it was issued for this route and query",
    "digest": "the body is the one that was asked about",
    "expires": "it has not expired",
    "idempotency": "the Idempotency-Key is new or the same request's",
    "single-use": "the credential was not used before",
    "payment": "the method accepts the proof and takes the money",
}
"""What each of the gate's checks makes sure of."""

_COLOURS: Final = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "red",
    Verdict.SKIPPED: "bright_black",
}
_UNIT: Final = 10**6
_LABEL: Final = 12
_WIDTH: Final = 80
_ROOM: Final = _WIDTH - 24
_INDENT: Final = 4
_MOST_LINES: Final = 24
_LAST: Final = 12


def render(
    finding: Finding,
    transactions: Mapping[str, Transaction] | None = None,
    *,
    tokens: Mapping[str, str] | None = None,
    channel: Mapping[str, Any] | None = None,
    cards: CardStory | None = None,
    paint: Paint = lambda text, colour: text,
) -> str:
    """The finding as text. `transactions` are receipts by hash, `tokens` names by address,
    `channel` is how the merchants see the channel, where it is one that was looked for, and `cards`
    what Stripe knows."""
    writer = _Writer(transactions or {}, tokens or {}, paint)
    lines = [*writer.finding(finding, channel)]
    return "\n".join([*lines, *card_lines(cards, paint)] if cards is not None else lines)


class _Writer:
    def __init__(
        self, transactions: Mapping[str, Transaction], tokens: Mapping[str, str], paint: Paint
    ) -> None:
        self._transactions = transactions
        self._tokens = tokens
        self._paint = paint

    def finding(self, finding: Finding, channel: Mapping[str, Any] | None) -> Iterator[str]:
        """All of it."""
        kind = finding.kind.value
        yield self._title(f"{kind[0].upper()}{kind[1:]} {finding.id}")
        if finding.kind is Kind.CHANNEL:
            yield from self._channel(finding, channel)
            return
        if finding.kind is Kind.LIGHTNING and any(one.session for one in finding.exchanges):
            yield from self._title_and(
                f"Requests ({len(finding.exchanges)})", self._requests(finding.exchanges)
            )
            yield from lightning_lines(finding.others, self._paint)
            return
        if not finding.exchanges and not finding.before:
            is_others = finding.kind is Kind.CHALLENGE
            yield (
                "  No merchant of this devnet asked for it."
                if is_others
                else ("  No paid request caused it.")
            )
        for asked in finding.before:
            yield from self._asked(asked)
        for exchange in finding.exchanges:
            if exchange.outcome is Outcome.CHALLENGED:
                yield from self._asked(exchange)
                yield "  Nobody has paid this challenge."
            else:
                yield from self._exchange(exchange)
        told = {one.tx_hash for one in finding.exchanges}
        for tx_hash in finding.transactions:
            if tx_hash not in told:
                yield from self._title_and(f"Transaction {tx_hash}", self._transaction(tx_hash))
        yield from rail_lines(finding.others, self._paint)
        yield from lightning_lines(finding.others, self._paint)

    # -- exchanges --------------------------------------------------------------------------------

    def _asked(self, exchange: Exchange) -> Iterator[str]:
        yield from self._heading(exchange, "asked to pay")
        for offer in exchange.offers:
            amount = str(offer.get("amount", ""))
            price = self._money(int(amount), offer.get("currency")) if amount.isdigit() else amount
            yield _row("offers", f"{offer.get('offer')}  {price}")
            yield _row("", f"challenge {offer.get('challenge')}")
            yield from _decoded(offer.get("request"))

    def _exchange(self, exchange: Exchange) -> Iterator[str]:
        yield from self._heading(exchange, exchange.words)
        if exchange.problem:
            yield from _rows("because", str(exchange.problem.get("detail", "")))
            yield _row("problem", str(exchange.problem.get("type", "")))
            for offer in exchange.offers:
                yield _row("fresh", f"challenge {offer.get('challenge')}")
        if exchange.reason:
            yield from _rows("because", exchange.reason)
        if exchange.outcome is Outcome.UNKNOWN:
            yield _row("", "Nobody knows whether the money moved: look before you pay again.")
        if exchange.challenge:
            yield from self._title_and("Credential", self._credential(exchange))
        if exchange.checks:
            yield from self._title_and("Checks", self._checks(exchange.checks))
        if exchange.receipt:
            yield from self._title_and("Receipt", _decoded(exchange.receipt, indent=2))
        yield from self._title_and("Money moved", self._money_moved(exchange))
        if exchange.phases:
            shown = "  ".join(f"{name} {_ms(us)}" for name, us in exchange.phases.items())
            yield from self._title_and("Time", iter([f"  {shown}"]))

    def _heading(self, exchange: Exchange, words: str) -> Iterator[str]:
        yield ""
        status = "" if exchange.status is None else f" {exchange.status}"
        good = exchange.outcome in {Outcome.DELIVERED, Outcome.REPLAYED}
        colour = "green" if good else "yellow"
        if exchange.outcome in {Outcome.REFUSED, Outcome.UNKNOWN, Outcome.FAILED}:
            colour = "red"
        said = self._paint(f"{words}{status}", colour)
        yield f"{self._title(f'{exchange.method} {exchange.target}')}  {said}"
        yield _row("exchange", f"{exchange.id}  at {_time(exchange.at_us)} UTC")

    def _credential(self, exchange: Exchange) -> Iterator[str]:
        yield _row("challenge", str(exchange.challenge))
        yield _row("method", str(exchange.offer))
        if exchange.source:
            yield _row("source", exchange.source)
        for name, decoded in (exchange.headers or {}).items():
            yield f"  {name}"
            yield from _decoded(decoded)

    def _checks(self, checks: Sequence[Check]) -> Iterator[str]:
        for check in checks:
            word = self._paint(check.verdict.value, _COLOURS[check.verdict])
            yield f"  {word}  {check.name:<15} {MEANINGS.get(check.name, '')}".rstrip()
            yield from _compared(check)

    def _money_moved(self, exchange: Exchange) -> Iterator[str]:
        payment = exchange.payment
        if payment is None:
            if exchange.outcome is Outcome.UNKNOWN:
                yield "  not known"
            else:
                yield "  nothing"
            return
        price = exchange.price
        amount = "" if price is None else self._money(*price)
        if exchange.session is not None:
            yield _row("spent", f"{amount} of the session's deposit")
            yield _row("session", exchange.session)
            yield from self._deposit(payment.get("details") or {})
        elif exchange.channel is None:
            somebody = "card" if exchange.offer == CARD else "somebody"
            yield _row("paid", f"{amount} by {payment.get('payer', somebody)}")
            yield _row("reference", str(payment.get("reference", "")))
        else:
            yield _row("spent", f"{amount} on the channel; the chain moves it when it is settled")
            yield _row("channel", exchange.channel)
            yield from self._session(payment.get("details") or {})
        if exchange.tx_hash is not None:
            yield from self._transaction(exchange.tx_hash)

    def _deposit(self, details: Mapping[str, Any]) -> Iterator[str]:
        if details.get("action"):
            yield _row("action", str(details["action"]))
        if "deposit" in details and "spent" in details:
            yield _row("deposit", f"{details['spent']} of {details['deposit']} sat is spent")

    def _session(self, details: Mapping[str, Any]) -> Iterator[str]:
        def amount(name: str) -> str:
            value = str(details.get(name, ""))
            return self._money(int(value), None) if value.isdigit() else "?"

        if details.get("action"):
            yield _row("action", str(details["action"]))
        if "accepted" in details:
            told = f"{amount('accepted')} authorised, {amount('spent')} spent,"
            yield _row("the channel", f"{told} {amount('settled')} settled")
            yield _row("", f"of a deposit of {amount('deposit')}")

    def _transaction(self, tx_hash: str) -> Iterator[str]:
        yield _row("transaction", tx_hash)
        found = self._transactions.get(tx_hash)
        if found is None:
            return
        yield _row("", f"block {found.block}, {'succeeded' if found.success else 'REVERTED'}")
        for one in found.moved:
            yield _row("moved", self._money(one.amount, one.token))
            yield _row("  from", one.sender)
            yield _row("  to", one.receiver)
        if found.fee:
            yield _row("fee", f"{self._money(found.fee, found.fee_token)} paid by")
            yield _row("", str(found.fee_payer))

    # -- channels ---------------------------------------------------------------------------------

    def _channel(self, finding: Finding, seen: Mapping[str, Any] | None) -> Iterator[str]:
        if seen is not None:
            yield _row("status", f"{seen['status']} (as the merchants see it)")
            yield _row("payer", seen["payer"])
            yield _row("payee", seen["payee"])
            told = [
                f"{self._money(int(seen[name]), seen['token'])} {word}"
                for name, word in (
                    ("deposit", "deposited"),
                    ("accepted", "authorised"),
                    ("spent", "spent"),
                    ("settled", "settled"),
                )
            ]
            yield _row("money", ", ".join(told[:2]) + ",")
            yield _row("", ", ".join(told[2:]))
        exchanges = finding.exchanges
        if exchanges:
            yield from self._title_and(f"Requests ({len(exchanges)})", self._requests(exchanges))
        for tx_hash in finding.transactions:
            yield from self._title_and(_why(finding, tx_hash), self._transaction(tx_hash))

    def _requests(self, exchanges: Sequence[Exchange]) -> Iterator[str]:
        if len(exchanges) > _LAST:
            yield f"  … {len(exchanges) - _LAST} before these"
        for one in exchanges[-_LAST:]:
            price = "" if one.price is None else self._money(*one.price)
            target = f"{one.method} {one.target}"
            if len(target) > 30:
                target = target[:29] + "…"
            status = "" if one.status is None else str(one.status)
            line = f"  {_time(one.at_us)}  {target:<30}  {one.words} {status}"
            yield f"{line:<64} {price:>9}"

    # -- words ------------------------------------------------------------------------------------

    def _title(self, text: str) -> str:
        return self._paint(text, "cyan")

    def _title_and(self, title: str, lines: Iterator[str]) -> Iterator[str]:
        yield ""
        yield self._title(title)
        yield from lines

    def _money(self, amount: int, token: str | None) -> str:
        if token is not None and is_cash(token):
            return cash(amount, token)
        if token == "sat":
            return f"{amount:,} sat"
        name = "pathUSD" if token is None else self._tokens.get(token.lower())
        if name is None:
            return f"{amount} base units of {token}"
        suffix = "" if name == "pathUSD" else f" {name}"
        return f"{dollars(amount)}{suffix}"


def _compared(check: Check) -> Iterator[str]:
    """What was expected and what came; of a check that was passed, what came, if anything did."""
    if check.verdict is Verdict.FAILED and (check.expected, check.got) != (None, None):
        yield from _folded("expected", check.expected)
        yield from _folded("came", check.got)
    elif check.verdict is Verdict.PASSED and check.got is not None:
        yield from _folded("", check.got)


def _folded(label: str, value: Any) -> Iterator[str]:
    """A value's members on lines of their own, cut where they are longer than a line."""
    lines = [
        line[at : at + _ROOM]
        for line in _members(value)
        for at in range(0, max(len(line), 1), _ROOM)
    ]
    for number, line in enumerate(lines[:_MOST_LINES]):
        head = "" if number or not label else f"        {label}"
        yield f"{head:<{_WIDTH - _ROOM}}{line}".rstrip()


def _decoded(value: Any, *, indent: int = _INDENT) -> Iterator[str]:
    """A header's members, as they were decoded: a line each, and more for what is longer."""
    room = _WIDTH - indent
    for line in _members(value):
        yield " " * indent + line[:room]
        for at in range(room, len(line), room - 2):
            yield " " * (indent + 2) + line[at : at + room - 2]


def _members(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            if isinstance(one, Mapping):
                yield from (f"{name}.{line}" for line in _members(one))
            else:
                yield f"{name}: {'nothing' if one is None else one}"
    elif isinstance(value, list):
        for number, one in enumerate(value):
            if number:
                yield "or"
            yield from _members(one)
    else:
        yield "nothing" if value is None else str(value)


def _rows(label: str, text: str) -> Iterator[str]:
    """A sentence on as many lines as it needs."""
    for number, line in enumerate(textwrap.wrap(text, _WIDTH - _LABEL - 2) or [""]):
        yield _row("" if number else label, line)


def _row(label: str, text: str) -> str:
    return f"  {label:<{_LABEL}}{text}".rstrip()


def _why(finding: Finding, tx_hash: str) -> str:
    words = [
        str(event["kind"]).replace(".", " ").capitalize()
        for event in finding.others
        if event["data"].get("tx") == tx_hash
    ]
    return words[0] if words else "Transaction"


def _time(at_us: int) -> str:
    second, rest = divmod(at_us % (24 * 3_600 * _UNIT), _UNIT)
    clock = f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{clock}.{rest // 1_000:03}"


def _ms(span_us: int) -> str:
    return f"{span_us // 1_000}.{span_us % 1_000 // 10:02} ms"
