"""Disputes: what a seller can read of them and answer (facts: stripe 1.8, 2.3).

What becomes of them is in `mock_rails/stripe/disputes.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mock_rails.stripe import disputes
from mock_rails.stripe.disputes import FILES, STILL_OPEN, TABLE, TEXTS, UNANSWERED
from mock_rails.stripe.endpoint import Call, Endpoint
from mock_rails.stripe.errors import InvalidRequest, Missing, NotEmulated
from mock_rails.stripe.parameters import Anything, Boolean, Choice, Metadata, Object, Text
from mock_rails.stripe.wire.lists import CREATED, LIST_FIELDS, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_rails.stripe.endpoint import Page
    from mock_rails.stripe.model import Record
    from mock_rails.stripe.parameters import Kind

_ENHANCED: Final = ("appeal", "enhanced_evidence")
_EVIDENCE: Final[dict[str, Kind]] = {
    **dict.fromkeys(TEXTS, Text(20_000, nullable=True)),
    **dict.fromkeys((*FILES, *_ENHANCED), Anything()),
}
UPDATE: Final = Object(
    {"evidence": Object(_EVIDENCE), "metadata": Metadata(), "submit": Boolean()},
    absent=("amount", "intended_submission_method"),
)
_SAME: Final = ("charge", "payment_intent")
_FILTERS: Final = Object(
    {**LIST_FIELDS, **CREATED, **dict.fromkeys(_SAME, Text())}, absent=("status", "transaction")
)


def retrieve(call: Call) -> Record:
    """One dispute."""
    return call.operation.get(TABLE, call.id, param="id")


def update(call: Call) -> Record:
    """Add evidence, and hand it to the bank unless `submit` is false: that can be done once."""
    op, given = call.operation, call.params
    dispute = op.get(TABLE, call.id, param="id")
    evidence = given.get("evidence") or {}
    submit = given.get("submit", bool(evidence))
    _check_evidence(evidence)
    if (evidence or submit) and dispute["status"] not in UNANSWERED:
        raise InvalidRequest(
            f"Evidence cannot be changed any more: this dispute is {dispute['status']}.",
            param="evidence" if evidence else "submit",
        )
    changes: dict[str, Any] = {}
    if "metadata" in given:
        changes["metadata"] = Metadata.merged(dispute["metadata"], given["metadata"])
    if evidence:
        changes["evidence"] = {**dispute["evidence"], **evidence}
    if evidence or submit:
        changes["evidence_details"] = _evidence_details(dispute, changes, submit=submit)
    if submit:
        warned = dispute["status"].startswith("warning")
        changes["status"] = "warning_under_review" if warned else "under_review"
    if changes:
        previous = {name: dispute[name] for name in changes}
        op.update(dispute, changes)
        op.emit("charge.dispute.updated", dispute, previous=previous)
    if submit:
        disputes.submitted(disputes.at_its_time(op, dispute), dispute)
    return dispute


def _check_evidence(evidence: Mapping[str, Any]) -> None:
    for name in (*FILES, *_ENHANCED):
        if evidence.get(name):
            what = "uploaded files" if name in FILES else "enhanced evidence and appeals"
            raise NotEmulated(what, param=f"evidence[{name}]")


def _evidence_details(
    dispute: Record, changes: Mapping[str, Any], *, submit: bool
) -> dict[str, Any]:
    before, evidence = dispute["evidence_details"], changes.get("evidence", dispute["evidence"])
    details = {**before, "has_evidence": any(evidence.values())}
    if submit:
        details["submission_count"] = before["submission_count"] + 1
        details["submission_method"] = "manual"
    return details


def close(call: Call) -> Record:
    """Accept the dispute: there is no evidence, and it is lost."""
    op = call.operation
    dispute = op.get(TABLE, call.id, param="id")
    if dispute["status"] not in UNANSWERED:
        raise InvalidRequest(f"This dispute cannot be closed: it is {dispute['status']}.")
    disputes.accept(disputes.at_its_time(op, dispute), dispute)
    return dispute


def decide(call: Call) -> Record:
    """Let the bank decide one that is open, whatever the evidence says."""
    dispute = call.operation.state.find(TABLE, call.id)
    if dispute is None:
        raise Missing("dispute", call.id, param="id")
    if dispute["status"] not in STILL_OPEN:
        raise InvalidRequest(f"This dispute is {dispute['status']} already.")
    decision = call.params["decision"]
    if decision == "escalated" and not dispute["status"].startswith("warning"):
        raise InvalidRequest("Only an inquiry can escalate.", param="decision")
    op = call.operation.of(dispute.account, livemode=dispute["livemode"])
    disputes.settle(disputes.at_its_time(op, dispute), dispute, decision)
    return dispute


def list_all(call: Call) -> Page:
    """The disputes, the newest first."""
    return listed(call, TABLE, same=_SAME)


ENDPOINTS: Final = (
    Endpoint("GET", "/v1/disputes", list_all, _FILTERS),
    Endpoint("GET", "/v1/disputes/{id}", retrieve),
    Endpoint("POST", "/v1/disputes/{id}", update, UPDATE),
    Endpoint("POST", "/v1/disputes/{id}/close", close),
    Endpoint(
        "POST",
        "/_sandbox/disputes/{id}/decide",
        decide,
        Object({"decision": Choice(("won", "lost", "escalated"))}, required=("decision",)),
    ),
)
