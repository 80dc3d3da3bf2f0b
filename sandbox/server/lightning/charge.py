"""Charges by invoice at the gate (facts: lightning 1).

The draft stores each challenge with its invoice. Here the challenge's id is an HMAC over all of it
(`sandbox.server.challenges`), invoice included: what comes back authentic is what was stored, and a
thousand unpaid challenges take no room. Consumed is what the gate's single-use mark says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import BadInput
from sandbox.lightning.prices import price_of
from sandbox.methods.lightning_charge import (
    ChargeRequest,
    charge_receipt,
    check_charge,
    parse_payload,
    parse_request,
    stable_parts,
    to_header,
)
from sandbox.methods.lightning_charge.problems import in_lightning_words
from sandbox.methods.lightning_charge.request import price
from sandbox.server.challenges import request_of
from sandbox.server.offer import Offer, Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpp import Credential
    from mpp.errors import PaymentError

    from sandbox.lightning.prices import Price
    from sandbox.server.lightning.context import LightningContext
    from sandbox.server.request import PaidRequest

LONGEST_DESCRIPTION: Final = 639
"""Bytes that fit into an invoice."""


class LightningChargeOffer(Offer):
    """One price, paid by an invoice of each client's own. A challenge keeps the one it was made
    with."""

    method = "lightning"
    intent = "charge"
    is_single_use = True
    is_personal: Final = True

    def __init__(
        self,
        amount: int | Price,
        context: LightningContext,
        *,
        description: str | None = None,
        external_id: str | None = None,
    ) -> None:
        self._price = price_of(amount)
        checked_price(self._price.now(), description)
        self._network = context.network
        self._invoices = context.invoices
        self._clock = context.clock
        self._description = description
        self._external_id = external_id
        self.lifetime_s = context.invoices.lifetime_s

    def __repr__(self) -> str:
        """What it costs."""
        return f"<LightningChargeOffer {self._price.now()} sat>"

    @property
    def description(self) -> str | None:
        """What is paid for."""
        return self._description

    @property
    def request(self) -> Mapping[str, Any]:
        """What all clients are asked for; each gets it with an invoice."""
        return self._request(self._price.now())

    def _request(self, amount_sat: int) -> dict[str, Any]:
        return price(
            amount_sat,
            self._network,
            description=self._description,
            external_id=self._external_id,
        )

    async def personal_request(self, request: PaidRequest) -> Mapping[str, Any] | None:
        """The request with a fresh invoice; None if the node gives none."""
        return await self.fresh_request()

    async def fresh_request(self) -> Mapping[str, Any] | None:
        """The same, for whoever asks."""
        amount_sat = self._price.now()
        invoice = await self._invoices.make(amount_sat, self._description or "")
        if invoice is None:
            return None
        return ChargeRequest(amount_sat, invoice, self._description, self._external_id).to_json()

    def matches(self, echoed: Mapping[str, Any]) -> bool:
        """Whether a challenge with this request was made of this offer, the invoice aside."""
        parts = stable_parts(echoed)
        return any(parts == self._request(one) for one in self._price.lately(self.lifetime_s))

    def in_its_words(self, check: str, error: PaymentError) -> PaymentError:
        """A refusal of the gate's as the draft names it."""
        return in_lightning_words(check, error)

    async def settle(self, credential: Credential, request: PaidRequest) -> Settlement:
        """Look at the preimage, which proves the payment by itself: no node is asked."""
        return self.accept(credential)

    def accept(self, credential: Credential) -> Settlement:
        """The same, whatever it was sent with."""
        asked = parse_request(request_of(credential.challenge))
        payload = parse_payload(credential.payload)
        check_charge(asked, payload, now_s=self._clock.now_s())
        reference = asked.payment_hash.hex()
        receipt = charge_receipt(
            asked.payment_hash, credential.challenge.id, now_us=self._clock.now_us()
        )
        return Settlement(
            receipt=to_header(receipt),
            reference=reference,
            amount=asked.amount_sat,
            currency="sat",
            details={"paymentHash": reference},
        )

    async def find(self, credential: Credential, request: PaidRequest) -> Settlement:
        """What came of a credential whose server died on the way: its proof says it again."""
        return self.accept(credential)


def checked_price(amount_sat: int, description: str | None) -> None:
    """Refuse what no invoice can say."""
    if amount_sat < 1:
        raise BadInput(f"A price is at least one satoshi, not {amount_sat}.")
    if description is not None and len(description.encode()) > LONGEST_DESCRIPTION:
        raise BadInput(f"An invoice's description has up to {LONGEST_DESCRIPTION} bytes.")
