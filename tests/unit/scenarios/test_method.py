"""Parameters that refuse typos, streams by name, intervals, and when to stop (style 4.1)."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from mock_rails.core.errors import BadInput
from scenarios.experiment import Method, Study, find, run
from scenarios.parameters import Counts, Parameters, known, pairs
from scenarios.statistics import (
    Interval,
    bootstrap_interval,
    paired,
    t_interval,
    t_quantile,
    warm_up_end,
)
from scenarios.streams import Streams


class Shop(Parameters):
    """Parameters to read."""

    price: int = known(5, "the price", "chosen", gt=0)
    sizes: Counts = known((1, 2), "the sizes", "chosen")
    rate: float = known(1.0, "the rate", "chosen")


def test_parameters_are_read_from_text_and_cannot_change() -> None:
    shop = Shop.read({"price": "7", "sizes": "3,4,5"})
    assert (shop.price, shop.sizes) == (7, (3, 4, 5))
    with pytest.raises(ValidationError):
        shop.price = 8
    assert next(Shop.table()) == ("price", "5", "the price", "chosen")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"pirce": "7"}, r"no parameter 'pirce'. Did you mean 'price'\?"),
        ({"price": "0"}, "price: Input should be greater than 0, not '0'"),
        ({"price": "1.5"}, "price: .*integer"),
        ({"sizes": "1,x"}, "sizes.1: .*, not 'x'"),
        ({"sizes": "1,0"}, "sizes.1: .* greater than 0, not '0'"),
        ({"sizes": ""}, "sizes: At least one value is needed"),
        ({"sizes": "3,3"}, "sizes: Each value may be given once"),
        ({"price": "10000000000000000"}, "price: No more than 1e15"),
        ({"rate": "nan"}, "rate: .*finite"),
        ({"rate": "inf"}, "rate: .*finite"),
    ],
)
def test_wrong_parameters_are_one_line(settings: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said) as refusal:
        Shop.read(settings)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("settings", [["price"], ["=5"], ["price=1", "price=2"]])
def test_settings_are_key_and_value_once(settings: list[str]) -> None:
    with pytest.raises(BadInput):
        pairs(settings)


def test_a_stream_is_its_name_and_nothing_else() -> None:
    """Other streams, made before or used in between, change nothing."""
    alone = Streams(1, 0).exponential("think", 2.0)
    expected = [alone() for _ in range(3_000)]
    streams = Streams(1, 0)
    other, think = streams.uniform("other"), streams.exponential("think", 2.0)
    assert [(other(), think())[1] for _ in range(3_000)] == expected
    assert Streams(1, 1).exponential("think", 2.0)() != expected[0]
    assert Streams(2, 0).exponential("think", 2.0)() != expected[0]
    assert np.mean(expected) == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (30, 2.0423), (200, 1.9719)],
)
def test_students_t(freedom: int, expected: float) -> None:
    """The printed table, two-sided 95 %."""
    assert t_quantile(0.95, freedom) == pytest.approx(expected, abs=2e-4)


def test_an_interval_covers_as_often_as_it_says() -> None:
    generator = np.random.Generator(np.random.PCG64(1))
    for make in (t_interval, bootstrap_interval):
        covered = sum(make(generator.normal(3, 1, 20).tolist()).covers(3) for _ in range(300))
        assert 0.91 < covered / 300 < 0.985
        few = sum(make(generator.normal(3, 1, 5).tolist()).covers(3) for _ in range(300))
        assert 0.87 < few / 300 < 0.985
    assert t_interval([4.0]) == Interval(4.0, 4.0, 4.0, 1)


def test_pairing_takes_away_what_both_have_in_common() -> None:
    common = np.random.Generator(np.random.PCG64(2)).normal(0, 100, 10)
    found = paired(common.tolist(), (common + 1).tolist())
    assert found.covers(1)
    assert found.high - found.low < 1e-9


def test_warm_up_ends_where_the_series_settles() -> None:
    noise = np.random.Generator(np.random.PCG64(3)).normal(0, 1, 1_000)
    rising = np.minimum(np.arange(1_000) / 10, 20.0)
    assert 150 <= warm_up_end((rising + noise).tolist()) <= 260
    assert warm_up_end(noise.tolist()) < 300
    assert warm_up_end([1.0] * 8) == 0


def coin(spread: float) -> Study:
    """A study of one number."""
    real = find("voucher-step")
    return Study(
        **{name: getattr(real, name) for name in
           ("name", "question", "assumptions", "trust", "findings", "figures")},
        parameters=Shop, keys=("way",), watched="value",
        replicate=lambda p, streams: [
            {"way": "only", "value": 10 + spread * streams.uniform("coin")()}
        ],
    )  # fmt: skip


@pytest.mark.parametrize(("spread", "least", "most"), [(0.0, 7, 7), (3.0, 8, 30), (1e6, 50, 50)])
def test_replications_go_on_until_the_interval_is_narrow(
    spread: float, least: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = coin(spread)
    monkeypatch.setattr("scenarios.experiment.find", lambda name: study)
    heard: list[int] = []
    result = run(study, Shop(), Method(half_width=0.05), progress=heard.append)
    assert least <= result.replications <= most
    assert heard == list(range(1, result.replications + 1))
    narrow = result.interval("value", "only").relative_half_width <= 0.05
    assert narrow == (result.replications < 50)
    with pytest.raises(BadInput, match="Did you mean 'value'"):
        result.values("valeu", "only")
