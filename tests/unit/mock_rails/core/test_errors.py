"""The error tree: every error says the same things about itself, also as RFC 9457."""

from __future__ import annotations

import json
import pickle

import pytest

from mock_rails.core import errors
from mock_rails.core.errors import Conflict, NotFound, SandboxError, nearest

TREE = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, SandboxError)
]


@pytest.mark.parametrize("kind", TREE)
def test_every_error_is_a_problem_document(kind: type[SandboxError]) -> None:
    problem = kind("It broke.").problem()
    assert problem == {
        "type": f"urn:mpp-sandbox:problem:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": "It broke.",
        "code": kind.code,
    }
    assert 400 <= kind.status < 600
    assert kind.__doc__
    assert kind.__name__ in str(errors.__doc__), "the tree in the docstring is complete"


def test_codes_are_unique() -> None:
    assert len({kind.code for kind in TREE}) == len(TREE)


def test_a_raise_may_override_what_the_class_says() -> None:
    error = NotFound(
        "No channel 7.",
        code="channel-unknown",
        title="No such channel",
        hint="Open one first.",
        status=410,
        details={"channel": 7},
    )
    assert error.problem() == {
        "type": "urn:mpp-sandbox:problem:channel-unknown",
        "title": "No such channel",
        "status": 410,
        "detail": "No channel 7.",
        "code": "channel-unknown",
        "hint": "Open one first.",
        "details": {"channel": 7},
    }
    assert json.loads(json.dumps(error.problem())) == error.problem()
    assert str(error) == "No channel 7. Open one first."
    assert NotFound.code == "not-found"


def test_details_are_not_shared() -> None:
    given = {"a": 1}
    error = Conflict("Busy.", details=given)
    given["a"] = 2
    assert error.details == {"a": 1}
    assert Conflict("Other.").details == {}


def test_an_error_survives_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(Conflict("Busy.", hint="Wait.", details={"a": 1})))
    assert isinstance(error, Conflict)
    assert (error.detail, error.hint, error.details) == ("Busy.", "Wait.", {"a": 1})


def test_the_nearest_name_is_suggested() -> None:
    assert nearest("lightning.pya", ["tempo.pay", "lightning.pay"]) == (
        "Did you mean 'lightning.pay'?"
    )
    assert nearest("zzz", ["b", "a"]) == "Known: a, b."
    assert nearest("zzz", []) == "None are known here."
