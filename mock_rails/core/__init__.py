"""What all rails share, and nothing else: time, chance, memory, faults, snapshots, errors.

Nothing here knows a rail by name. A rail is constructed with a `RailContext`, satisfies the `Rail`
protocol and passes `mock_rails.core.compliance.RailCompliance`; that is the whole contract.
"""

from mock_rails.core.clock import Clock
from mock_rails.core.errors import (
    BadInput,
    ClockError,
    Conflict,
    ConservationError,
    FaultError,
    NotEmulated,
    NotFound,
    SandboxError,
    SnapshotError,
)
from mock_rails.core.faults import Fault, FaultAction, FaultPoint, Faults, When
from mock_rails.core.journal import Event, Journal
from mock_rails.core.rail import Rail, RailContext
from mock_rails.core.seeds import Seeds, Stream

__all__ = [
    "BadInput",
    "Clock",
    "ClockError",
    "Conflict",
    "ConservationError",
    "Event",
    "Fault",
    "FaultAction",
    "FaultError",
    "FaultPoint",
    "Faults",
    "Journal",
    "NotEmulated",
    "NotFound",
    "Rail",
    "RailContext",
    "SandboxError",
    "Seeds",
    "SnapshotError",
    "Stream",
    "When",
]
