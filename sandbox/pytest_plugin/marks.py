"""What a test asks of its devnet: `@pytest.mark.mpp(seed=…, faults=[…], block_time=…, ports=…)`.

Marks of a class or a module hold for its tests; of an argument that is given twice, the nearest to
the test counts. Nothing of the sandbox is loaded for tests without the mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

MARK: Final = "mpp"
SEED: Final = "mpp-sandbox"
"""What everything is drawn from unless another seed is asked for."""

_LONGEST_SEED: Final = 256


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one test's devnet is like."""

    seed: str = SEED
    faults: tuple[Any, ...] = ()
    """Armed before the test begins, as `faults.arm` takes them. In a mark, the name of a failure
    stands for its faults."""
    block_time_ms: int | None = None
    """None for a block as soon as a transaction arrives."""
    ports: bool = False
    """Whether its parts listen, for programs of other processes."""


class BadMark(Exception):
    """A mark that means nothing; the text says what would."""


def read(item: pytest.Item) -> Wanted:
    """What the marks of a test and the command line say together; raises `BadMark`."""
    given: dict[str, Any] = {}
    for mark in item.iter_markers(MARK):
        if mark.args:
            raise BadMark(f"It takes its arguments by name, not {mark.args[0]!r}.\n{_USAGE}")
        given = {**_known(mark.kwargs), **given}
    seed = given.get("seed", item.config.getoption("mpp_seed"))
    return Wanted(
        seed=SEED if seed is None else _seed(seed),
        faults=_faults(given.get("faults", ())),
        block_time_ms=_block_time(given.get("block_time")),
        ports=_ports(given.get("ports")) or bool(item.config.getoption("mpp_ports")),
    )


_USAGE: Final = (
    "Write @pytest.mark.mpp(seed='bug-17', faults=[{'at': 'tempo.submit', 'do': 'lose_response'}],"
    " block_time='500ms', ports=True); each may be left out. A fault may be the name of a failure"
    " (mpp-sandbox failures list)."
)
_NAMES: Final = ("seed", "faults", "block_time", "ports")


def _known(kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in kwargs:
        if name not in _NAMES:
            from mock_rails.core.errors import nearest

            hint = nearest(name, _NAMES) or ""
            raise BadMark(f"It has no argument {name!r}. {hint}\n{_USAGE}")
    return kwargs


def _seed(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_SEED and value.isprintable():
        return value
    raise BadMark(
        f"seed is a printable text of 1 to {_LONGEST_SEED} characters, not {_shown(value)}."
    )


def _faults(value: object) -> tuple[Any, ...]:
    if isinstance(value, list | tuple):
        return tuple(fault for one in value for fault in _named(one))
    raise BadMark(f"faults is a list of faults, not {_shown(value)}.\n{_USAGE}")


def _named(fault: Any) -> tuple[Any, ...]:
    """The faults of a failure of the catalogue, if it is one's name."""
    if not isinstance(fault, str):
        return (fault,)
    from mock_rails.core.errors import SandboxError
    from sandbox.failures.catalogue import faults_of

    try:
        return faults_of(fault)
    except SandboxError as error:
        raise BadMark(f"faults: {error}") from None


def _block_time(value: object) -> int | None:
    if value is None:
        return None
    from datetime import timedelta

    from mock_rails.arguments import parse_duration_ms
    from mock_rails.core.errors import BadInput

    if isinstance(value, timedelta):
        value = f"{value // timedelta(milliseconds=1)}ms"
    elif type(value) in {int, float}:
        value = f"{value}s"
    try:
        if isinstance(value, str):
            return parse_duration_ms(value)
    except BadInput as error:
        raise BadMark(f"block_time: {error}") from None
    raise BadMark(
        f"block_time is a span between blocks, such as '500ms', 0.5 (seconds) or a timedelta, "
        f"not {_shown(value)}."
    )


def _ports(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise BadMark(f"ports is True or False, not {_shown(value)}.")


def _shown(value: object) -> str:
    return repr(value)[:100]
