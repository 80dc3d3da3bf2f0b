"""The core's public names: all of them importable from `mock_rails.core`, all documented."""

from __future__ import annotations

import types

import pytest

from mock_rails import core


def test_all_names_exactly_what_is_public() -> None:
    visible = {
        name
        for name, value in vars(core).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert set(core.__all__) == visible


@pytest.mark.parametrize("name", core.__all__)
def test_a_public_name_is_documented(name: str) -> None:
    assert getattr(core, name).__doc__
