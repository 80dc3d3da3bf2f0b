"""Problems as documents: type, title, status."""

from __future__ import annotations

import pytest
from mpp.errors import PaymentError

from sandbox.methods.tempo_session import problems

# Facts, protocol 1.4; titles are mppx's.
TABLE = [
    (problems.InvalidSignatureError, "invalid-signature", 402, "Invalid Signature"),
    (problems.SignerMismatchError, "signer-mismatch", 402, "Signer Mismatch"),
    (problems.AmountExceedsDepositError, "amount-exceeds-deposit", 402, "Amount Exceeds Deposit"),
    (problems.DeltaTooSmallError, "delta-too-small", 402, "Delta Too Small"),
    (problems.InsufficientBalanceError, "insufficient-balance", 402, "Insufficient Balance"),
    (problems.ChallengeNotFoundError, "challenge-not-found", 402, "Challenge Not Found"),
    (problems.ChannelNotFoundError, "channel-not-found", 410, "Channel Not Found"),
    (problems.ChannelClosedError, "channel-finalized", 410, "Channel Closed"),
]


@pytest.mark.parametrize(("kind", "slug", "status", "title"), TABLE)
def test_a_problem_is_a_document(
    kind: type[problems.SessionError], slug: str, status: int, title: str
) -> None:
    assert issubclass(kind, PaymentError)
    assert kind("why").to_problem_details("abc") == {
        "type": f"https://paymentauth.org/problems/session/{slug}",
        "title": title,
        "status": status,
        "detail": f"{kind.sentence}: why.",
        "challengeId": "abc",
    }
    assert str(kind()) == kind.default


def test_the_table_is_complete() -> None:
    kinds = {one for one in vars(problems).values() if isinstance(one, type)}
    kinds = {one for one in kinds if issubclass(one, problems.SessionError)}
    assert kinds - {problems.SessionError} == {row[0] for row in TABLE}
