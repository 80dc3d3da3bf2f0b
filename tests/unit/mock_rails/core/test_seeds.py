"""Seeds: same seed, same name, same bytes; nothing else has a say."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from fractions import Fraction

import pytest

from mock_rails.core import BadInput, Seeds, SnapshotError

PINNED = "219dbddcc41240fa2c4ac8ea69b092f9"


def test_same_seed_and_name_give_the_same_bytes_in_another_process() -> None:
    program = "from mock_rails.core import Seeds; print(Seeds('s').stream('tempo.keys').hex(48))"
    other = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == Seeds("s").stream("tempo.keys").hex(48)


def test_the_bytes_are_pinned() -> None:
    """A change here changes every id and key that users have written down."""
    assert Seeds("mpp-sandbox").stream("tempo.keys").hex(16) == PINNED


def test_seed_and_name_each_matter_and_do_not_run_together() -> None:
    drawn = {
        Seeds(seed).stream(name).hex(8)
        for seed, name in [("a", "b.c"), ("a", "b.d"), ("x", "b.c"), ("ab", ".c"), ("a.", "bc")]
    }
    assert len(drawn) == 5


def test_an_integer_and_its_digits_are_one_seed() -> None:
    assert Seeds(7).stream("s").bytes(8) == Seeds("7").stream("s").bytes(8)


def test_a_name_is_one_stream() -> None:
    seeds = Seeds(1)
    assert seeds.stream("a") is seeds.stream("a")
    assert seeds.stream("a").bytes(4) != seeds.stream("a").bytes(4)


def test_pieces_join_to_the_whole() -> None:
    whole = Seeds(1).stream("a").bytes(100)
    pieces = Seeds(1).stream("a")
    assert b"".join(pieces.bytes(n) for n in (0, 1, 31, 33, 35)) == whole


@pytest.mark.parametrize("seed", [True, 1.5, None, b"x", "", "a\nb", "x" * 257, "\ud800"])
def test_bad_seeds_are_refused(seed: object) -> None:
    with pytest.raises(BadInput):
        Seeds(seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", None, 3, "x" * 257])
def test_bad_names_are_refused(name: object) -> None:
    with pytest.raises(BadInput):
        Seeds(1).stream(name)  # type: ignore[arg-type]


# -- drawing ---------------------------------------------------------------------------------------


def test_integers_cover_their_range_evenly() -> None:
    stream = Seeds(1).stream("dice")
    counts = Counter(stream.integer(1, 6) for _ in range(6_000))
    assert set(counts) == {1, 2, 3, 4, 5, 6}
    # Five degrees of freedom: chi-square above 30 has a chance of one in 70,000.
    assert sum((count - 1_000) ** 2 for count in counts.values()) / 1_000 < 30


def test_an_integer_may_be_certain_negative_or_huge() -> None:
    stream = Seeds(1).stream("s")
    assert stream.integer(5, 5) == 5
    assert stream.position == 0
    assert -3 <= stream.integer(-3, -1) <= -1
    assert 0 <= stream.integer(0, 2**256) <= 2**256


def test_uniform_is_an_exact_fraction_below_one() -> None:
    stream = Seeds(1).stream("s")
    drawn = [stream.uniform() for _ in range(1_000)]
    assert all(isinstance(u, Fraction) and 0 <= u < 1 for u in drawn)
    assert abs(sum(drawn) / 1_000 - Fraction(1, 2)) < Fraction(1, 20)


def test_chance_is_exact_at_its_ends_and_near_between() -> None:
    stream = Seeds(1).stream("s")
    assert not any(stream.chance(Fraction(0)) for _ in range(100))
    assert all(stream.chance(Fraction(1)) for _ in range(100))
    assert 850 < sum(stream.chance(Fraction(1, 3)) for _ in range(3_000)) < 1_150


def test_choice_takes_an_option_and_needs_one() -> None:
    stream = Seeds(1).stream("s")
    assert {stream.choice("abc") for _ in range(100)} == set("abc")
    with pytest.raises(BadInput):
        stream.choice([])


def test_shuffle_permutes_in_place_in_every_order() -> None:
    stream = Seeds(1).stream("s")
    orders = set()
    for _ in range(200):
        items = [1, 2, 3]
        stream.shuffle(items)
        orders.add(tuple(items))
    assert len(orders) == 6


def test_hex_is_the_bytes() -> None:
    assert Seeds(1).stream("s").hex(20) == Seeds(1).stream("s").bytes(20).hex()


def test_impossible_draws_are_refused_and_draw_nothing() -> None:
    stream = Seeds(1).stream("s")
    for draw in (
        lambda: stream.bytes(-1),
        lambda: stream.integer(2, 1),
        lambda: stream.chance(Fraction(3, 2)),
        lambda: stream.chance(Fraction(-1)),
    ):
        with pytest.raises(BadInput):
            draw()
    assert stream.position == 0


# -- snapshots -------------------------------------------------------------------------------------


def test_restore_replays_and_keeps_the_stream_objects() -> None:
    seeds = Seeds("one")
    stream = seeds.stream("a")
    stream.bytes(5)
    document = seeds.snapshot()
    following = stream.bytes(50)
    seeds.stream("new").bytes(1)
    seeds.restore(document)
    assert stream.bytes(50) == following
    assert seeds.stream("new").position == 0


def test_restore_takes_over_the_seed() -> None:
    original = Seeds("one")
    original.stream("a").bytes(40)
    other = Seeds("two")
    held = other.stream("a")
    held.bytes(3)
    other.restore(original.snapshot())
    assert other.seed == "one"
    assert held.bytes(40) == original.stream("a").bytes(40)


def test_streams_never_drawn_from_are_not_state() -> None:
    seeds = Seeds(1)
    before = seeds.snapshot()
    seeds.stream("looked.at")
    assert seeds.snapshot() == before


def test_rewind_starts_the_streams_of_one_rail_again() -> None:
    seeds = Seeds(1)
    first = seeds.stream("tempo.keys").bytes(8)
    seeds.stream("stripe.ids").bytes(8)
    seeds.rewind("tempo.")
    assert seeds.stream("tempo.keys").bytes(8) == first
    assert seeds.stream("stripe.ids").position == 8


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"seed": 1, "streams": {}},
        {"seed": "", "streams": {}},
        {"seed": "x", "streams": []},
        {"seed": "x", "streams": {"a": -1}},
        {"seed": "x", "streams": {"a": True}},
        {"seed": "x", "streams": {"a": "1"}},
        {"seed": "x", "streams": {"": 1}},
        {"seed": "x", "streams": {}, "more": 1},
    ],
)
def test_restore_refuses_what_are_no_seeds(document: object) -> None:
    seeds = Seeds("kept")
    seeds.stream("a").bytes(9)
    before = seeds.snapshot()
    with pytest.raises(SnapshotError):
        seeds.restore(document)
    assert seeds.snapshot() == before
