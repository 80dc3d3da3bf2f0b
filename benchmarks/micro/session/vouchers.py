"""Requests that pay with vouchers, signed before the clock starts.

Each connection has a channel of its own and each request authorises one price more than the last,
as a session does (facts, protocol 2.5). Every credential echoes a challenge that the server under
test has itself given out; the vouchers are the same for all servers.
"""

from __future__ import annotations

from typing import Final

from mpp import Challenge, Credential

from benchmarks.micro.session.load import AnswerError, ask, get
from benchmarks.micro.session.world import BOOK, PATH, PRICE, OpenChannel, channels
from mock_rails.tempo.tx.signers import Secp256k1Signer
from sandbox.methods.tempo_session import Voucher, sign_voucher

_CHALLENGED: Final = 402


class Vouchers:
    """The payers of all channels of one server, which count what they have authorised."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._authorised = dict.fromkeys(channels(), 0)

    async def lanes(self, total: int, connections: int) -> list[list[bytes]]:
        """Paid requests, dealt out to the connections; one connection is one channel."""
        given = await challenges(self._port, connections)
        lanes = []
        for channel, challenge in zip(channels(), given, strict=False):
            paid = credentials(challenge, channel, self._authorised[channel], total // connections)
            self._authorised[channel] += PRICE * len(paid)
            lanes.append(
                [get(PATH, port=self._port, authorization=one.to_authorization()) for one in paid]
            )
        return lanes


def credentials(
    challenge: Challenge, channel: OpenChannel, authorised: int, count: int
) -> list[Credential]:
    """Credentials that each authorise one price more, beyond what is authorised already."""
    echo, signer = challenge.to_echo(), Secp256k1Signer(channel.payer.key)
    made = []
    for number in range(1, count + 1):
        cumulative = authorised + number * PRICE
        signature = sign_voucher(BOOK, channel.id, cumulative, signer)
        payload = Voucher(channel.id, channel.descriptor, cumulative, signature).to_json()
        made.append(Credential(echo, payload, channel.source))
    return made


async def challenges(port: int, count: int) -> list[Challenge]:
    """So many challenges of a server for the benchmark's request."""
    found = []
    for answer in await ask(port, [get(PATH, port=port)] * count):
        value = answer.field("www-authenticate")
        if answer.status != _CHALLENGED or value is None:
            raise AnswerError(f"the server answers {answer.status} to a request without payment")
        found.append(Challenge.from_www_authenticate(value))
    return found
