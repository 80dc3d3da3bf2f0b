"""One call into a native contract: where it runs, who called, and the gas it may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mock_rails.tempo.gas import FREE

if TYPE_CHECKING:
    from mock_rails.tempo.gas import Meter
    from mock_rails.tempo.scope import Scope


@dataclass(slots=True)
class Frame:
    """A call frame. `static` forbids writes, as under STATICCALL."""

    scope: Scope
    address: bytes
    caller: bytes
    meter: Meter = FREE
    static: bool = False
