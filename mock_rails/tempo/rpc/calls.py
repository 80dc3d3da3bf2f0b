"""Calls that keep nothing, and requests made whole: eth_call, estimates and eth_fillTransaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.errors import InvalidTransaction
from mock_rails.tempo.rpc import requests
from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.rpc.overrides import parse_block_overrides, parse_state_overrides
from mock_rails.tempo.rpc.tags import need_block
from mock_rails.tempo.simulation import as_call_error, require_success
from mock_rails.tempo.tx.encode import unsigned_raw
from mock_rails.tempo.tx.json_values import to_data
from mock_rails.tempo.tx.tx_json import transaction_to_json

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params
    from mock_rails.tempo.rpc.relay import Relay


class Calls:
    """What can be asked before a transaction is sent."""

    def __init__(self, chain: Chain, relay: Relay) -> None:
        self.chain = chain
        self.relay = relay

    @method("eth_call")
    def call(self, params: Params) -> str:
        """Run a call, or a batch, and return the last one's data.

        Without a price in the request it is free; with one, fees are charged as well. A request
        without `to` runs as a constructor and returns what that returns (facts 5.4).
        """
        at = need_block(self.chain, params.given(1))
        submission, priced = requests.to_simulation(self.chain, params.required(0, "transaction"))
        try:
            outcome = self.chain.simulator.call(
                submission,
                priced=priced,
                at=at,
                overrides=parse_state_overrides(params.given(2)),
                **parse_block_overrides(params.given(3)),
            )
            return to_data(require_success(outcome, submission))
        except InvalidTransaction as error:
            raise as_call_error(error) from error

    @method("eth_estimateGas")
    def estimate_gas(self, params: Params) -> str:
        """The least gas limit that works; a call that reverts answers code 3 with its data."""
        at = need_block(self.chain, params.given(1))
        simulation = requests.to_simulation(self.chain, params.required(0, "transaction"))
        overrides = parse_state_overrides(params.given(2))
        return hex(requests.estimate(self.chain, simulation, at, overrides=overrides))

    @method("eth_fillTransaction")
    def fill_transaction(self, params: Params) -> dict[str, Any]:
        """The request with nonce, gas and prices filled in, as JSON and as unsigned bytes.

        With `feePayer: true` it comes back sponsored, if this node has a fee payer (facts 5.9).
        """
        value = params.object(0, "transaction")
        request = requests.parse(self.chain, value)
        sender = request.sender or ZERO_ADDRESS
        sponsored = value.get("feePayer") is True
        if sponsored:
            request = self.relay.prepare(request)
        tx = requests.to_transaction(self.chain, request, sender)
        if sponsored:
            tx = self.relay.sponsor(tx, sender)
        shape = transaction_to_json(tx)
        if request.sender is not None:
            shape["from"] = to_data(request.sender)
        return {"raw": to_data(unsigned_raw(tx)), "tx": shape}
