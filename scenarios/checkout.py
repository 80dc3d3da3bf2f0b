"""Which state of the code a program runs, read off the checkout without starting git."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent


def commit(root: Path = _ROOT) -> str | None:
    """The commit of the checkout that this runs from; None where it is installed."""
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        reference = head.removeprefix("ref: ")
        if (git / reference).is_file():
            return (git / reference).read_text().strip()
        packed = (git / "packed-refs").read_text().splitlines()
    except OSError:
        return None
    return next((one.split()[0] for one in packed if one.endswith(f" {reference}")), None)


RUNNING: Final = commit()
"""Read once, when the code was loaded: the checkout may move on while a long sweep runs."""
