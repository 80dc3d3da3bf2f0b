"""Server-Sent Events (HTML standard, 9.2.6; facts: protocol 2.8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.streaming.events import (
    RECEIPT,
    Event,
    EventParser,
    EventTooLarge,
    comment,
    json_event,
)


def parse(*chunks: bytes, limit: int = 1_000) -> list[Event]:
    """What comes out of these chunks, with what the stream ended in the middle of."""
    parser = EventParser(limit)
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    last = parser.finish()
    return events if last is None else [*events, last]


# -- the parser ------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_lines_end_in_three_ways(end: bytes) -> None:
    wire = end.join([b"event: x", b"id: 7", b"data: a", b"data: b", b"", b"data: c", b"", b""])
    assert parse(wire) == [Event("a\nb", name="x", id="7"), Event("c")]


def test_one_blank_after_the_colon_is_dropped_and_no_more() -> None:
    assert parse(b"data:a\n\ndata:  a\n\n") == [Event("a"), Event(" a")]


def test_a_field_without_a_colon_is_empty() -> None:
    assert parse(b"data\n\ndata\ndata\n\n") == [Event(""), Event("\n")]


def test_what_a_browser_would_not_see_is_kept_apart() -> None:
    events = parse(b": hello\n\nretry: 1000\n\nid: 3\n\nevent: x\n\n\n\n\n")
    assert events == [Event(comments=("hello",)), Event(retry="1000"), Event(id="3")]
    assert not any(event.is_message for event in events)


def test_unknown_fields_bad_ids_and_bad_retry_times_are_ignored() -> None:
    assert parse(b"what: ever\nid: a\0b\nretry: soon\ndata: a\n\n") == [Event("a")]


def test_an_empty_name_is_a_message() -> None:
    [event] = parse(b"event:\ndata: a\n\n")
    assert event.is_message


def test_a_byte_order_mark_is_no_part_of_the_first_field() -> None:
    assert parse(b"\xef\xbb", b"\xbfdata: a\n\n") == [Event("a")]


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    assert parse(b"data: \xff\n\n") == [Event("\ufffd")]


def test_a_character_may_be_cut_by_a_chunk() -> None:
    assert parse(b"data: \xe2\x82", b"\xac\n\n") == [Event("\u20ac")]


def test_an_event_is_out_as_soon_as_its_empty_line_is() -> None:
    parser = EventParser()
    assert list(parser.feed(b"data: a\r\n\r")) == [Event("a")]
    assert list(parser.feed(b"\ndata: b\r\n\r\n")) == [Event("b")]


def test_the_last_event_may_lack_its_empty_line_or_its_line_end() -> None:
    assert parse(b"data: a\n") == parse(b"data: a") == [Event("a")]
    assert parse(b"") == parse(b"\n\n") == []


def test_an_event_beyond_the_limit_is_not_hoarded() -> None:
    assert parse(b"data: " + b"a" * 94 + b"\n\n", limit=100) == [Event("a" * 94)]
    with pytest.raises(EventTooLarge):
        parse(b"data: " + b"a" * 95 + b"\n\n", limit=100)
    with pytest.raises(EventTooLarge):  # nor many short lines, nor a line that never ends
        parse(*[b"data: a\n"] * 15, limit=100)
    with pytest.raises(EventTooLarge):
        parse(*[b"a"] * 101, limit=100)


def test_the_limit_is_for_one_event_not_for_the_stream() -> None:
    assert len(parse(*[b"data: a\n\n"] * 100, limit=10)) == 100


pieces = st.sampled_from(
    [
        b"data: a",
        b"data",
        b"event: x",
        b":c",
        b"id: 1",
        b"\xe2\x82\xac",
        b"\n",
        b"\r",
        b"\r\n",
        b" ",
    ]
)


@given(st.lists(pieces | st.binary(max_size=4), max_size=30), st.data())
def test_it_does_not_matter_where_chunks_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    bounds = zip([0, *cuts], [*cuts, len(wire)], strict=True)
    assert parse(*[wire[begin:end] for begin, end in bounds]) == parse(wire)
    assert parse(*[wire[i : i + 1] for i in range(len(wire))]) == parse(wire)


# -- the writer ------------------------------------------------------------------------------------


def test_a_message_looks_as_the_reference_writes_it() -> None:
    assert Event("a\nb").encode() == b"event: message\ndata: a\ndata: b\n\n"
    assert json_event(RECEIPT, {"a": 1}).encode() == b'event: payment-receipt\ndata: {"a":1}\n\n'
    assert comment("keep-alive") == b": keep-alive\n\n"


line = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=10)
written = st.builds(
    Event,
    data=st.none() | st.lists(line, min_size=1, max_size=3).map("\n".join),
    id=st.none() | line,
    retry=st.none() | st.integers(0, 10_000).map(str),
    comments=st.lists(line, max_size=2).map(tuple),
)


@given(st.lists(written.filter(lambda event: event != Event()), max_size=5))
def test_what_is_written_is_read(events: list[Event]) -> None:
    assert parse(*[event.encode() for event in events]) == events


@pytest.mark.parametrize(
    "event", [Event("", name="a\ndata: b"), Event("", id="a\rb"), Event(comments=("a\n\nb",))]
)
def test_no_field_smuggles_in_another(event: Event) -> None:
    with pytest.raises(ValueError, match="one line"):
        event.encode()
