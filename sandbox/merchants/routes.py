"""What the merchants' routes cost, and how they may be paid (DESIGN section 3).

Tempo's prices are in one currency of six decimals, Stripe's in cents, Lightning's in satoshis at a
rate. Nothing here talks to a rail; the offers do, when somebody pays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.lightning.prices import Rate, UsdPrice
from sandbox.server.charge import charge_offers
from sandbox.server.charge_lookup import on_chain
from sandbox.server.route import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpp.server.method import ServerMethod

    from sandbox.chain import TempoRpc
    from sandbox.methods.stripe_charge import StripeMerchant
    from sandbox.server.lightning import LightningServer
    from sandbox.server.offer import Offer
    from sandbox.server.session import SessionServer

QUOTE_PRICE: Final = "0.01"
REPORT_PRICE: Final = "0.05"
CARD_PRICE: Final = "0.50"
"""The least that a card can be charged (facts: stripe 2.9), and so what a card pays here."""
CARD_CURRENCY: Final = "usd"
CARD_TYPES: Final = ("card", "link")
REPORT_BASE_UNITS: Final = 50_000
SEARCH_BASE_UNITS: Final = 1_000
TOKEN_BASE_UNITS: Final = 100

SEARCH_DEPOSIT: Final = 1_000_000
"""A thousand searches."""
TOKEN_DEPOSIT: Final = 500_000
"""Five thousand tokens."""
REPORT_DEPOSIT: Final = 500_000
"""Ten reports."""

SEARCH_PRICE: Final = "0.001"
TOKEN_PRICE: Final = "0.0001"
SEARCHES_PAID_IN: Final = 100
"""How many searches a Lightning deposit covers."""
TOKENS_PAID_IN: Final = 500
REPORTS_PAID_IN: Final = 10
TICKET_QUOTES: Final = 100
"""An L402 ticket for a day of quotes costs as much as this many of them."""
LIGHTNING_QUOTE: Final = "/lightning/quote"


def build_routes(
    sessions: SessionServer,
    charges: Sequence[ServerMethod],
    *,
    currency: bytes,
    chain_id: int,
    rpc: TempoRpc,
    stripe: StripeMerchant | None = None,
    lightning: LightningServer | None = None,
    rate: Rate | None = None,
) -> tuple[Route, ...]:
    """The paid routes: charges by pympp's methods, sessions by ours. `rpc` is the charges' node;
    without a `stripe` no route takes cards, without `lightning` none takes satoshis."""

    def session(
        amount: int, unit: str, deposit: int, description: str, *, streams: bool = False
    ) -> tuple[Offer, ...]:
        offer = sessions.offer(
            amount=amount,
            currency=currency,
            unit_type=unit,
            suggested_deposit=deposit,
            chain_id=chain_id,
            streams=streams,
            description=description,
        )
        return (offer,)

    def charge(amount: str, description: str) -> tuple[Offer, ...]:
        return charge_offers(charges, amount=amount, description=description, find=on_chain(rpc))

    def card(description: str) -> tuple[Offer, ...]:
        return () if stripe is None else _card_offers(stripe, description)

    token = session(TOKEN_BASE_UNITS, "token", TOKEN_DEPOSIT, "A token", streams=True)
    return (
        Route(
            path="/quote",
            offers=charge(QUOTE_PRICE, "A quote"),
            summary="A quote, for a fixed price",
        ),
        Route(
            path="/search",
            offers=session(SEARCH_BASE_UNITS, "request", SEARCH_DEPOSIT, "A search"),
            summary="The glossary's entries for a query, paid by the request",
        ),
        *_token_routes(token),
        Route(
            path="/report",
            offers=(
                *charge(REPORT_PRICE, "A report"),
                *session(REPORT_BASE_UNITS, "request", REPORT_DEPOSIT, "A report"),
                *card("A report, at the least that a card can pay"),
                *_lightning_reports(lightning, rate or Rate()),
            ),
            summary="A report, for whichever method and intent you like",
        ),
        *_card_routes(card("A quote")),
        *_lightning_routes(lightning, rate or Rate()),
    )


def _token_routes(offers: tuple[Offer, ...]) -> tuple[Route, ...]:
    """The routes that are paid for by the token.

    Vouchers for a stream are POSTs to its URL, query and all. So a path that streams to GET takes
    no orders by POST: those would be told from vouchers by nothing (facts: protocol 2.5, 2.8).
    """
    return (
        Route(
            path="/complete",
            offers=offers,
            streams=True,
            socket_path="/complete/ws",
            summary="A completion as a stream, paid by the token",
        ),
        Route(
            path="/v1/chat/completions",
            offers=offers,
            methods=frozenset({"POST"}),
            streams=True,
            summary="The same where OpenAI's SDKs look for it, always streamed",
        ),
    )


def _card_routes(offers: tuple[Offer, ...]) -> tuple[Route, ...]:
    """The routes that only cards pay for, where cards are taken."""
    if not offers:
        return ()
    summary = "A quote, for a fixed price by card"
    return (Route(path="/stripe/quote", offers=offers, summary=summary),)


def _lightning_routes(server: LightningServer | None, rate: Rate) -> tuple[Route, ...]:
    """The routes that only Lightning pays for, where it is taken."""
    if server is None:
        return ()
    quote, search, token = (UsdPrice(usd, rate) for usd in (QUOTE_PRICE, SEARCH_PRICE, TOKEN_PRICE))
    searches = server.session(
        search,
        deposit_units=SEARCHES_PAID_IN,
        unit_type="request",
        description="A search",
    )
    tokens = server.session(
        token,
        deposit_units=TOKENS_PAID_IN,
        unit_type="token",
        streams=True,
        description="A token",
    )
    return (
        Route(
            path=LIGHTNING_QUOTE,
            offers=(server.charge(quote, description="A quote"),),
            summary="A quote, for a fixed price over Lightning",
        ),
        Route(
            path="/lightning/search",
            offers=(searches,),
            summary="The glossary's entries for a query, paid from a Lightning deposit",
        ),
        Route(
            path="/lightning/complete",
            offers=(tokens,),
            streams=True,
            summary="A completion as a stream, paid by the token from a Lightning deposit",
        ),
    )


def _lightning_reports(server: LightningServer | None, rate: Rate) -> tuple[Offer, ...]:
    if server is None:
        return ()
    price = UsdPrice(REPORT_PRICE, rate)
    session = server.session(
        price,
        deposit_units=REPORTS_PAID_IN,
        unit_type="request",
        description="A report",
    )
    return (server.charge(price, description="A report"), session)


def ticket_prices(rate: Rate) -> dict[str, UsdPrice]:
    """What L402 tickets cost, by the path that they open."""
    return {LIGHTNING_QUOTE: UsdPrice(QUOTE_PRICE, rate, times=TICKET_QUOTES)}


def _card_offers(stripe: StripeMerchant, description: str) -> tuple[Offer, ...]:
    methods = stripe.charge(currency=CARD_CURRENCY, payment_method_types=list(CARD_TYPES))
    return charge_offers(methods, amount=CARD_PRICE, description=description, find=stripe.find)
