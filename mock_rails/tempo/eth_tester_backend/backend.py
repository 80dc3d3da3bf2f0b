"""`TempoBackend`: what `EthereumTester` asks of a chain, answered by a `Chain` in process.

The rules are Tempo's. There is no native coin, so a transaction with a value is refused and every
balance reads as the same great sum; fees are paid in stablecoins, creating an account or a contract
costs Tempo's gas, and every transaction that pays a fee leaves a transfer log for it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from eth_tester.backends.base import BaseChainBackend
from eth_tester.exceptions import (
    BlockNotFound,
    SnapshotNotFound,
    TransactionNotFound,
    ValidationError,
)

from mock_rails.core.clock import US_PER_S
from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.engine import ChainSettings, Pin
from mock_rails.tempo.eth_tester_backend import incoming, shapes
from mock_rails.tempo.eth_tester_backend.failures import failed_calls, refusals, undecodable
from mock_rails.tempo.eth_tester_backend.pending import pending_block
from mock_rails.tempo.rail import Chain
from mock_rails.tempo.rpc import requests
from mock_rails.tempo.rpc.blocks import FEE_HISTORY_LIMIT, Blocks
from mock_rails.tempo.rpc.chain_reads import BALANCE, ChainReads
from mock_rails.tempo.rpc.params import Params
from mock_rails.tempo.rpc.tags import state_at
from mock_rails.tempo.simulation import require_success
