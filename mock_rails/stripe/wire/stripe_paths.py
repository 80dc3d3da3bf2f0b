"""What paths Stripe itself has, so that what is not emulated is told apart from what nobody has.

The first two words of every public path are here, and the further words below nouns that the rail
emulates in part: a typing error there is the 404 that it is at Stripe. Taken from the paths in the
released stripe-python 16.1.0; a test compares.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NOUNS: Final = {
    "v1": _words(
        """
        account account_links account_sessions accounts apple_pay application_fees apps balance
        balance_settings balance_transactions billing billing_portal charges checkout climate
        confirmation_tokens country_specs coupons credit_notes crypto customer_sessions customers
        disputes entitlements ephemeral_keys events exchange_rates external_accounts file_links
        files financial_connections forwarding identity invoice_payments
        invoice_rendering_templates invoiceitems invoices issuing link_account_sessions
        linked_accounts mandates payment_attempt_records payment_intents payment_links
        payment_method_configurations payment_method_domains payment_methods payment_records
        payouts plans prices product_catalog products promotion_codes quotes radar refunds
        reporting reviews setup_attempts setup_intents shipping_rates sigma sources
        subscription_items subscription_schedules subscriptions tax tax_codes tax_ids tax_rates
        terminal test_helpers three_d_secure tokens topups transfers treasury webhook_endpoints
        """
    ),
    "v2": _words(
        "billing commerce core data extend iam money_management network payments reporting tax "
        "test_helpers"
    ),
}

_FURTHER: Final = {
    "charges": _words("dispute refund refunds search"),
    "customers": _words(
        "balance_transactions bank_accounts cards cash_balance cash_balance_transactions discount "
        "funding_instructions search sources subscriptions tax_ids"
    ),
    "disputes": _words("close"),
    "invoices": _words(
        "add_lines attach_payment create_preview finalize lines mark_uncollectible pay "
        "remove_lines search send update_lines void"
    ),
    "payment_intents": _words(
        "amount_details_line_items apply_customer_balance cancel capture confirm "
        "increment_authorization search update_crypto_refund_address verify_microdeposits"
    ),
    "payment_methods": _words("attach detach"),
    "payouts": _words("cancel reverse"),
    "prices": _words("search"),
    "products": _words("features search"),
    "refunds": _words("cancel"),
    "setup_intents": _words("cancel confirm verify_microdeposits"),
    "subscriptions": _words("discount migrate pause resume search"),
}
_PLAIN: Final = _words("balance events balance_transactions webhook_endpoints invoice_payments")
"""Nouns with nothing below an id."""


WORDS_NOT_IDS: Final = frozenset({("POST", "/v1/invoices/create_preview")})
"""What Stripe does at a word where the rail would read an id."""


def is_stripes(path: str) -> bool:
    """Whether Stripe has such a path."""
    parts = path.split("/")[1:]
    if len(parts) < 2 or not all(parts) or parts[1] not in _NOUNS.get(parts[0], ()):
        return False
    if parts[0] == "v1" and len(parts) > 3:
        if parts[1] in _PLAIN:
            return False
        if parts[1] in _FURTHER:
            # Of several words below an id, the first or second says what is done.
            return any(part in _FURTHER[parts[1]] for part in parts[2:])
    return True


_FURTHER_VERBS: Final = frozenset(
    {
        ("DELETE", "invoices", 3),
        ("POST", "invoices", 2),
        ("DELETE", "subscription_items", 3),
        ("POST", "subscription_items", 2),
        ("POST", "subscription_items", 3),
    }
)
"""What Stripe does at paths that the rail knows by another verb: verb, noun, number of words."""


def does_stripe(verb: str, path: str) -> bool:
    """Whether Stripe has that verb at a path where the rail has only others."""
    parts = path.split("/")[1:]
    return parts[0] == "v1" and (verb, parts[1], len(parts)) in _FURTHER_VERBS
