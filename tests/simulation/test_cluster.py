"""A Dask cluster writes the same bytes as one process (style 4.4)."""

from __future__ import annotations

import socket
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from mock_rails.core.errors import BadInput
from scenarios import command, processes
from scenarios.experiment import Method, find, run
from scenarios.records import write
from tests.simulation.quick import QUICK
from tests.simulation.test_reproducible import content

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METHOD = Method(seed=4, least=3, most=6, half_width=0.02)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler on this machine, with two workers in processes of their own."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster.scheduler_address


def test_two_workers_write_the_bytes_of_one_process(scheduler: str, tmp_path: Path) -> None:
    study = find("charge-vs-session")
    parameters = study.parameters.read(QUICK["charge_vs_session"])
    write(run(study, parameters, METHOD), tmp_path / "here", figures=False)
    write(run(study, parameters, METHOD, scheduler), tmp_path / "there", figures=False)
    assert content(tmp_path / "there") == content(tmp_path / "here")


def test_what_a_worker_refuses_is_told_as_if_it_were_refused_here(scheduler: str) -> None:
    study = find("settlement")
    parameters = study.parameters.read({"schedules": "10x"})
    with pytest.raises(BadInput, match="'10x' is no schedule"):
        run(study, parameters, METHOD, scheduler)


def test_workers_with_other_code_are_refused(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "__version__", "another")
    with pytest.raises(BadInput, match=r"2 of 2 workers .* have other code"):
        command.simulated("settlement", [], cluster=scheduler)


def test_an_address_where_nobody_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_CONNECT_S", 0.2)
    with pytest.raises(BadInput, match=r"No Dask scheduler answers at 'tcp://127\.0\.0\.1:9'"):
        command.simulated("settlement", [], cluster="tcp://127.0.0.1:9")
    with pytest.raises(BadInput, match="No Dask scheduler answers at 'nonsense://x'"):
        command.simulated("settlement", [], cluster="nonsense://x")


def test_what_is_no_scheduler_is_refused_and_leaves_nothing_behind() -> None:
    """A worker's address, or a web server's: one line, and no client that is closed at exit."""
    greeting = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" + b"x" * 64
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)

        thread = Thread(target=answer)
        thread.start()
        with pytest.raises(BadInput, match="speaks another protocol"):
            command.simulated("settlement", [], cluster=f"tcp://127.0.0.1:{port}")
        thread.join()


def test_jobs_are_not_a_clusters() -> None:
    with pytest.raises(BadInput, match="a cluster has its own"):
        command.simulated("settlement", [], jobs=2, cluster="tcp://127.0.0.1:8786")
