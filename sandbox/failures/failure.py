"""What a failure of the catalogue is: its name, its story's data, and the script that plays it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sandbox.failures.scene import Scene


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that goes wrong with payments in the wild."""

    slug: str
    """Its name everywhere: on the command line, in marks, as the name of its page."""
    title: str
    """What happens, in a few words."""
    summary: str
    """What happens and whom it costs, in a sentence or two."""
    play: Callable[[Scene], Awaitable[None]]
    """The script. It says what it does, and checks what must hold."""
    faults: tuple[Mapping[str, Any], ...] = ()
    """What makes it happen to anybody's program, as `faults.arm` takes them. Empty where it is
    something that a client does, which no fault can do for it."""
