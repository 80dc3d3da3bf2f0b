"""A shop with a monthly product, and customers who subscribe to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

NEW_YEAR_S = 1_767_225_600
DAY_S = 86_400


class Shop:
    """What a merchant's program does, by plain HTTP calls."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, path: str, status: int = 200, **form: Any) -> dict[str, Any]:
        """POST a form; double underscores are brackets: `recurring__interval`."""
        fields = {_bracketed(name): str(value) for name, value in form.items()}
        answer = await self.http.post(f"/v1/{path}", data=fields)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def price(self, amount: int = 1_000, interval: str = "month", **more: Any) -> str:
        made = await self.post(
            "prices",
            currency="usd",
            unit_amount=amount,
            product_data__name="Reports",
            recurring__interval=interval,
            **more,
        )
        return made["id"]

    async def customer(self, card: str = "pm_card_visa", **more: Any) -> str:
        """A customer with a card that charges are made to."""
        customer = (await self.post("customers", name="Ada", **more))["id"]
        method = await self.post(f"payment_methods/{card}/attach", customer=customer)
        await self.post(
            f"customers/{customer}", invoice_settings__default_payment_method=method["id"]
        )
        return customer

    async def subscribe(
        self, customer: str, price: str, status: int = 200, **more: Any
    ) -> dict[str, Any]:
        return await self.post(
            "subscriptions", status, customer=customer, items__0__price=price, **more
        )

    async def clock(self, at_s: int = NEW_YEAR_S) -> str:
        return (await self.post("test_helpers/test_clocks", frozen_time=at_s))["id"]

    async def advance(self, clock: str, to_s: int) -> dict[str, Any]:
        """Advance a test clock, as programs do: ask, and look until it is ready."""
        moved = await self.post(f"test_helpers/test_clocks/{clock}/advance", frozen_time=to_s)
        assert moved["status"] == "advancing"
        arrived = await self.get(f"test_helpers/test_clocks/{clock}")
        assert (arrived["status"], arrived["frozen_time"]) == ("ready", to_s)
        return arrived

    async def event_types(self) -> list[str]:
        """All event types so far, oldest first."""
        listed = await self.get("events", limit=100)
        return [event["type"] for event in reversed(listed["data"])]


def _bracketed(name: str) -> str:
    first, *rest = name.split("__")
    return first + "".join(f"[{part}]" for part in rest)
