"""`faults` as tables, and how arguments are read."""

from __future__ import annotations

import pytest

from mock_rails.core.errors import BadInput
from sandbox.cli.faults import fault_rows, point_rows, table

FAULT = {"at": "tempo.seal", "do": "fee_spike", "when": {"every": 2, "times": 3}}
ARMED = {"id": "fault-1", "fault": FAULT, "hits": 4, "fired": 2, "open": True}


def test_an_armed_fault_is_a_row() -> None:
    args, where = {"base_fee": 9}, {"number": "7"}
    more = {
        **ARMED,
        "open": False,
        "fault": {**FAULT, "when": "always", "args": args, "where": where},
    }
    heading, first, second = fault_rows([ARMED, more])
    assert heading == ("id", "at", "do", "when", "hits", "fired", "args", "where")
    assert first == ("fault-1", "tempo.seal", "fee_spike", "every=2,times=3", "4", "2", "", "")
    assert second[3] == "always (closed)"
    assert second[6:] == ("base_fee=9", "number=7")


def test_a_point_has_a_row_for_each_action() -> None:
    actions = [
        {"name": "halt", "summary": "seal nothing", "args": [], "whole": []},
        {
            "name": "fee_spike",
            "summary": "another fee",
            "args": ["base_fee"],
            "whole": ["base_fee"],
        },
    ]
    _, *rows = point_rows([{"name": "tempo.seal", "actions": actions, "context": ["number"]}])
    assert rows == [
        ("tempo.seal", "halt", "", "seal nothing", "number"),
        ("tempo.seal", "fee_spike", "base_fee", "another fee", "number"),
    ]


def test_pairs_are_read_as_they_are_written() -> None:
    assert table(None) == {}
    assert table(["last4=0042", "message=a=b", "code="]) == {
        "last4": "0042", "message": "a=b", "code": "",
    }  # fmt: skip
    for wrong, fragment in ((["last4"], "no name=value"), (["=4242"], "no name=value")):
        with pytest.raises(BadInput, match=fragment):
            table(wrong)
    with pytest.raises(BadInput, match="'a' is given twice"):
        table(["a=1", "a=2"])
