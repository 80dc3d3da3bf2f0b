# pragma version 0.4.3
# pragma evm-version prague
"""
@title Counter
@notice A contract of the user's own: storage, an event, a revert reason, and a call into a token.
"""

from ethereum.ercs import IERC20

event Counted:
    by: indexed(address)
    count: uint256

owner: public(immutable(address))
count: public(uint256)


@deploy
def __init__(start: uint256):
    owner = msg.sender
    self.count = start


@external
def increment(by: uint256):
    assert by != 0, "count something"
    self.count += by
    log Counted(by=msg.sender, count=self.count)


@external
def pay(token: IERC20, to: address, amount: uint256):
    assert msg.sender == owner, "not the owner"
    assert extcall token.transfer(to, amount)


@external
@view
def holds(token: IERC20) -> uint256:
    return staticcall token.balanceOf(self)
