"""The payer's side of tempo/session: channels, vouchers and the book that remembers them.

payer = SessionPayer(wallet, ledger, rpc_for=..., send=http.send, clock=clock, seeds=seeds)
attempt = await payer.prepare(challenge, order)      # opens a channel the first time
...                                                  # send it with attempt.authorization
await attempt.taken(response)
await payer.close_all()
"""

from sandbox.client.session.channel import ChannelState, PayerChannel
from sandbox.client.session.errors import (
    BookDamagedError,
    ChannelBusyError,
    ChannelInUseError,
    CloseFailedError,
    DepositLimitError,
    GraceNotOverError,
    SnapshotRefusedError,
    StateInUseError,
    TopUpFailedError,
    UnknownChannelError,
)
from sandbox.client.session.payer import CloseOutcome, SessionPayer
from sandbox.client.session.settings import SessionSettings

__all__ = [
    "BookDamagedError",
    "ChannelBusyError",
    "ChannelInUseError",
    "ChannelState",
    "CloseFailedError",
    "CloseOutcome",
    "DepositLimitError",
    "GraceNotOverError",
    "PayerChannel",
    "SessionPayer",
    "SessionSettings",
    "SnapshotRefusedError",
    "StateInUseError",
    "TopUpFailedError",
    "UnknownChannelError",
]
