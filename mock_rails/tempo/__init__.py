"""A Tempo-compatible chain in one process, from raw transactions to JSON-RPC."""

from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.rail import Chain

__all__ = ["Chain", "ChainSettings", "TempoApi"]
