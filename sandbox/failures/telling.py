"""What a play tells: parts with a title, sentences, what passes on the wire, and checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from textwrap import wrap
from typing import Any, Final

_WIDTH: Final = 96


class Kind(StrEnum):
    """What a step is."""

    PART = "part"
    SAID = "said"
    WIRE = "wire"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was told."""

    kind: Kind
    text: str
    holds: bool | None = None
    """Of a check: whether it does."""

    def lines(self) -> list[str]:
        """For people."""
        if self.kind is Kind.PART:
            return ["", self.text]
        if self.kind is Kind.SAID:
            return [f"  {line}" for line in wrap(self.text, _WIDTH - 2)]
        if self.kind is Kind.WIRE:
            return [f"    {self.text}"]
        return [f"  {'ok' if self.holds else 'NO'}  {self.text}"]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        document: dict[str, Any] = {"kind": self.kind.value, "text": self.text}
        return document if self.holds is None else {**document, "holds": self.holds}
