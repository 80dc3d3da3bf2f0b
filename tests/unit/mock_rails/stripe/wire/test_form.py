"""Form bodies in every spelling that clients use (facts: stripe 1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.stripe.errors import InvalidRequest
from mock_rails.stripe.parameters import Integer, ListOf, Object, Text
from mock_rails.stripe.wire.form import as_list, parse_form

if TYPE_CHECKING:
    import httpx

LINES = Object({"items": ListOf(Object({"price": Text(), "quantity": Integer()}))})
TWO_LINES = {"items": [{"price": "p1", "quantity": 1}, {"price": "p2", "quantity": 2}]}


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1&a=2", {"a": "2"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a=x+y%20z", {"a": "x y z"}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[0]=1&a[1]=2", {"a": {"0": "1", "1": "2"}}),
        ("a%5B0%5D=1", {"a": {"0": "1"}}),
        ("a%5B%5D=1", {"a": ["1"]}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a[0][b][c]=1", {"a": {"0": {"b": {"c": "1"}}}}),
        ("a[][b]=1&a[][c]=2&a[][b]=3", {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        ("a[][b][c]=1&a[][b][d]=2", {"a": [{"b": {"c": "1", "d": "2"}}]}),
        ("a[][b][]=1&a[][b][]=2", {"a": [{"b": ["1", "2"]}]}),
        ("metadata[a.b c]=%C3%A9", {"metadata": {"a.b c": "é"}}),
    ],
)
def test_a_body_is_read(text: str, parsed: dict[str, Any]) -> None:
    assert parse_form(text) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "items[0][price]=p1&items[0][quantity]=1&items[1][price]=p2&items[1][quantity]=2",
        "items[][price]=p1&items[][quantity]=1&items[][price]=p2&items[][quantity]=2",
        "items[1][price]=p2&items[0][quantity]=1&items[0][price]=p1&items[1][quantity]=2",
        "items%5B7%5D%5Bprice%5D=p1&items[7][quantity]=1&items[10][price]=p2&items[10][quantity]=2",
    ],
)
def test_spellings_of_a_list_mean_the_same(text: str) -> None:
    assert LINES.parse(parse_form(text)) == TWO_LINES


@pytest.mark.parametrize(
    ("text", "param"),
    [
        ("a[=1", "a["),
        ("a]b=1", "a]b"),
        ("[a]=1", "[a]"),
        ("a[b]c=1", "a[b]c"),
        ("a=1&a[b]=2", "a"),
        ("a[b]=1&a=2", "a"),
        ("a[0]=1&a[]=2", "a"),
        ("a[b]=1&a[b][c]=2", "a"),
        ("a" + "[b]" * 20 + "=1", ("a" + "[b]" * 20)[:100]),
    ],
)
def test_what_has_no_shape_is_refused_by_name(text: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_form(text)
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("text", ["&".join(f"a{n}=1" for n in range(1_001)), "a=%FF"])
def test_what_is_no_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="Invalid form body"):
        parse_form(text)


def test_only_a_whole_row_of_numbers_is_a_list() -> None:
    assert as_list({"0": "a", "1": "b"}) == ["a", "b"]
    assert as_list({"1": "a"}) == {"1": "a"}
    assert as_list({}) == {}


async def test_an_endless_index_is_no_crash(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"/v1/customers?expand[{'9' * 5_000}]=data")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "expand")


async def test_a_get_may_have_a_body_and_its_content_type(http: httpx.AsyncClient) -> None:
    """stripe-node names the form's type on GET as well."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    await http.post("/v1/customers", data={"name": "Ada"})
    assert (await http.get("/v1/customers?limit=1", headers=form)).status_code == 200
    answer = await http.request("GET", "/v1/customers", content="limit=101", headers=form)
    assert answer.json()["error"]["param"] == "limit"


@pytest.mark.parametrize("media_type", ["application/json", "multipart/form-data", "text/plain"])
async def test_v1_takes_no_other_body_than_a_form(http: httpx.AsyncClient, media_type: str) -> None:
    answer = await http.post(
        "/v1/customers", content='{"name": "Ada"}', headers={"content-type": media_type}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_an_empty_value_unsets(http: httpx.AsyncClient) -> None:
    made = await http.post("/v1/customers", data={"name": "", "metadata[a]": ""})
    assert (made.json()["name"], made.json()["metadata"]) == (None, {})


async def test_a_body_that_is_too_long_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/customers", content=b"a=" + b"x" * 2_000_000)
    assert answer.status_code == 413
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_controls_take_json_whatever_its_type_is_called(http: httpx.AsyncClient) -> None:
    body = '{"at": "stripe.request", "do": "drop", "when": "nth=9"}'
    for headers in ({}, {"content-type": "application/x-www-form-urlencoded"}):
        answer = await http.post("/_sandbox/faults", content=body, headers=headers)
        assert answer.json()["fault"]["do"] == "drop"
    for wrong in ("nonsense", "[1]"):
        answer = await http.post("/_sandbox/faults", content=wrong)
        assert answer.status_code == 400
