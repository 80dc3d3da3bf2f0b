"""The chain as one JSON document, and back: state, kept blocks, receipts and waiting transactions.

What a document cannot carry is the undo log, so states older than the snapshot are gone after a
load; everything else answers as before.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import ConservationError, SnapshotError
from mock_rails.tempo.addresses import PATH_USD, is_tip20
from mock_rails.tempo.blocks import Block, Outcome, Receipt
from mock_rails.tempo.errors import RpcError
from mock_rails.tempo.history import History
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.pool import Pool
from mock_rails.tempo.scope import Log
from mock_rails.tempo.tx.decode import decode_transaction
from mock_rails.tempo.tx.request import transaction_from_request
from mock_rails.tempo.tx.sign import unsigned_submission
from mock_rails.tempo.tx.tx_json import transaction_to_json
from mock_rails.tempo.world import World

if TYPE_CHECKING:
    from mock_rails.tempo.engine import ChainSettings, Engine
    from mock_rails.tempo.tx.model import Submission
    from mock_rails.tempo.world import Key, Stored

VERSION: Final = 1

_LOST: Final = -1
"""The undo mark of a block whose state cannot be reached any more."""

_GENESIS_DRIFT: Final = {PATH_USD: 10_000_000_000}
"""The node's own genesis leaves the fee manager's pathUSD out of the supply (facts 6)."""


def check_conservation(engine: Engine) -> None:
    """Raise unless every token's balances add up to its supply, but for the genesis difference."""
    drift: dict[bytes, int] = {}
    for key, value in engine.world.storage.items():
        token, slot = key[0], key[1]
        if not is_tip20(token) or not isinstance(value, int):
            continue
        if slot == Tip20.balances.slot:
            drift[token] = drift.get(token, 0) + value
        elif slot == Tip20.total_supply.slot:
            drift[token] = drift.get(token, 0) - value
    for token, amount in drift.items():
        if amount != _GENESIS_DRIFT.get(token, 0):
            raise ConservationError(
                f"the balances of token 0x{token.hex()} differ from its supply by {amount}"
            )


# -- to JSON --------------------------------------------------------------------------------------


def dump(engine: Engine) -> dict[str, Any]:
    """The whole chain as plain JSON values."""
    return _dump(engine.settings.chain_id, engine.world, engine.history, engine.pool)


def _dump(chain_id: int, world: World, history: History, pool: Pool) -> dict[str, Any]:
    blocks = [
        _dump_block(history.by_number(number))
        for number in range(history.oldest.number, history.head.number + 1)
    ]
    return {
        "version": VERSION,
        "chain_id": chain_id,
        "world": dump_world(world),
        "blocks": blocks,
        "pool": [_dump_submission(submission) for submission in pool],
    }


def dump_world(world: World) -> dict[str, Any]:
    """The state alone; equal states give equal documents."""
    storage: dict[str, dict[str, Any]] = {}
    for key in sorted(world.storage, key=_path):
        value = world.storage[key]
        shown = hex(value) if isinstance(value, int) else {"text": value}
        storage.setdefault(_hex(key[0]), {})[_path(key)] = shown
    return {
        "nonces": {_hex(address): world.nonces[address] for address in sorted(world.nonces)},
        "codes": {_hex(address): _hex(world.codes[address]) for address in sorted(world.codes)},
        "storage": {contract: storage[contract] for contract in sorted(storage)},
    }


def _path(key: Key) -> str:
    """A storage key after its contract: hexadecimal integers, 0x bytes and quoted text."""
    return "/".join(_path_item(item) for item in key[1:])


def _path_item(item: Any) -> str:
    if isinstance(item, bytes):
        return _hex(item)
    return f"{item:x}" if isinstance(item, int) else f'"{item}'


def _dump_block(block: Block | None) -> dict[str, Any]:
    if block is None:
        raise LookupError("a block inside the kept range is missing")
    return {
        "number": block.number,
        "parent_hash": _hex(block.parent_hash),
        "timestamp_ms": block.timestamp_ms,
        "base_fee": block.base_fee,
        "gas_limit": block.gas_limit,
        "beneficiary": _hex(block.beneficiary),
        "hash": _hex(block.hash),
        "receipts": [_dump_receipt(receipt) for receipt in block.receipts],
    }


def _dump_receipt(receipt: Receipt) -> dict[str, Any]:
    outcome = receipt.outcome
    return {
        "transaction": _dump_submission(receipt.submission),
        "status": outcome.status,
        "gas_used": outcome.gas_used,
        "effective_gas_price": outcome.effective_gas_price,
        "fee_token": _hex(outcome.fee_token) if outcome.fee_token else None,
        "contract_address": _hex(outcome.contract_address) if outcome.contract_address else None,
        "output": _hex(outcome.output),
        "error": outcome.error,
        "logs": [
            [_hex(log.address), [_hex(topic) for topic in log.topics], _hex(log.data)]
            for log in outcome.logs
        ],
    }


def _dump_submission(submission: Submission) -> dict[str, Any]:
    sender = _hex(submission.sender)
    if submission.signature is None:  # an impersonated sender's: its bytes decode to nobody
        return {"unsigned": transaction_to_json(submission.tx), "sender": sender}
    return {"raw": _hex(submission.raw), "sender": sender}


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"


# -- from JSON ------------------------------------------------------------------------------------


def load(engine: Engine, document: object) -> None:
    """Replace the engine's state with a document's; one that does not fit changes nothing."""
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise SnapshotError(
            f"This is no Tempo snapshot of version {VERSION}.",
            hint="It was written by another version, or is not the tempo rail's part.",
        )
    if document.get("chain_id") != engine.settings.chain_id:
        raise SnapshotError(
            f"The snapshot is of chain {document.get('chain_id')}, "
            f"this chain is {engine.settings.chain_id}."
        )
    try:
        world = _load_world(document["world"])
        history = _load_history(document["blocks"], engine.settings)
        pool = Pool()
        for item in document["pool"]:
            submission = _load_submission(item, engine.settings.chain_id)
            pool.add(submission, submission.tx.nonce)
        again = _dump(engine.settings.chain_id, world, history, pool)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        RpcError,
    ) as error:
        raise SnapshotError(f"The Tempo part of the snapshot is damaged: {error!r}.") from None
    if again != document:
        raise SnapshotError("The Tempo part of the snapshot is not as this chain would write it.")
    history.head.undo_mark = world.mark()
    engine.world = world
    engine.history = history
    engine.pool = pool
    engine.pins.clear()
    engine.next_timestamp_s = None


def _load_history(document: list[dict[str, Any]], settings: ChainSettings) -> History:
    blocks = [_load_block(item, settings.chain_id) for item in document]
    _require_run(blocks)
    history = History(blocks[0], settings.history_depth)
    for block in blocks[1:]:
        history.append(block)
    return history


def _require_run(blocks: list[Block]) -> None:
    if not blocks:
        raise SnapshotError("The Tempo part of the snapshot has no blocks.")
    for parent, child in pairwise(blocks):
        if child.number != parent.number + 1 or child.parent_hash != parent.hash:
            raise SnapshotError(f"Block {child.number} does not follow block {parent.number}.")


def _load_world(document: dict[str, Any]) -> World:
    world = World()
    for address, nonce in document["nonces"].items():
        world.nonces[_bytes(address)] = int(nonce)
    for address, code in document["codes"].items():
        world.codes[_bytes(address)] = _bytes(code)
    for contract, entries in document["storage"].items():
        owner = _bytes(contract)
        for path, value in entries.items():
            key = (owner, *[_load_item(item) for item in path.split("/")])
            world.storage[key] = _load_value(value)
    return world


def _load_item(item: str) -> Any:
    if item.startswith('"'):
        return item[1:]
    return _bytes(item) if item.startswith("0x") else int(item, 16)


def _load_value(value: Any) -> Stored:
    return str(value["text"]) if isinstance(value, dict) else int(value, 16)


def _load_block(document: dict[str, Any], chain_id: int) -> Block:
    block = Block(
        number=int(document["number"]),
        parent_hash=_bytes(document["parent_hash"]),
        timestamp_ms=int(document["timestamp_ms"]),
        base_fee=int(document["base_fee"]),
        gas_limit=int(document["gas_limit"]),
        beneficiary=_bytes(document["beneficiary"]),
    )
    gas_used = log_index = 0
    for index, item in enumerate(document["receipts"]):
        outcome = _load_outcome(item)
        gas_used += outcome.gas_used
        block.receipts.append(
            Receipt(
                submission=_load_submission(item["transaction"], chain_id),
                block=block.header,
                index=index,
                outcome=outcome,
                cumulative_gas_used=gas_used,
                first_log_index=log_index,
                undo_mark=_LOST,
            )
        )
        log_index += len(outcome.logs)
    block.seal(_LOST)
    if block.hash != _bytes(document["hash"]):
        raise ValueError(f"block {block.number} does not have the hash it claims")
    return block


def _load_outcome(document: dict[str, Any]) -> Outcome:
    fee_token, created = document["fee_token"], document["contract_address"]
    return Outcome(
        status=bool(document["status"]),
        gas_used=int(document["gas_used"]),
        effective_gas_price=int(document["effective_gas_price"]),
        logs=tuple(
            Log(_bytes(address), tuple(_bytes(topic) for topic in topics), _bytes(data))
            for address, topics, data in document["logs"]
        ),
        fee_token=_bytes(fee_token) if fee_token else None,
        contract_address=_bytes(created) if created else None,
        output=_bytes(document["output"]),
        error=document["error"],
    )


def _load_submission(document: dict[str, Any], chain_id: int) -> Submission:
    if "unsigned" in document:
        request = transaction_from_request(document["unsigned"], chain_id=chain_id)
        return unsigned_submission(request.tx, _bytes(document["sender"]))
    submission = decode_transaction(_bytes(document["raw"]))
    if submission.sender != _bytes(document["sender"]):
        raise ValueError("a transaction was not sent by the account it names")
    return submission


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
