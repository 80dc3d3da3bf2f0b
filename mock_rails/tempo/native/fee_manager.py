"""The FeeManager: who pays fees in which token, who wants them in which, and who is owed what.

Facts 2.4, 4.2, 4.3. The executor calls `has_liquidity` and `reserve` before a transaction and
`settle_fee` after it, in frames without a meter; none of that emits a log.
"""

from __future__ import annotations

from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import PATH_USD, ZERO_ADDRESS, is_tip20
from mock_rails.tempo.native.contract import Error, function, view
from mock_rails.tempo.native.fee_amm import FeeAmm
from mock_rails.tempo.native.storage import ADDRESS, Mapping


class FeeManager(FeeAmm):
    """Fee preferences and collected fees, on top of the pools at the same address."""

    title = "TIP fee manager error"

    validator_tokens = Mapping(0, ADDRESS)
    user_tokens = Mapping(1, ADDRESS)
    collected_fees = Mapping(2)

    UserTokenSet = Event("UserTokenSet(address indexed user, address indexed token)")
    ValidatorTokenSet = Event("ValidatorTokenSet(address indexed validator, address indexed token)")
    FeesDistributed = Event(
        "FeesDistributed(address indexed validator, address indexed token, uint256 amount)"
    )

    InsufficientFeeTokenBalance = Error("InsufficientFeeTokenBalance()")
    CannotChangeWithinBlock = Error("CannotChangeWithinBlock()")

    # -- preferences ------------------------------------------------------------------------------

    @view("userTokens(address user) returns (address)")
    def user_token(self, user: bytes) -> bytes:
        """The token an account chose to pay fees in, or zero."""
        token: bytes = self.user_tokens[user]
        return token

    @view("validatorTokens(address validator) returns (address)")
    def validator_token(self, validator: bytes) -> bytes:
        """The token a validator is paid in: pathUSD until it chooses another."""
        token: bytes = self.validator_tokens[validator]
        return PATH_USD if token == ZERO_ADDRESS else token

    @function("setUserToken(address token)")
    def set_user_token(self, token: bytes) -> None:
        """Choose the token the caller pays fees in; to choose the same again does nothing."""
        self._require_created(token)
        self.require_usd(token)
        if self.user_tokens[self.sender] == token:
            return
        self.user_tokens[self.sender] = token
        self.emit(self.UserTokenSet, self.sender, token)

    @function("setValidatorToken(address token)")
    def set_validator_token(self, token: bytes) -> None:
        """Choose the token the caller is paid in, but not in the middle of a block of its own."""
        self._require_created(token)
        if self.sender == self.frame.scope.block.beneficiary:
            raise self.CannotChangeWithinBlock()
        self.require_usd(token)
        self.validator_tokens[self.sender] = token
        self.emit(self.ValidatorTokenSet, self.sender, token)

    def _require_created(self, token: bytes) -> None:
        if not is_tip20(token) or not self.frame.scope.world.code(token):
            raise self.InvalidToken()

    # -- a transaction's fee ----------------------------------------------------------------------

    def has_liquidity(self, user_token: bytes, validator_token: bytes, amount: int) -> bool:
        """Whether the pools can take a fee of at most `amount`."""
        return self.route(user_token, validator_token, amount) is not None

    def settle_fee(self, user_token: bytes, validator: bytes, amount: int) -> None:
        """Swap a fee that this contract holds into the validator's token, and owe that to it.

        A fee that `reserve` was asked for always finds its way: nothing else takes validator tokens
        out of a pool while the transaction runs.
        """
        token = self.validator_token(validator)
        if token != user_token:
            for hop in self.require_route(user_token, token, amount):
                self.swap(hop)
                amount = hop.amount_out
        if amount:
            self.collected_fees[validator, token] += amount

    # -- paying validators ------------------------------------------------------------------------

    @view("collectedFees(address validator, address token) returns (uint256)")
    def collected(self, validator: bytes, token: bytes) -> int:
        """What a validator is owed."""
        return int(self.collected_fees[validator, token])

    @function("distributeFees(address validator, address token)")
    def distribute_fees(self, validator: bytes, token: bytes) -> None:
        """Pay a validator what it is owed; anyone may ask, and nothing owed is nothing done."""
        amount = self.collected(validator, token)
        if not amount:
            return
        self.collected_fees[validator, token] = 0
        self.token(token).transfer(validator, amount)
        self.emit(self.FeesDistributed, validator, token, amount)
