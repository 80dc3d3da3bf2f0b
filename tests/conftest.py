"""What all tests share: hypothesis profiles, the skip for absent Node, and a quiet rail context."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

from mock_rails.core import Clock, RailContext

NEW_YEAR_2026_S = 1_767_225_600

# Containers often forbid Python to keep what it has compiled. Tests start hundreds of programs, and
# each would compile all of this project anew: most of a second, and two under pytest.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Deadlines measure the machine, not the code. CI draws the same examples every time, so that a red
# build is about the change; `HYPOTHESIS_PROFILE=explore` looks further and prints how to replay.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.register_profile(
    "explore",
    deadline=None,
    max_examples=2_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `node` where Node or npm is absent, and say so."""
    absent = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if not absent:
        return
    skip = pytest.mark.skip(reason=f"needs {' and '.join(absent)} on the PATH")
    for item in items:
        if item.get_closest_marker("node"):
            item.add_marker(skip)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still on New Year of 2026."""
    return Clock.frozen(NEW_YEAR_2026_S)


@pytest.fixture
def context(clock: Clock) -> RailContext:
    """A rail context with that clock and the seed `test`."""
    return RailContext.create("test", clock)
