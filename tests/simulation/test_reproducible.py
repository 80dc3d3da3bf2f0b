"""A run is the same bytes again, in one process or in several (style 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.experiment import STUDIES, Method, find, run
from scenarios.records import write
from tests.simulation.quick import QUICK

if TYPE_CHECKING:
    from pathlib import Path


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_one_process_and_two_write_the_same_bytes(tmp_path: Path) -> None:
    study = find("charge-vs-session")
    parameters = study.parameters.read(QUICK["charge_vs_session"])
    method = Method(seed=4, least=3, most=6, half_width=0.02)
    for jobs in (1, 2):
        write(run(study, parameters, method, jobs), tmp_path / str(jobs))
    one, two = content(tmp_path / "1"), content(tmp_path / "2")
    assert one == two
    assert {"run.json", "records.jsonl", "records.npz", "summary.json"} < set(one)
    write(run(study, parameters, Method(seed=5, replications=3)), tmp_path / "other")
    assert content(tmp_path / "other")["records.jsonl"] != one["records.jsonl"]


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_complete(name: str, tmp_path: Path) -> None:
    """Its rows name their configuration, its findings are sentences, its figures are drawn."""
    study = find(name)
    parameters = study.parameters.read(QUICK[name])
    result = run(study, parameters, Method(replications=2))
    assert study.name == name
    assert study.question.endswith("?")
    assert study.assumptions
    assert study.trust
    assert all(meaning and source for _, _, meaning, source in study.parameters.table())
    assert len(result.rows) == 2 * len(result.configurations)
    assert study.watched in result.metrics
    assert all(len(said) > 20 for said in study.findings(result))
    written = {path.suffix for path in write(result, tmp_path)}
    assert written == {".html", ".json", ".jsonl", ".npz", ".png", ".svg"}
    again = run(study, parameters, Method(replications=2))
    assert again.rows == result.rows
