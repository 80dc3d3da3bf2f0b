"""The book on disk: what it keeps, and what it refuses to touch."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sandbox.client.session import BookDamagedError, ChannelState, PayerChannel, StateInUseError
from sandbox.client.session.book import FILE_NAME, ChannelBook
from sandbox.client.session.channel import Pending, from_record, to_record
from sandbox.methods.tempo_session import FieldError
from tests.unit.sandbox.methods.tempo_session.support import make_channel

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = make_channel()
CHANNEL = PayerChannel(
    id=KNOWN.id,
    protocol=KNOWN.protocol,
    descriptor=KNOWN.descriptor,
    chain_id=KNOWN.chain_id,
    escrow=KNOWN.escrow,
    host="shop.test:80",
    url="http://shop.test/",
    deposit=1_000,
    signed=300,
    claimed=200,
    spent=100,
    state=ChannelState.CLOSED,
    pending=Pending(b"\x76\x01", 1_000, 1_767_225_625),
    captured=100,
    closed_tx=b"\xaa" * 32,
    opened_at_s=1_767_225_600,
    from_block=7,
)


def test_a_record_comes_back_as_it_went(tmp_path: Path) -> None:
    book = ChannelBook(tmp_path / "new" / "place")
    book.save(CHANNEL)
    book.save(CHANNEL.next(spent=200))
    book.close()
    again = ChannelBook(tmp_path / "new" / "place")
    assert again.load() == [replace(CHANNEL, spent=200, version=2)]
    assert again.read(CHANNEL.id) == again.load()[0]
    assert again.read(b"\x00" * 32) is None
    again.close()


def test_a_change_of_what_another_process_has_changed_is_refused(tmp_path: Path) -> None:
    ours, theirs = ChannelBook(tmp_path), ChannelBook(tmp_path)
    ours.save(CHANNEL)
    theirs.save(CHANNEL.next(signed=400))
    with pytest.raises(StateInUseError):
        ours.save(CHANNEL.next(signed=400))
    with pytest.raises(StateInUseError):
        ours.save(CHANNEL)
    ours.close()
    theirs.close()


def test_another_program_s_file_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(BookDamagedError, match="another program"):
        ChannelBook(tmp_path)


def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("these are not the channels you are looking for" * 50)
    with pytest.raises(BookDamagedError):
        ChannelBook(tmp_path)


def test_a_place_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BookDamagedError):
        ChannelBook(tmp_path / "file")


@pytest.mark.parametrize(
    "damage", [{"format": 9}, {"state": "gone"}, {"signed": -1}, {"id": "0x12"}, {"pending": []}]
)
def test_a_damaged_record_is_named(damage: dict[str, object]) -> None:
    with pytest.raises(FieldError):
        from_record({**to_record(CHANNEL), **damage})


def test_a_signed_transaction_is_not_shown() -> None:
    assert "Pending" not in repr(CHANNEL)
