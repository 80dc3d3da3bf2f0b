"""The 402 for people: a page that says what it costs and how to pay, where a browser asks.

Facts: protocol 1.1, row 30, and issue 3: browsers get a readable HTML 402. The page stands alone
(no scripts, fonts or images) and everything in it that came from outside is escaped. The machine's
part is in the headers, as always.
"""

from __future__ import annotations

import shlex
from html import escape
from typing import TYPE_CHECKING, Any, Final

from mpp.errors import PaymentRequiredError

from mock_rails.tempo.addresses import ALPHA_USD, BETA_USD, PATH_USD, THETA_USD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpp.errors import PaymentError

    from sandbox.server.challenges import Issued

_NAMES: Final = {
    f"0x{address.hex()}": name
    for address, name in (
        (PATH_USD, "pathUSD"),
        (ALPHA_USD, "AlphaUSD"),
        (BETA_USD, "BetaUSD"),
        (THETA_USD, "ThetaUSD"),
    )
}
"""The tokens that every Tempo chain of ours begins with; others go by their address."""

_DECIMALS: Final = {"tempo": 6, "stripe": 2}
"""TIP-20 dollars have six; Stripe counts cents. Other methods name whole units."""

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;
color:#1c2430;background:#fafafa}
h1{font-size:1.5rem;margin:0 0 .25rem}
section{background:#fff;border:1px solid #dfe3e8;border-radius:8px;padding:1rem 1.25rem;
margin:1rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:0}
dt{color:#5b6673}
dd{margin:0;overflow-wrap:anywhere}
pre{background:#1c2430;color:#f4f6f8;padding:.75rem 1rem;border-radius:6px;white-space:pre-wrap;
overflow-wrap:anywhere}
@media(prefers-color-scheme:dark){body{background:#14181e;color:#e6e9ee}
section{background:#1c222b;border-color:#333c48}dt{color:#9aa5b1}}
"""


def prefers_html(accept: str | None) -> bool:
    """Whether an `Accept` field asks for a page: it names HTML, and JSON with no more weight."""
    if accept is None or "text/html" not in accept.lower():
        return False
    weights: dict[str, float] = {}
    for member in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in member.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            weights[kind] = float(weight)
        except ValueError:
            weights[kind] = 0
    page = weights.get("text/html", 0)
    machine = max(weights.get("application/json", 0), weights.get("application/problem+json", 0))
    return page > 0 and page >= machine


def payment_page(
    error: PaymentError, issued: Sequence[Issued], *, url: str, summary: str = ""
) -> bytes:
    """The page for a request that has to be paid for. `url` is what was asked for."""
    offers = "".join(_section(one) for one in issued)
    # That payment is required is what the whole page says; what else went wrong needs words.
    is_first = isinstance(error, PaymentRequiredError)
    words = [summary] if is_first and summary else [summary, str(error)]
    what = "".join(f"<p>{escape(one)}</p>" for one in words if one)
    # The URL is the client's: it must not become a part of a command when somebody pastes it.
    pasted = escape(shlex.quote(url))
    document = (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>402 {escape(error.title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>This page costs money</h1>{what}{offers}"
        "<h2>What to do</h2><p>Browsers cannot pay by themselves. A client of the Machine Payments "
        "Protocol can, from a terminal:</p>"
        f"<pre>mpp-sandbox pay {pasted}\nnpx mppx {pasted}</pre>"
        "<p>The challenges are in this answer's <code>WWW-Authenticate</code> headers.</p>"
        "</body></html>\n"
    )
    return document.encode()


def price(method: str, request: Mapping[str, Any]) -> str:
    """What an offer costs, as people read it."""
    amount, currency = str(request.get("amount", "")), str(request.get("currency", ""))
    currency = _NAMES.get(currency.lower(), currency)
    unit = request.get("unitType")
    per = f" per {unit}" if unit else ""
    if not (amount.isascii() and amount.isdigit()):
        return f"{amount or 'see the challenge'} {currency}{per}".strip()
    decimals = _DECIMALS.get(method, 0)
    text = amount.rjust(decimals + 1, "0")
    whole, part = (text[:-decimals], text[-decimals:].rstrip("0")) if decimals else (text, "")
    shown = f"{int(whole):,}" if len(whole) < 30 else whole
    # Prices are shown with cents at least, as they are everywhere.
    if decimals:
        shown = f"{shown}.{part.ljust(2, '0')}"
    return f"{shown} {currency}{per}"


def _section(issued: Issued) -> str:
    request = issued.request
    rows = [
        ("Price", price(issued.method, request)),
        ("Method", f"{issued.method}/{issued.intent}"),
        ("For", issued.description),
        ("Paid to", request.get("recipient")),
        ("Suggested deposit", _deposit(issued)),
        ("Offer ends", issued.expires),
    ]
    cells = "".join(
        f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in rows if value
    )
    return f"<section><dl>{cells}</dl></section>"


def _deposit(issued: Issued) -> str | None:
    asked = issued.request
    deposit = asked.get("suggestedDeposit", asked.get("depositAmount"))
    if deposit is None:
        return None
    currency = issued.request.get("currency", "")
    return price(issued.method, {"amount": deposit, "currency": currency})
