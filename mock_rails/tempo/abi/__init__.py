"""Solidity's ABI, as far as native contracts and the RPC need it."""

from mock_rails.tempo.abi.codec import AbiError, Codec
from mock_rails.tempo.abi.items import Event, Function, RevertError
from mock_rails.tempo.abi.signature import Parameter, Signature, parse_signature

__all__ = [
    "AbiError",
    "Codec",
    "Event",
    "Function",
    "Parameter",
    "RevertError",
    "Signature",
    "parse_signature",
]
