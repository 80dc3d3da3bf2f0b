"""What both servers of the session benchmark are told: the payee, the price, the open channels.

Sixteen channels, one for each connection, are open on both sides before the first request. They are
on no chain: both servers get what the chain would say of them from their own process (facts,
performance 6), so that what is measured is the payment and nothing else.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.micro.servers import CHAIN_ID
from mock_rails.tempo.addresses import CHANNEL_RESERVE, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.crypto.wallet import derive_accounts
from mock_rails.tempo.genesis import MNEMONIC, dev_accounts
from sandbox.methods.tempo_session import Book, Channel, Descriptor, SessionProtocol, Status
from sandbox.methods.tempo_session.descriptor import channel_id, descriptor_to_json

if TYPE_CHECKING:
    from mock_rails.tempo.crypto.wallet import Account

CONNECTIONS: Final = 16
PRICE: Final = 10_000
PRICE_TEXT: Final = "0.01"
DEPOSIT: Final = 10**15
REALM: Final = "127.0.0.1"
PATH: Final = "/quote"
SECRET: Final = "a benchmark signs its challenges with this and nothing else"
BOOK: Final = Book(SessionProtocol.V2, CHAIN_ID, CHANNEL_RESERVE)

_PAYER_PATH: Final = "m/44'/60'/2'/0"


class OpenChannel(NamedTuple):
    """A channel that both servers know, and whose payer we are."""

    id: bytes
    descriptor: Descriptor
    payer: Account

    @property
    def source(self) -> str:
        """The payer as credentials name it."""
        return f"did:pkh:eip155:{CHAIN_ID}:0x{self.payer.address.hex()}"


def payee() -> Account:
    """Who is paid: the last development account."""
    return dev_accounts()[9]


@lru_cache(maxsize=1)
def payers() -> tuple[Account, ...]:
    """Accounts that appear in no other benchmark."""
    return tuple(derive_accounts(MNEMONIC, CONNECTIONS, path=_PAYER_PATH))


@lru_cache(maxsize=1)
def channels() -> tuple[OpenChannel, ...]:
    """One channel for each connection."""
    opened = []
    for number, payer in enumerate(payers()):
        descriptor = Descriptor(
            payer.address,
            payee().address,
            ZERO_ADDRESS,
            PATH_USD,
            number.to_bytes(32),
            ZERO_ADDRESS,
            keccak256(b"an opening that never was" + bytes([number])),
        )
        identity = channel_id(SessionProtocol.V2, descriptor, CHAIN_ID, CHANNEL_RESERVE)
        opened.append(OpenChannel(identity, descriptor, payer))
    return tuple(opened)


def record(channel: OpenChannel) -> Channel:
    """The channel as our store keeps it."""
    return Channel(
        id=channel.id,
        protocol=SessionProtocol.V2,
        descriptor=channel.descriptor,
        chain_id=CHAIN_ID,
        escrow=CHANNEL_RESERVE,
        deposit=DEPOSIT,
        accepted=0,
        signature=b"",
        status=Status.OPEN,
    )


def order(kind: str, *, rpc_url: str | None = None) -> dict[str, Any]:
    """What a server of this kind (`session` or `charge`) is told, as JSON for any language."""
    return {
        "kind": kind,
        "chainId": CHAIN_ID,
        "channels": [
            {
                "channelId": f"0x{one.id.hex()}",
                "descriptor": descriptor_to_json(one.descriptor),
            }
            for one in channels()
        ],
        "currency": f"0x{PATH_USD.hex()}",
        "deposit": str(DEPOSIT),
        "escrow": f"0x{CHANNEL_RESERVE.hex()}",
        "payeeKey": f"0x{payee().key.hex()}",
        "price": PRICE_TEXT,
        "realm": REALM,
        "rpcUrl": rpc_url,
        "secret": SECRET,
    }
