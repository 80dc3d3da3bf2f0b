"""An environment as a stranger's machine has it: our wheel, what the wheel says it needs, and no
file of this checkout.

Their packages are links into the environment that the tests run in, so that no network is needed:
only what the requirements name is there, and a requirement that our wheel forgets is missing.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 90


def run(
    command: list[str], folder: Path, status: int = 0, environment: dict[str, str] | None = None
) -> str:
    """What a command prints that ends with this status."""
    known = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=known | (environment or {}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def build_wheel(folder: Path) -> Path:
    """This checkout's wheel."""
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder)], ROOT)
    (wheel,) = folder.glob("mpp_sandbox-*.whl")
    return wheel


def make_environment(folder: Path, wheel: Path, *others: str) -> Path:
    """The Python of a new environment, in which our wheel can be installed without a network:
    what it requires is there, and so are the others and what they require."""
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder.parent)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    for distribution in _required([*_wants(wheel), *others]):
        for file in distribution.files or ():
            if file.parts[0] == ".." or file.suffix == ".pth":
                continue  # commands, and what reaches into other folders
            link = packages / file
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():  # some bring a file of the same name, which is one file here
                link.symlink_to(file.locate())
    return folder / "bin" / "python"


def install(python: Path, wheel: Path) -> None:
    """Install our wheel, and nothing with it."""
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    run([*pip, "--quiet", "--no-compile", "--no-index", str(wheel)], python.parent)


def _wants(wheel: Path) -> list[str]:
    """What the wheel itself says that it requires."""
    with zipfile.ZipFile(wheel) as archive:
        (about,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        folder = zipfile.Path(archive, about.removesuffix("METADATA"))
        return list(importlib.metadata.PathDistribution(folder).requires or ())


def _required(texts: Iterable[str]) -> Iterator[importlib.metadata.Distribution]:
    """The distributions that satisfy some requirements, and theirs in turn, each once."""
    todo = list(_holding(texts))
    known: set[tuple[str, str]] = set()
    while todo:
        wanted = todo.pop()
        distribution = importlib.metadata.distribution(wanted.name)
        name = distribution.metadata["Name"]
        if not any(name == other for other, _ in known):
            yield distribution
        for extra in {"", *wanted.extras}:
            if (name, extra) not in known:
                known.add((name, extra))
                todo += _holding(distribution.requires or (), extra)


def _holding(texts: Iterable[str], extra: str = "") -> Iterator[Requirement]:
    """The requirements that hold here, with an extra or without one."""
    for requirement in map(Requirement, texts):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement
