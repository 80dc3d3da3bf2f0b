"""Tests that need Node say so where it is absent, instead of failing or passing unseen."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests import conftest

if TYPE_CHECKING:
    from collections.abc import Sequence


class Item:
    """As much of a collected test as the hook looks at."""

    def __init__(self, *markers: str) -> None:
        self.markers = markers
        self.added: list[pytest.MarkDecorator] = []

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.markers else None

    def add_marker(self, marker: pytest.MarkDecorator) -> None:
        self.added.append(marker)


def reasons(items: Sequence[Item]) -> list[list[str]]:
    """Why each item is skipped."""
    conftest.pytest_collection_modifyitems(items)  # type: ignore[arg-type]
    return [[marker.kwargs["reason"] for marker in item.added] for item in items]


@pytest.mark.parametrize(
    ("present", "skipped"),
    [
        ({"node", "npm"}, []),
        ({"node"}, ["needs npm on the PATH"]),
        (set(), ["needs node and npm on the PATH"]),
    ],
)
def test_node_tests_are_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, present: set[str], skipped: list[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool: tool if tool in present else None)
    assert reasons([Item("node"), Item("slow"), Item()]) == [skipped, [], []]
