"""What Stripe takes and the rail does not is refused as not emulated, never called unknown: the
parameters of the released SDK are compared with ours (facts: stripe 1.1)."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import stripe

from mock_rails.stripe.endpoints import ENDPOINTS
from mock_rails.stripe.errors import NotEmulated

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

SDK = Path(stripe.__file__).parent
CALL = re.compile(r"'(get|post|delete)', f?['\"](/v1/[^'\"]*)['\"]")
NAME = re.compile(r"(\w+Params)")
OURS = {(one.verb, re.sub(r"\{\w+\}", "{}", one.path)): one for one in ENDPOINTS}


class Method(NamedTuple):
    verb: str
    path: str
    params: str
    """The name of the SDK's class that declares the parameters."""


def methods() -> Iterator[Method]:
    """The SDK's methods that call an endpoint of ours."""
    for file in SDK.rglob("*_service.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            found = CALL.search(ast.unparse(node))
            annotation = next(
                (one.annotation for one in node.args.args if one.arg == "params"), None
            )
            named = annotation and NAME.search(ast.unparse(annotation))
            if found and named:
                path = re.sub(r"\{[^}]*\}", "{}", found[2])
                yield Method(found[1].upper(), path, named[1])


@cache
def declared() -> dict[str, set[str]]:
    """By class: the names of the parameters."""
    classes = {}
    for file in (SDK / "params").rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith("Params"):
                fields = (one.target for one in node.body if isinstance(one, ast.AnnAssign))
                classes[node.name] = {one.id for one in fields if isinstance(one, ast.Name)}
    return classes


def test_every_parameter_of_the_sdk_is_taken_or_refused_as_not_emulated() -> None:
    compared, unknown = 0, []
    for method in methods():
        ours = OURS.get((method.verb, method.path))
        theirs = declared().get(method.params)
        if ours is None or theirs is None:
            continue
        compared += 1
        lacking = theirs - {"expand", *ours.takes.fields, *ours.takes.absent}
        unknown += [(method.verb, method.path, name) for name in sorted(lacking)]
    assert unknown == []
    assert compared > 60


def test_nothing_is_both_taken_and_absent() -> None:
    for one in ENDPOINTS:
        assert not set(one.takes.fields) & set(one.takes.absent), one.path


@pytest.mark.parametrize(
    ("path", "form", "param"),
    [
        ("prices", {"currency": "usd", "tiers[0][up_to]": "1"}, "tiers"),
        ("products", {"name": "Time", "tax_code": "txcd_1"}, "tax_code"),
        ("subscriptions", {"customer": "cus_1", "payment_settings[a]": "b"}, "payment_settings"),
        (
            "subscriptions",
            {"customer": "cus_1", "items[0][price_data][currency]": "usd"},
            "items[0][price_data]",
        ),
        ("payment_methods", {"type": "klarna", "klarna[dob][day]": "1"}, "klarna"),
        ("invoices/create_preview", {"customer": "cus_1"}, None),
    ],
)
async def test_it_is_named(
    http: httpx.AsyncClient, path: str, form: dict[str, str], param: str | None
) -> None:
    answer = await http.post(f"/v1/{path}", data=form)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (NotEmulated.status, "sandbox_not_emulated")
    assert error.get("param") == param
