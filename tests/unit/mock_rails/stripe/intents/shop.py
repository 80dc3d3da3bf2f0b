"""A seller who calls the rail, as tests tell it: parameters nested, refusals returned.

    intent = await shop.pay("pm_card_visa", amount=500)
    error = await shop.refused(402, "/v1/payment_intents", **shop.charge("pm_card_chargeDeclined"))

After every call the books must balance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from mock_rails.stripe.rail import Stripe

NO_REDIRECTS = {"enabled": True, "allow_redirects": "never"}


def form(params: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters in Stripe's brackets."""
    flat: dict[str, str] = {}
    for name, value in params.items():
        key = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, list):
            value = dict(enumerate(value))
        if isinstance(value, dict):
            flat |= form(value, key)
        elif isinstance(value, bool):
            flat[key] = str(value).lower()
        else:
            flat[key] = str(value)
    return flat


class Shop:
    """One seller with a secret test key."""

    def __init__(self, http: httpx.AsyncClient, rail: Stripe) -> None:
        self.http = http
        self.rail = rail
        self.headers: dict[str, str] = {}

    async def call(self, verb: str, path: str, **params: Any) -> tuple[int, dict[str, Any]]:
        """Status and body of any call."""
        where = "params" if verb == "GET" else "data"
        answer = await self.http.request(
            verb,
            path,
            headers=self.headers,
            **{where: form(params)},  # type: ignore[arg-type]
        )
        self.rail.check_conservation()
        return answer.status_code, answer.json()

    async def post(self, path: str, **params: Any) -> dict[str, Any]:
        """What a call that goes well answers."""
        status, body = await self.call("POST", path, **params)
        assert status == 200, body
        return body

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        """What is there to read."""
        status, body = await self.call("GET", path, **params)
        assert status == 200, body
        return body

    async def refused(self, status: int, path: str, **params: Any) -> dict[str, Any]:
        """The error of a call that is refused with that status."""
        found, body = await self.call("POST", path, **params)
        assert found == status, body
        error: dict[str, Any] = body["error"]
        return error

    def charge(self, method: str | None = None, **changes: Any) -> dict[str, Any]:
        """The parameters of a PaymentIntent that is charged at once: 10 dollars."""
        params: dict[str, Any] = {
            "amount": 1000,
            "currency": "usd",
            "confirm": True,
            "automatic_payment_methods": NO_REDIRECTS,
            **({} if method is None else {"payment_method": method}),
            **changes,
        }
        return {name: value for name, value in params.items() if value is not None}

    async def pay(self, method: str | None = None, **changes: Any) -> dict[str, Any]:
        """Charge a method at once."""
        return await self.post("/v1/payment_intents", **self.charge(method, **changes))

    async def declined(self, method: str | None = None, **changes: Any) -> dict[str, Any]:
        """The error of a card that says no."""
        params = self.charge(method, **changes)
        return await self.refused(402, "/v1/payment_intents", **params)

    async def intent(self, intent: dict[str, Any]) -> dict[str, Any]:
        """A PaymentIntent as it is now."""
        return await self.get(f"/v1/payment_intents/{intent['id']}")

    async def do(self, intent: dict[str, Any], deed: str, **params: Any) -> dict[str, Any]:
        """Confirm, capture or cancel."""
        return await self.post(f"/v1/payment_intents/{intent['id']}/{deed}", **params)

    async def meet_bank(self, intent: dict[str, Any], result: str) -> dict[str, Any]:
        """Let the buyer pass or fail 3D Secure."""
        path = f"/_sandbox/{intent['object']}s/{intent['id']}/authenticate"
        answer = await self.http.post(path, json={"result": result})
        assert answer.status_code == 200, answer.text
        self.rail.check_conservation()
        body: dict[str, Any] = answer.json()
        return body

    async def token(self, **limits: Any) -> str:
        """A Shared Payment Token for a Visa, up to 10 dollars."""
        token = await self.post(
            "/v1/test_helpers/shared_payment/granted_tokens",
            payment_method="pm_card_visa",
            usage_limits={"currency": "usd", "max_amount": 1000, **limits},
        )
        token_id: str = token["id"]
        return token_id

    async def customer(self, **params: Any) -> dict[str, Any]:
        """A new customer."""
        return await self.post("/v1/customers", **params)

    def told(self) -> list[str]:
        """The types of all events so far, in order."""
        return [event["type"] for event in self.rail.state.all("events")]
