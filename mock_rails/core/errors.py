"""The error tree of the rails' common ground.

    SandboxError                what went wrong, what was expected, and what to do about it
     ├── BadInput               the caller sent something malformed                     400
     │    ├── ClockError        a clock was asked for an impossible time
     │    ├── FaultError        a fault names a point, action or condition that is not there
     │    └── SnapshotError     a snapshot is damaged, foreign or newer than this version
     ├── NotFound               the caller named something that does not exist          404
     ├── Conflict               the request is well-formed but the state forbids it     409
     ├── NotEmulated            the real rail has it, this one refuses loudly           501
     └── ConservationError      money appeared or vanished: a defect in the sandbox     500

Every error carries the same fields, so that each shell (JSON-RPC, REST, CLI) can speak its own
language about it and the control API can answer an RFC 9457 problem. Rails grow their own trees
below these classes.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROBLEM_TYPE_PREFIX = "urn:mpp-sandbox:problem:"


class SandboxError(Exception):
    """The root: an error with a stable code, a sentence for people and details for machines.

    `detail` says what happened this time; `hint` what to do; `details` holds the values that a
    program may want. Subclasses set the class attributes, a raise may override each of them.
    """

    code: str = "sandbox-error"
    title: str = "The sandbox could not do that"
    status: int = 500

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        title: str | None = None,
        hint: str | None = None,
        status: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.details: dict[str, Any] = dict(details or {})
        if code is not None:
            self.code = code
        if title is not None:
            self.title = title
        if status is not None:
            self.status = status

    def __str__(self) -> str:
        """The detail, and the hint where there is one: what a terminal or a log shows."""
        return f"{self.detail} {self.hint}" if self.hint else self.detail

    def problem(self) -> dict[str, Any]:
        """The RFC 9457 problem document, with `code`, `hint` and `details` as extensions."""
        document: dict[str, Any] = {
            "type": PROBLEM_TYPE_PREFIX + self.code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.hint is not None:
            document["hint"] = self.hint
        if self.details:
            document["details"] = self.details
        return document


class BadInput(SandboxError):
    """The caller sent something malformed; nothing was changed."""

    code = "bad-input"
    title = "The request is malformed"
    status = 400


class ClockError(BadInput):
    """The clock was asked for a time it cannot have."""

    code = "clock"
    title = "The clock cannot do that"


class FaultError(BadInput):
    """A fault names a point, an action or a condition that is not there."""

    code = "fault"
    title = "The fault is not valid"


class SnapshotError(BadInput):
    """A snapshot is damaged, foreign, or newer than this version; nothing was changed."""

    code = "snapshot"
    title = "The snapshot cannot be used"


class NotFound(SandboxError):
    """The caller named something that does not exist."""

    code = "not-found"
    title = "There is no such thing"
    status = 404


class Conflict(SandboxError):
    """The request is well-formed, but the present state forbids it."""

    code = "conflict"
    title = "The present state forbids that"
    status = 409


class NotEmulated(SandboxError):
    """The real rail has this; the sandbox does not, and says so instead of pretending."""

    code = "not-emulated"
    title = "The sandbox does not emulate that"
    status = 501


class ConservationError(SandboxError):
    """Money appeared or vanished. This is never the caller's fault."""

    code = "conservation"
    title = "Money appeared or vanished"


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: the closest known one, or the list of all."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known: {', '.join(names)}." if names else "None are known here."
