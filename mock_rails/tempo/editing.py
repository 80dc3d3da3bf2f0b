"""Writes to the state that no transaction could make, for tests that need a situation at once.

What is written belongs to the state after the newest block. Money stays accounted for: a token's
supply moves with the balance that is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.tempo.addresses import FEE_MANAGER, is_tip20
from mock_rails.tempo.errors import InvalidParams
from mock_rails.tempo.native.fee_manager import FeeManager
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.registry import native_at
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.scope import Scope

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain

_WORD_LIMIT = 1 << 256


def deal(chain: Chain, token: bytes, account: bytes, amount: int) -> None:
    """Set a balance; the supply changes by the difference and must stay below the token's cap."""
    contract = _token(chain, token)
    supply = contract.total_supply + amount - contract.balances[account]
    if supply > contract.supply_cap:
        raise InvalidParams(
            f"invalid params: the supply of {_shown(token)} would be {supply}, above its cap of "
            f"{contract.supply_cap}"
        )
    contract.balances[account] = amount
    contract.total_supply = supply
    _note(chain, "deal", token=token, account=account, amount=amount)


def allow(chain: Chain, token: bytes, owner: bytes, spender: bytes, amount: int) -> None:
    """Set an allowance."""
    _token(chain, token).allowances[owner, spender] = amount
    _note(chain, "allow", token=token, owner=owner, spender=spender, amount=amount)


def set_fee_token(chain: Chain, account: bytes, token: bytes) -> None:
    """Set the token in which an account pays its fees when a transaction does not say."""
    _token(chain, token)
    scope = Scope(chain.world, chain.engine.context(), origin=account)
    FeeManager(Frame(scope, FEE_MANAGER, account)).user_tokens[account] = token
    _note(chain, "set_fee_token", account=account, token=token)


def set_code(chain: Chain, address: bytes, code: bytes) -> None:
    """Replace an account's code; a native contract's marker is not for changing."""
    _require_ordinary(address, "code")
    chain.world.set_code(address, code)
    _note(chain, "set_code", address=address, code=code)


def set_storage(chain: Chain, address: bytes, slot: int, value: int) -> None:
    """Replace one storage word of an EVM contract."""
    _require_ordinary(address, "storage")
    if not (0 <= slot < _WORD_LIMIT and 0 <= value < _WORD_LIMIT):
        raise InvalidParams("invalid params: slot and value are words of 256 bits")
    chain.world.store((address, slot), value)
    _note(chain, "set_storage", address=address, slot=slot, value=value)


def set_nonce(chain: Chain, address: bytes, nonce: int) -> None:
    """Raise an account's protocol nonce; lowering it would let old transactions in again."""
    current = chain.nonce(address)
    if nonce < current:
        raise InvalidParams(f"invalid params: nonce {nonce} is below the present one, {current}")
    chain.world.set_nonce(address, nonce)
    _note(chain, "set_nonce", address=address, nonce=nonce)


def _token(chain: Chain, token: bytes) -> Tip20:
    if not is_tip20(token) or not chain.world.code(token):
        raise InvalidParams(f"invalid params: {_shown(token)} is not a TIP-20 token")
    scope = Scope(chain.world, chain.engine.context(), origin=bytes(20))
    return Tip20(Frame(scope, token, bytes(20)))


def _require_ordinary(address: bytes, what: str) -> None:
    if native_at(address) is not None:
        raise InvalidParams(
            f"invalid params: {_shown(address)} is a native contract, whose {what} cannot be set"
        )


def _note(chain: Chain, what: str, **data: Any) -> None:
    chain.context.journal.append(chain.name, f"state.{what}", data)


def _shown(address: bytes) -> str:
    return f"0x{address.hex()}"
