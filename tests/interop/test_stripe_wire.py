"""The wire as stripe-python speaks it (facts: stripe 1.1, 2.4, 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stripe

from tests.interop.stripe_support import Served, stripe_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with stripe_in_thread() as served:
        yield served


def test_objects_go_there_and_back(served: Served) -> None:
    client = served.client()
    made = client.v1.customers.create({"name": "Ada", "metadata": {"team": "a b&c=d"}})
    assert made.id.startswith("cus_")
    assert client.v1.customers.retrieve(made.id).metadata.to_dict() == {"team": "a b&c=d"}


def test_what_is_missing_is_an_error_of_its_own_class(served: Served) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        served.client().v1.customers.retrieve("cus_none")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
