"""Networks on a clock that stands still."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core.clock import Clock
from mock_rails.core.rail import RailContext
from mock_rails.lightning.rail import Lightning
from mock_rails.lightning.settings import LightningSettings
from mock_rails.lightning.topology import Topology

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeNetwork = Callable[..., Lightning]

START_S = 1_767_225_600


@pytest.fixture
def make_network() -> MakeNetwork:
    """Makes a network of a preset, or of a document's channels, with settings."""

    def make(shape: Any = "default", **settings: Any) -> Lightning:
        topology = Topology.preset(shape) if isinstance(shape, str) else Topology.parse(shape)
        context = RailContext.create("unit", Clock.frozen(START_S))
        return Lightning(context, LightningSettings(**settings), topology)

    return make
