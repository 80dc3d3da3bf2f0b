"""tempo/session: pay as you go through a payment channel, v2 (channel reserve) and v1 (escrow).

The protocol as pure functions, after mppx 0.11: what travels (`request`, `payload`, `receipt`,
`snapshot`), what a channel is and may become (`channel`, `rules`), and what a credential must show
(`identity`, `opening`, `top_up`, `voucher`). Problems are pympp's, and those in `problems`. No
network, no store, no clock: the gate and the client bring theirs.

    payload = parse_payload(credential.payload, request.protocol)
    channel = check_channel(request, payload, stored)
    check_source(channel, credential.source)
    channel = accept_voucher(channel, payload.cumulative, payload.signature)
    channel = spend(channel, request.amount)
    receipt = SessionReceipt.of(channel, credential.challenge.id, now_us=clock.now_us())
"""

from sandbox.methods.tempo_session.channel import (
    Channel,
    CloseOrder,
    Status,
    from_record,
    to_record,
)
from sandbox.methods.tempo_session.descriptor import Descriptor, channel_id
from sandbox.methods.tempo_session.fields import FieldError
from sandbox.methods.tempo_session.identity import check_channel, check_source
from sandbox.methods.tempo_session.opening import Opening, check_opening
from sandbox.methods.tempo_session.payload import (
    Close,
    Open,
    Payload,
    TopUp,
    Voucher,
    parse_payload,
)
from sandbox.methods.tempo_session.protocol import SessionProtocol
from sandbox.methods.tempo_session.receipt import SessionReceipt
from sandbox.methods.tempo_session.request import SessionRequest, parse_request
from sandbox.methods.tempo_session.rules import accept_voucher, begin_close, open_channel, spend
from sandbox.methods.tempo_session.snapshot import Snapshot
from sandbox.methods.tempo_session.top_up import check_top_up
from sandbox.methods.tempo_session.voucher import Book, sign_voucher, verify_voucher

__all__ = [
    "Book",
    "Channel",
    "Close",
    "CloseOrder",
    "Descriptor",
    "FieldError",
    "Open",
    "Opening",
    "Payload",
    "SessionProtocol",
    "SessionReceipt",
    "SessionRequest",
    "Snapshot",
    "Status",
    "TopUp",
    "Voucher",
    "accept_voucher",
    "begin_close",
    "channel_id",
    "check_channel",
    "check_opening",
    "check_source",
    "check_top_up",
    "from_record",
    "open_channel",
    "parse_payload",
    "parse_request",
    "sign_voucher",
    "spend",
    "to_record",
    "verify_voucher",
]
