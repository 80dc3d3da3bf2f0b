"""The example repository under docs, as a stranger's CI runs it: the commands of its workflows and
of its Dockerfile, in environments that have this project as its wheel and nothing else of it.

There is no Docker here, so that the container's commands run without the container.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox.settings import DevnetSettings
from tests.integration.strangers import ROOT, make_environment, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLE = ROOT / "docs" / "examples" / "shop"
WORKFLOWS = sorted((EXAMPLE / ".github" / "workflows").glob("*.yml"))
# Where a workflow would ask an index, the environment has it already.
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_QUIET": "1"}
# Half of what pip would compile is never loaded here.
OFFLINE |= {"PIP_NO_COMPILE": "1"}
# pip reads this one as the value of "isolate the build", so that 0 builds with what is there.
OFFLINE |= {"PIP_NO_BUILD_ISOLATION": "0", "PIP_ROOT_USER_ACTION": "ignore"}


def jobs(workflow: Path) -> dict[str, Any]:
    """The jobs of a workflow by their names."""
    found: dict[str, Any] = yaml.safe_load(workflow.read_text())["jobs"]
    return found


def commands(workflow: str, job: str) -> Iterator[str]:
    """What the steps of a job run."""
    for step in jobs(EXAMPLE / ".github" / "workflows" / workflow)[job]["steps"]:
        if "run" in step:
            yield step["run"]


def dockerfile(instruction: str) -> list[str]:
    """What follows an instruction of the Dockerfile, wherever it has one."""
    return re.findall(rf"^{instruction} (.*)", (EXAMPLE / "Dockerfile").read_text(), re.MULTILINE)


class Repository:
    """The example, copied to where a stranger keeps it, and the environment for its commands."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder / "shop"
        left = shutil.ignore_patterns("wheels", "build", "__pycache__", ".*_cache", "*.egg-info")
        shutil.copytree(EXAMPLE, self.folder, ignore=left)
        (self.folder / "wheels").mkdir()
        shutil.copy(wheel, self.folder / "wheels")
        needed = ("pip", "hatchling", "fastapi", "pympp[tempo]", "pytest", "pytest-asyncio")
        self.python = make_environment(folder / "venv", wheel, *needed)

    def run(self, command: str, status: int = 0, **environment: str) -> str:
        """Run a step's commands as GitHub does."""
        path = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        known = OFFLINE | {"PATH": path} | environment
        return run(["bash", "-e", "-c", command], self.folder, status, known)


@pytest.fixture(scope="module")
def repository(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The repository, with the shop and mpp-sandbox installed by its workflow's own step."""
    repository = Repository(tmp_path_factory.mktemp("shop"), wheel)
    install, _ = commands("payments.yml", "tests")
    repository.run(install)
    return repository


def test_its_workflow_pays(repository: Repository) -> None:
    _, tests = commands("payments.yml", "tests")
    assert "6 passed" in repository.run(tests)


MISTAKES = [
    ("server.py", 'amount="0.01"', 'amount="0.02"', "test_a_reading_costs_a_cent"),
    ("server.py", "passes[name] <= now()", "False", "test_a_pass_lasts_a_day"),
    ("client.py", "max_amount=at_most,", "", "test_what_is_too_dear_is_not_paid"),
]


def test_its_tests_find_mistakes(repository: Repository) -> None:
    for file, correct, mistaken, _ in MISTAKES:
        source = repository.folder / "weather_shop" / file
        text = source.read_text()
        assert text.count(correct) == 1
        source.write_text(text.replace(correct, mistaken))
    failing = [test for *_, test in MISTAKES]
    # What runs is the folder's shop: `python -m` looks there before what is installed.
    said = repository.run(f"python -m pytest -q -k '{' or '.join(failing)}'", status=1)
    assert f"{len(MISTAKES)} failed" in said
    for test in failing:
        assert f"::{test}" in said
    shutil.copytree(
        EXAMPLE / "weather_shop", repository.folder / "weather_shop", dirs_exist_ok=True
    )


@pytest.fixture
def container(wheel: Path, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What the devnet of the Dockerfile says: installed and started as the image would do it."""
    python = make_environment(tmp_path / "venv", wheel, "pip")
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    (install,) = dockerfile("RUN")
    run(
        ["sh", "-c", install.replace("/wheels", str(wheel.parent))],
        tmp_path,
        0,
        OFFLINE | {"PATH": path},
    )
    (start,) = dockerfile("CMD")
    known = os.environ | {"PATH": path, "MPP_SANDBOX_PORT_BASE": "0", "HOME": "/nonexistent"}
    program, *options = json.loads(start)
    command = [str(python.parent / program), *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # that anyone who reaches it can steer it
        text=True,
        cwd=tmp_path,
        env=known,
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0


def test_its_service_container_is_paid(repository: Repository, container: dict[str, Any]) -> None:
    (check,) = re.findall(r"CMD (\[.*\])", *dockerfile("HEALTHCHECK"))
    program, *options = json.loads(check)
    assert program == "python"
    port = container["control"]["url"].rpartition(":")[2]
    run([str(repository.python), *(option.replace("8400", port) for option in options)], ROOT)
    rpc_url = f"http://127.0.0.1:{container['tempo']['url'].rpartition(':')[2]}"
    *_, tests = (
        repository.run(command, TEMPO_RPC_URL=rpc_url)
        for command in commands("service-container.yml", "tests")
    )
    assert "1 passed" in tests


def test_its_container_has_the_ports_of_a_devnet() -> None:
    settings = DevnetSettings()
    lnd = settings.lightning_port
    ports = [settings.control_port, settings.api_port, settings.tempo_port, settings.stripe_port]
    ports += [lnd, lnd + 1, settings.phoenixd_port]
    assert dockerfile("EXPOSE") == [" ".join(map(str, ports))]
    compose = yaml.safe_load((EXAMPLE / "compose.yaml").read_text())
    assert compose["services"]["devnet"]["ports"] == [f"127.0.0.1:{port}:{port}" for port in ports]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=[one.name for one in WORKFLOWS])
def test_its_workflows_may_do_no_more_than_they_need(workflow: Path) -> None:
    allowed = yaml.safe_load(workflow.read_text())["permissions"]
    assert allowed in ({}, {"contents": "read"})
    for name, job in jobs(workflow).items():
        rights = job.get("permissions", allowed)
        assert {right for right, how in rights.items() if how == "write"} <= {"packages"}, name
        assert rights.get("packages") != "write" or name == "image"
        assert job["timeout-minutes"] <= 10
        for step in job["steps"]:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/checkout@v4"))
            # What others may choose, such as a branch's name, must not become a part of a command.
            assert "${{" not in step.get("run", "")
            subprocess.run(["bash", "-n", "-c", step.get("run", "")], check=True)


def test_its_readme_says_what_its_workflow_does() -> None:
    said = re.findall(r"^\$ (.*)", (EXAMPLE / "README.md").read_text(), re.MULTILINE)
    for command in commands("payments.yml", "tests"):
        assert command in said
    *_, service = commands("service-container.yml", "tests")
    assert service in said
