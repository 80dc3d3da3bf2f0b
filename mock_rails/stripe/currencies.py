"""Currencies: what one unit is, and how little may be charged (facts: stripe 2.9)."""

from __future__ import annotations

from typing import Final

from mock_rails.stripe.errors import InvalidRequest


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


LARGEST: Final = 99_999_999
"""Amounts have up to eight digits."""

MINIMUM: Final = {
    "aed": 200, "ars": 50, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "cop": 50,
    "czk": 1_500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17_500, "idr": 50,
    "ils": 50, "inr": 50, "jpy": 50, "krw": 50, "mxn": 1_000, "myr": 200, "nok": 300, "nzd": 50,
    "php": 50, "pln": 200, "ron": 200, "rub": 50, "sek": 300, "sgd": 50, "thb": 1_000, "usd": 50,
    "zar": 50,
}  # fmt: skip
"""The least that a card can be charged, in the smallest unit; 1 where no minimum is published."""

CRYPTO_MINIMUM: Final = 1
"""The least that a stablecoin payment can be: one cent."""

ZERO_DECIMAL: Final = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
"""Currencies without a smaller unit: 500 means 500."""

TWO_DECIMAL_FOR_HISTORY: Final = frozenset({"isk", "ugx"})
"""Currencies without a smaller unit that are passed as if they had cents: always whole hundreds."""

THREE_DECIMAL: Final = _codes("bhd jod kwd omr tnd")
"""Currencies with thousandths, of which only whole hundredths can be charged."""

KNOWN: Final = (
    _codes(
        "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd "
        "cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd "
        "hkd hnl htg huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk "
        "mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron "
        "rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd "
        "uyu uzs wst xcd yer zar zmw"
    )
    | ZERO_DECIMAL
    | TWO_DECIMAL_FOR_HISTORY
    | THREE_DECIMAL
)


def check_currency(currency: str, param: str = "currency") -> str:
    """The currency's code in lower case, or the refusal of one that nobody has."""
    code = currency.lower()
    if code not in KNOWN:
        raise InvalidRequest(
            f"Invalid currency: {currency[:20]}. It must be one of the three-letter codes that "
            f"Stripe supports: {', '.join(sorted(KNOWN))}",
            param=param,
        )
    return code


def check_amount(
    amount: int, currency: str, *, minimum: int | None = None, param: str = "amount"
) -> None:
    """Refuse an amount that cannot be charged in that currency. `minimum` is for methods that
    have one of their own."""
    least = MINIMUM.get(currency, 1) if minimum is None else minimum
    if amount < least:
        raise InvalidRequest(
            f"Amount must be at least {in_words(least, currency)}.",
            code="amount_too_small",
            param=param,
        )
    if amount > LARGEST:
        raise InvalidRequest(
            f"Amount must be no more than {in_words(LARGEST, currency)}.",
            code="amount_too_large",
            param=param,
        )
    if currency in THREE_DECIMAL and amount % 10:
        raise InvalidRequest(
            f"Amounts in {currency} have three decimals of which the last must be 0.", param=param
        )
    if currency in TWO_DECIMAL_FOR_HISTORY and amount % 100:
        raise InvalidRequest(
            f"Amounts in {currency} are passed with two decimals that must be 00.", param=param
        )


def decimals(currency: str) -> int:
    """How many decimals the smallest unit has."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def in_words(amount: int, currency: str) -> str:
    """The amount as people write it, for messages: `0.50 usd`."""
    places = decimals(currency)
    if not places:
        return f"{amount} {currency}"
    whole, rest = divmod(amount, 10**places)
    return f"{whole}.{rest:0{places}} {currency}"
