"""Looking inside: call traces of transactions and simulations, and raw bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.tempo.errors import InvalidParams, InvalidTransaction, RpcError, UnknownBlock
from mock_rails.tempo.execution.executor import execute
from mock_rails.tempo.rpc import requests
from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.rpc.overrides import parse_block_overrides, parse_state_overrides
from mock_rails.tempo.rpc.tags import need_block
from mock_rails.tempo.scope import BlockContext
from mock_rails.tempo.simulation import as_call_error
from mock_rails.tempo.tracer import CallTracer
from mock_rails.tempo.tx.json_values import read_object, to_data
from mock_rails.tempo.world import HistoryPrunedError

if TYPE_CHECKING:
    from mock_rails.tempo.blocks import Header, Outcome, Receipt
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params
    from mock_rails.tempo.tx.model import Submission


class Debug:
    """Traces in geth's `callTracer` form, the only tracer that is emulated."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    @method("debug_traceTransaction")
    def trace_transaction(self, params: Params) -> dict[str, Any]:
        """The calls inside a mined transaction: it is run again where it ran."""
        tx_hash = params.hash(0)
        shape = _options(params.given(1))
        receipt = self.chain.receipt(tx_hash)
        if receipt is None:
            raise RpcError(f"transaction not found: {to_data(tx_hash)}", code=-32000)
        return self._trace(receipt, shape)

    @method("debug_traceBlockByNumber", "debug_traceBlockByHash")
    def trace_block(self, params: Params) -> list[dict[str, Any]]:
        """The traces of all transactions of a block."""
        block = need_block(self.chain, params.required(0, "block"))
        shape = _options(params.given(1))
        return [
            {"txHash": to_data(one.submission.hash), "result": self._trace(one, shape)}
            for one in block.receipts
        ]

    @method("debug_traceCall")
    def trace_call(self, params: Params) -> dict[str, Any]:
        """The calls inside a simulated call."""
        submission, priced = requests.to_simulation(self.chain, params.required(0, "transaction"))
        at = need_block(self.chain, params.given(1))
        options = params.optional_object(2, "options")
        shape = _options(options)
        tracer = CallTracer()
        try:
            outcome = self.chain.simulator.call(
                submission,
                priced=priced,
                at=at,
                overrides=parse_state_overrides(options.get("stateOverrides")),
                tracer=tracer,
                **parse_block_overrides(options.get("blockOverrides")),
            )
        except InvalidTransaction as error:
            raise as_call_error(error) from error
        return _result(tracer, submission, outcome, shape)

    @method("debug_getRawTransaction")
    def raw_transaction(self, params: Params) -> str | None:
        """A mined transaction's canonical bytes."""
        receipt = self.chain.receipt(params.hash(0))
        return None if receipt is None else to_data(receipt.submission.raw)

    def _trace(self, receipt: Receipt, shape: dict[str, bool]) -> dict[str, Any]:
        world, block, submission = self.chain.world, receipt.block, receipt.submission
        tracer = CallTracer()
        try:
            with world.rewound(receipt.undo_mark):
                outcome = execute(world, self._context(block), submission, tracer=tracer)
        except HistoryPrunedError:
            raise UnknownBlock(f"the state of block {block.number} is no longer kept") from None
        return _result(tracer, submission, outcome, shape)

    def _context(self, block: Header) -> BlockContext:
        """The block as the transaction saw it while it was being made."""
        return BlockContext(
            chain_id=self.chain.chain_id,
            number=block.number,
            timestamp_s=block.timestamp_s,
            base_fee=block.base_fee,
            gas_limit=block.gas_limit,
            beneficiary=block.beneficiary,
        )


def _result(
    tracer: CallTracer, submission: Submission, outcome: Outcome, shape: dict[str, bool]
) -> dict[str, Any]:
    return tracer.result(submission.sender, submission.tx.gas_limit, outcome.gas_used, **shape)


def _options(value: Any) -> dict[str, bool]:
    """geth's tracing options; every tracer but `callTracer` is refused by name."""
    options = {} if value is None else read_object(value, "options")
    tracer = options.get("tracer")
    if tracer != "callTracer":
        asked = "the default struct logger" if tracer is None else f"tracer {str(tracer)[:40]!r}"
        raise InvalidParams(
            f'invalid params: {asked} is not emulated; pass {{"tracer": "callTracer"}}'
        )
    config = options.get("tracerConfig")
    members = {} if config is None else read_object(config, "tracerConfig")
    return {
        "with_log": members.get("withLog") is True,
        "only_top_call": members.get("onlyTopCall") is True,
    }
