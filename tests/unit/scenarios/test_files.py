"""Profiles in, records out (style 4.1)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mock_rails.core.errors import BadInput
from scenarios.calibrate import Timing, profile
from scenarios.checkout import commit
from scenarios.experiment import Method, find, run
from scenarios.facts import registry
from scenarios.processes import opened
from scenarios.records import write
from scenarios.sweep import points
from tests.simulation.quick import QUICK

if TYPE_CHECKING:
    from pathlib import Path


def draws(timing: Timing) -> Any:
    return timing.sampler()(np.random.Generator(np.random.PCG64(1)), 40_000)


def test_every_committed_timing_says_where_it_is_from_and_draws_what_it_says() -> None:
    for timing in profile().values():
        assert len(timing.source) > 20
        found = draws(timing)
        assert np.median(found) == pytest.approx(timing.median_s, rel=0.03)
        assert np.quantile(found, 0.99) == pytest.approx(timing.p99_s, rel=0.08)
        assert found.mean() == pytest.approx(timing.mean_s, rel=0.03)


def test_a_file_replaces_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    one = {"median_us": 100, "p99_us": 200, "source": "here", "sample_us": [100, 150, 200]}
    path.write_text(json.dumps({"gate_voucher": one}))
    found = profile(str(path))
    assert set(draws(found["gate_voucher"]).tolist()) == {1e-4, 1.5e-4, 2e-4}
    assert found["gate_challenge"] == profile()["gate_challenge"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"gate": {}}', '{"gate": {"median_us": 5, "p99_us": 1, "source": "x"}}']
)
def test_a_broken_profile_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(BadInput, match="is no profile"):
        profile(str(path))
    with pytest.raises(BadInput, match="Cannot read"):
        profile(str(tmp_path / "absent.json"))


def test_prices_are_the_registrys() -> None:
    """Facts: protocol 6: 37.5 % at most a cent, 76 % at most five, 98.3 % a dollar."""
    found = registry.prices()(np.random.Generator(np.random.PCG64(1)), 50_000)
    assert np.median(found) == pytest.approx(20_000, rel=0.03)
    assert (found <= 50_000).mean() == pytest.approx(0.75, abs=0.01)
    assert (found <= 1_000_000).mean() == pytest.approx(0.98, abs=0.01)
    assert registry.popularity(10, 1.0).sum() == pytest.approx(1)


def test_the_registry_is_the_same_141_services_each_time() -> None:
    """Facts: protocol 6: 141 services, 132 on Tempo alone, 2 on Stripe alone, 7 on both, 6 with
    sessions at 0.00005 to 0.001 dollars, a median price of 0.02 and a mean of 0.145."""
    listed = registry.services()
    assert len({one.name for one in listed}) == 141
    assert sum(one.tempo and not one.stripe for one in listed) == 132
    assert sum(one.stripe and not one.tempo for one in listed) == 2
    assert sum(one.tempo and one.stripe for one in listed) == 7
    assert [one.price for one in listed if one.session] == sorted(one.price for one in listed)[:6]
    assert all(50 <= one.price <= 1_000 for one in listed if one.session)
    found = [one.price for one in listed]
    assert np.median(found) == pytest.approx(20_000, rel=0.03)
    assert np.mean(found) == pytest.approx(145_000, rel=0.05)


def test_records_say_what_was_run_and_columns_are_the_rows(tmp_path: Path) -> None:
    study = find("settlement")
    parameters = study.parameters.read(QUICK["settlement"])
    result = run(study, parameters, Method(seed=9, replications=2))
    write(result, tmp_path, figures=False)
    about = json.loads((tmp_path / "run.json").read_text())
    assert about["seed"] == 9
    assert about["replications"] == 2
    assert study.parameters(**about["parameters"]) == parameters
    lines = (tmp_path / "records.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == result.rows
    with np.load(tmp_path / "records.npz") as columns:
        assert columns["exposure_mean"].tolist() == [row["exposure_mean"] for row in result.rows]


def test_the_commit_is_read_from_the_checkout(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
    git = tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text("# pack-refs\nabc123 refs/heads/main\n")
    assert commit(tmp_path) == "abc123"
    (git / "HEAD").write_text("def456\n")
    assert commit(tmp_path) == "def456"


def test_results_come_in_the_order_of_the_tasks() -> None:
    with opened(2) as pool:
        results = pool.in_order(abs, iter(range(1_000_000_000)))
        assert next(results) == 0  # an endless list is not read ahead of
        results.close()
        # Who left early leaves the processes to the next run.
        assert list(pool.in_order(abs, iter([-3, 1, -2, 4]))) == [3, 1, 2, 4]


def test_a_grid_is_all_combinations() -> None:
    found = list(points({"a": "1,2", "b": "3+4"}))
    assert found == [{"a": "1", "b": "3,4"}, {"a": "2", "b": "3,4"}]


def test_a_report_is_one_page_that_needs_nothing_else(tmp_path: Path) -> None:
    study = find("settlement")
    parameters = study.parameters.read(QUICK["settlement"])
    write(run(study, parameters, Method(replications=2)), tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 3
    assert study.question in page
    assert all(name in page for name in study.parameters.model_fields)
    for outside in ("<script", "<link", "<img", "src=", "@import"):
        assert outside not in page
