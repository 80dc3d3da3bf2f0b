"""Records become JSON that keeps integers of any size and is read by nobody else."""

from __future__ import annotations

import json

import pytest

from mock_rails.core import BadInput
from sandbox.server.stores import RecordDamaged
from sandbox.server.stores.codec import Packer
from tests.unit.sandbox.server.stores.tally import Tally, TallyCodec


@pytest.fixture
def packer() -> Packer[Tally]:
    return Packer("tallies", TallyCodec())


def test_it_is_plain_compact_json(packer: Packer[Tally]) -> None:
    text = packer.pack(Tally(2**128 - 1, "é"))
    assert text == '{"count":340282366920938463463374607431768211455,"note":"\\u00e9"}'
    assert json.loads(text)["count"] == 2**128 - 1


@pytest.mark.parametrize("form", [str, str.encode])
def test_it_reads_text_and_bytes(packer: Packer[Tally], form: type) -> None:
    assert packer.unpack("a", form(packer.pack(Tally(2**128 - 1, "é")))) == Tally(2**128 - 1, "é")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"count":1}', b"\xff"])
def test_damage_is_named(packer: Packer[Tally], text: str) -> None:
    with pytest.raises(RecordDamaged, match="The record 'a' of 'tallies' cannot be read") as caught:
        packer.unpack("a", text)
    assert caught.value.details == {"collection": "tallies", "key": "a"}
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), b"bytes", {1}, object()])
def test_what_is_not_json_is_refused(packer: Packer[Tally], bad: int) -> None:
    with pytest.raises(BadInput, match="A record of 'tallies' does not encode as JSON"):
        packer.pack(Tally(bad))
