"""TIP-20 joined: the class that serves every token address, and how a token comes to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.tempo import gas
from mock_rails.tempo.addresses import NATIVE_CODE
from mock_rails.tempo.native.contract import Error
from mock_rails.tempo.native.tip20.fees import Fees
from mock_rails.tempo.native.tip20.ledger import MAX_SUPPLY
from mock_rails.tempo.native.tip20.pausing import Pausing
from mock_rails.tempo.native.tip20.permit import Permit
from mock_rails.tempo.native.tip20.policy import TransferPolicy
from mock_rails.tempo.native.tip20.quote import Quote
from mock_rails.tempo.native.tip20.rewards import Rewards
from mock_rails.tempo.native.tip20.roles import DEFAULT_ADMIN_ROLE, UNGRANTABLE_ROLE
from mock_rails.tempo.native.tip20.supply import Supply
from mock_rails.tempo.native.tip403.policies import ALLOW_ALL

if TYPE_CHECKING:
    from mock_rails.tempo.native.frame import Frame


class Tip20(Permit, Quote, Supply, Pausing, TransferPolicy, Fees, Rewards):
    """A token at an address with the TIP-20 prefix."""

    InvalidPayload = Error("InvalidPayload()")
    InvalidToken = Error("InvalidToken()")

    @classmethod
    def create(
        cls,
        frame: Frame,
        name: str,
        symbol: str,
        currency: str,
        quote_token: bytes,
        admin: bytes,
    ) -> Tip20:
        """Make the frame's address a token, as old as genesis: it keeps its policy id itself.

        The caller has checked the arguments. The frame's caller is who the log says granted the
        admin its role; the admin has no other role and must grant itself what it needs.
        """
        frame.meter.charge(gas.TX_CREATE + gas.CODE_DEPOSIT_BYTE * len(NATIVE_CODE))
        frame.scope.world.set_code(frame.address, NATIVE_CODE)
        token = cls(frame)
        token.name_text = name
        token.symbol_text = symbol
        token.currency_text = currency
        token.quote = quote_token
        token.quote_and_policy = (int.from_bytes(quote_token), ALLOW_ALL)
        token.supply_cap = MAX_SUPPLY
        token.role_admins[UNGRANTABLE_ROLE] = UNGRANTABLE_ROLE
        token.set_role(admin, DEFAULT_ADMIN_ROLE, True)
        return token
