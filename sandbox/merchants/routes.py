"""What the merchants' routes cost, and how they may be paid (DESIGN section 3).

All prices are in one currency of six decimals. Nothing here talks to a chain; the offers do, when
somebody pays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.server.charge import charge_offers
from sandbox.server.route import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpp.server.method import ServerMethod

    from sandbox.chain import TempoRpc
    from sandbox.server.offer import Offer
    from sandbox.server.session import SessionServer

QUOTE_PRICE: Final = "0.01"
REPORT_PRICE: Final = "0.05"
REPORT_BASE_UNITS: Final = 50_000
SEARCH_BASE_UNITS: Final = 1_000
TOKEN_BASE_UNITS: Final = 100

SEARCH_DEPOSIT: Final = 1_000_000
"""A thousand searches."""
TOKEN_DEPOSIT: Final = 500_000
"""Five thousand tokens."""
REPORT_DEPOSIT: Final = 500_000
"""Ten reports."""


def build_routes(
    sessions: SessionServer,
    charges: Sequence[ServerMethod],
    *,
    currency: bytes,
    chain_id: int,
    rpc: TempoRpc | None = None,
) -> tuple[Route, ...]:
    """The paid routes: charges by pympp's methods, sessions by ours. `rpc` is the charges' node."""

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

    # Vouchers for a stream are POSTs to its URL, query and all. So a path that streams to GET takes
    # no orders by POST: those would be told from vouchers by nothing (facts: protocol 2.5, 2.8).
    token = session(TOKEN_BASE_UNITS, "token", TOKEN_DEPOSIT, "A token", streams=True)
    return (
        Route(
            path="/quote",
            offers=charge_offers(charges, amount=QUOTE_PRICE, description="A quote", rpc=rpc),
            summary="A quote, for a fixed price",
        ),
        Route(
            path="/search",
            offers=session(SEARCH_BASE_UNITS, "request", SEARCH_DEPOSIT, "A search"),
            summary="The glossary's entries for a query, paid by the request",
        ),
        Route(
            path="/complete",
            offers=token,
            streams=True,
            socket_path="/complete/ws",
            summary="A completion as a stream, paid by the token",
        ),
        Route(
            path="/v1/chat/completions",
            offers=token,
            methods=frozenset({"POST"}),
            streams=True,
            summary="The same where OpenAI's SDKs look for it, always streamed",
        ),
        Route(
            path="/report",
            offers=(
                *charge_offers(charges, amount=REPORT_PRICE, description="A report", rpc=rpc),
                *session(REPORT_BASE_UNITS, "request", REPORT_DEPOSIT, "A report"),
            ),
            summary="A report, for whichever method and intent you like",
        ),
    )
