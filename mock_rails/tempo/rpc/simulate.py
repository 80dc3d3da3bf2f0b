"""eth_simulateV1 and tempo_simulateV1: several blocks of calls that never happen (facts 5.8).

pympp asks the latter before it sponsors a payment and refuses when the first call's status is not
0x1, so what is answered here decides over real payments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mock_rails.tempo.addresses import is_tip20
from mock_rails.tempo.blocks import Block, Outcome
from mock_rails.tempo.errors import InvalidParams, InvalidTransaction
from mock_rails.tempo.execution.reverts import describe_revert
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.rpc import requests
from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.rpc.formats import header_json
from mock_rails.tempo.rpc.overrides import parse_block_overrides, parse_state_overrides
from mock_rails.tempo.rpc.tags import need_block
from mock_rails.tempo.scope import Scope
from mock_rails.tempo.simulation import Overrides, as_call_error
from mock_rails.tempo.tx.json_values import invalid, read_array, read_object, to_data
from mock_rails.tempo.tx.tx_json import submission_to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params
    from mock_rails.tempo.simulation import SimulatedBlock
    from mock_rails.tempo.tx.model import Submission

BLOCK_LIMIT: Final = 256
CALL_LIMIT: Final = 1_000

_REVERTED_CODE: Final = 3
_FAILED_CODE: Final = -32015
"""What geth answers for a call that ran out of gas or met a bad opcode."""


class _Wanted(NamedTuple):
    """One block as it was asked for."""

    calls: list[requests.Simulation]
    state: Overrides
    block: dict[str, Any]


class Simulate:
    """Simulations of whole blocks."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    @method("eth_simulateV1")
    def simulate(self, params: Params) -> list[dict[str, Any]]:
        """The simulated blocks with each call's outcome."""
        return self._blocks(params)[0]

    @method("tempo_simulateV1")
    def simulate_tempo(self, params: Params) -> dict[str, Any]:
        """The same, with the name and currency of every token that it touched."""
        blocks, tokens = self._blocks(params)
        return {"blocks": blocks, "tokenMetadata": self._metadata(tokens)}

    def _blocks(self, params: Params) -> tuple[list[dict[str, Any]], set[bytes]]:
        payload = params.object(0, "payload")
        at = need_block(self.chain, params.given(1))
        wanted = [
            self._wanted(read_object(one, f"blockStateCalls[{index}]"))
            for index, one in enumerate(_list(payload, "blockStateCalls", BLOCK_LIMIT))
        ]
        validation = payload.get("validation") is True
        full = payload.get("returnFullTransactions") is True
        try:
            simulated = self.chain.simulator.simulate(
                [(one.calls, one.state, one.block) for one in wanted], at, validation=validation
            )
            answers, parent, tokens = [], at.hash, set[bytes]()
            for asked, block in zip(wanted, simulated, strict=True):
                answer, parent = _block_json(block, asked.calls, parent, full=full)
                answers.append(answer)
                tokens |= _tokens(block, asked.calls)
        except InvalidTransaction as error:
            raise as_call_error(error) from error
        return answers, tokens

    def _wanted(self, members: dict[str, Any]) -> _Wanted:
        return _Wanted(
            [
                requests.to_simulation(self.chain, one)
                for one in _list(members, "calls", CALL_LIMIT)
            ],
            parse_state_overrides(members.get("stateOverrides")),
            parse_block_overrides(members.get("blockOverrides")),
        )

    def _metadata(self, tokens: Iterable[bytes]) -> dict[str, dict[str, str]]:
        answer = {}
        scope = Scope(self.chain.world, self.chain.engine.context(), origin=bytes(20))
        for address in sorted(tokens):
            if self.chain.world.code(address):
                token = Tip20(Frame(scope, address, bytes(20)))
                answer[to_data(address)] = {
                    "name": token.name(),
                    "symbol": token.symbol(),
                    "currency": token.currency(),
                }
        return answer


def _list(members: dict[str, Any], name: str, limit: int) -> list[Any]:
    value = members.get(name)
    if value is None:
        raise InvalidParams(f"invalid params: {name} is missing")
    entries = read_array(value, name)
    if len(entries) > limit:
        raise invalid(name, f"at most {limit} entries", len(entries))
    return entries


def _block_json(
    simulated: SimulatedBlock, calls: list[requests.Simulation], parent: bytes, *, full: bool
) -> tuple[dict[str, Any], bytes]:
    """The block's JSON and its hash. It has the header of a real one, and its calls' outcomes."""
    context = simulated.context
    block = Block(
        number=context.number,
        parent_hash=parent,
        timestamp_ms=context.timestamp_s * 1000,
        base_fee=context.base_fee,
        gas_limit=context.gas_limit,
        beneficiary=context.beneficiary,
    )
    block.seal(0)
    answers: list[dict[str, Any]] = []
    logs = 0
    for (submission, _), outcome in zip(calls, simulated.results, strict=True):
        if isinstance(outcome, InvalidTransaction):
            raise outcome
        block.gas_used += outcome.gas_used
        answers.append(_call_json(submission, outcome, block, len(answers), logs))
        logs += len(outcome.logs)
    shown = [submission_to_json(one) if full else to_data(one.hash) for one, _ in calls]
    header = header_json(block)
    return header | {"transactions": shown, "uncles": [], "calls": answers}, block.hash


def _call_json(
    submission: Submission, outcome: Outcome, block: Block, index: int, first_log: int
) -> dict[str, Any]:
    place = {
        "blockHash": to_data(block.hash),
        "blockNumber": hex(block.number),
        "blockTimestamp": hex(block.timestamp_s),
        "transactionHash": to_data(submission.hash),
        "transactionIndex": hex(index),
        "removed": False,
    }
    answer: dict[str, Any] = {
        "status": "0x1" if outcome.status else "0x0",
        "returnData": to_data(outcome.output),
        "gasUsed": hex(outcome.gas_used),
        "logs": [
            {
                "address": to_data(log.address),
                "topics": [to_data(topic) for topic in log.topics],
                "data": to_data(log.data),
                "logIndex": hex(at),
                **place,
            }
            for at, log in enumerate(outcome.logs, first_log)
        ],
    }
    if not outcome.status:
        answer["error"] = _error_json(submission, outcome)
    return answer


def _error_json(submission: Submission, outcome: Outcome) -> dict[str, Any]:
    if outcome.error == "execution reverted":
        text = describe_revert(outcome.output, submission.tx.calls[-1].to)
        return {"code": _REVERTED_CODE, "message": text, "data": to_data(outcome.output)}
    return {"code": _FAILED_CODE, "message": outcome.error or "execution failed", "data": "0x"}


def _tokens(block: SimulatedBlock, calls: list[requests.Simulation]) -> set[bytes]:
    """The tokens that were called or that logged."""
    seen = {call.to for submission, _ in calls for call in submission.tx.calls}
    for outcome in block.results:
        if isinstance(outcome, Outcome):
            seen.update(log.address for log in outcome.logs)
    return {address for address in seen if address is not None and is_tip20(address)}
