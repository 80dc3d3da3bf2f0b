"""The cases: JSON files beside this one, each a list of rules as data.

    name      what must hold, in a sentence
    clause    where that is written
    given     steps that must succeed, to get into the situation
    when      the step under test
    then      status, problem type (its slug), whether a challenge comes along, the receipt, headers
    needs     a member of `methodDetails`, if the rule is about that
    only      a version of the escrow (`v1` or `v2`), if the other has nothing of the kind

Amounts are multiples of the offer's price, so that the cases fit any server. A step is what
`payer.Payer` can do; its `set` overwrites members of the credential by their path.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """One rule."""

    file: str
    name: str
    clause: str
    given: tuple[dict[str, Any], ...]
    when: dict[str, Any]
    then: dict[str, Any]
    needs: str | None = None
    """A member of `methodDetails` without which the offer has nothing to do with the rule."""
    only: str | None = None
    """The `sessionProtocol` without which the offer has nothing to do with the rule."""

    @property
    def id(self) -> str:
        """Its name, with its file's."""
        return f"{self.file}: {self.name}"


def fits(case: Case, details: Mapping[str, Any]) -> bool:
    """Whether the rule is about an offer with these `methodDetails`."""
    if case.needs is not None and case.needs not in details:
        return False
    return case.only is None or case.only == details.get("sessionProtocol", "v1")


def load_cases() -> list[Case]:
    """All cases, file by file; a member that nobody knows is an error."""
    cases: list[Case] = []
    for path in sorted(FOLDER.glob("*.json")):
        for members in json.loads(path.read_text()):
            given = tuple(members.pop("given", ()))
            cases.append(Case(path.stem, given=given, **members))
    return cases
