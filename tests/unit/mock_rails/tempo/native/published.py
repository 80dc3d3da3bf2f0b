"""Compares a native contract with the ABI that pytempo ships, which is made from the node's source.

Parameter names count, for SDKs show them and read events by them; names of results do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_rails.tempo.abi import Parameter
    from mock_rails.tempo.native.contract import NativeContract

COMMON_ERRORS = frozenset(
    {
        "error UnknownFunctionSelector(bytes4 selector)",
        "error StaticCallNotAllowed()",
        "error DelegateCallNotAllowed()",
    }
)
"""What every native contract can answer; the ABIs of single contracts do not list them."""


def published(abi: list[dict[str, Any]]) -> set[str]:
    """The items of a JSON ABI as lines of text."""
    return {
        f"{item['type']} {item['name']}({_json_parameters(item['inputs'])})"
        + (f" returns ({_json_types(item['outputs'])})" if item.get("outputs") else "")
        + (f" {item['stateMutability']}" if item["type"] == "function" else "")
        for item in abi
    }


def declared(kind: type[NativeContract]) -> set[str]:
    """The items of a contract as the same lines, without the errors common to all."""
    lines = set()
    for method in kind.methods.values():
        signature = method.abi.signature
        returns = ",".join(part.canonical for part in signature.outputs)
        lines.add(
            f"function {signature.name}({_parameters(signature.inputs)})"
            + (f" returns ({returns})" if returns else "")
            + (" nonpayable" if method.mutates else " view")
        )
    for event in kind.events.values():
        lines.add(f"event {event.name}({_parameters(event.signature.inputs)})")
    for error in kind.errors.values():
        lines.add(f"error {error.name}({_parameters(error.signature.inputs)})")
    return lines - COMMON_ERRORS


def _json_parameters(inputs: list[dict[str, Any]]) -> str:
    return ", ".join(
        (
            f"({_json_parameters(one['components'])}){one['type'].removeprefix('tuple')}"
            if "components" in one
            else one["type"]
        )
        + (" indexed" if one.get("indexed") else "")
        + f" {one['name']}"
        for one in inputs
    )


def _json_types(outputs: list[dict[str, Any]]) -> str:
    return ",".join(
        f"({_json_types(one['components'])}){one['type'].removeprefix('tuple')}"
        if "components" in one
        else one["type"]
        for one in outputs
    )


def _parameters(parts: tuple[Parameter, ...]) -> str:
    return ", ".join(
        (
            f"({_parameters(part.components)}){part.type.removeprefix('tuple')}"
            if part.components
            else part.type
        )
        + (" indexed" if part.indexed else "")
        + f" {part.name}"
        for part in parts
    )
