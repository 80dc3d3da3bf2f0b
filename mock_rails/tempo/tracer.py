"""A call tracer: who called whom with what, as geth's `callTracer` prints it.

`calls.py` and the EVM report every frame by `enter` and `exit`, and the scope every event by `log`,
to whatever tracer the scope carries. A transaction of several calls (0x76) has several outermost
frames, a thing geth knows nothing of: `result` puts them under one frame of the sender calling
itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from mock_rails.tempo.abi import AbiError, RevertError

_REVERTED: Final = "execution reverted"
_ERROR: Final = RevertError("Error(string message)")
_PANIC: Final = RevertError("Panic(uint256 code)")
_CREATIONS: Final = frozenset({"CREATE", "CREATE2"})
_WITHOUT_VALUE: Final = frozenset({"STATICCALL"})

_PANICS: Final = {
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}
"""Solidity's panic codes, worded as geth words them."""


@dataclass(slots=True)
class TracedCall:
    """One frame: what went in, what came out, and the frames and events inside."""

    kind: str
    sender: bytes
    to: bytes
    data: bytes
    gas: int
    gas_used: int = 0
    output: bytes = b""
    error: str | None = None
    calls: list[TracedCall] = field(default_factory=list)
    logs: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self, *, with_log: bool = False, only_top_call: bool = False) -> dict[str, Any]:
        """geth's rendering; what does not apply is left out."""
        failed_creation = self.error is not None and self.kind in _CREATIONS
        shown: dict[str, Any] = {
            "from": _hex(self.sender),
            "gas": hex(self.gas),
            "gasUsed": hex(self.gas_used),
            **({} if failed_creation else {"to": _hex(self.to)}),
            "input": _hex(self.data),
            **self._ending(),
        }
        if self.calls and not only_top_call:
            shown["calls"] = [call.to_json(with_log=with_log) for call in self.calls]
        if self.logs and with_log:
            shown["logs"] = self.logs
        if self.kind not in _WITHOUT_VALUE:
            shown["value"] = "0x0"
        shown["type"] = self.kind
        return shown

    def _ending(self) -> dict[str, str]:
        shown = {}
        if self.output and self.error in {None, _REVERTED}:
            shown["output"] = _hex(self.output)
        if self.error is not None:
            shown["error"] = self.error
            reason = revert_reason(self.output) if self.error == _REVERTED else None
            if reason is not None:
                shown["revertReason"] = reason
        return shown


class CallTracer:
    """Builds the tree of frames of one transaction."""

    def __init__(self) -> None:
        self.roots: list[TracedCall] = []
        self._open: list[TracedCall] = []

    # -- reports ----------------------------------------------------------------------------------

    def enter(self, kind: str, sender: bytes, to: bytes, data: bytes, gas: int) -> None:
        """A frame begins: `data` is calldata, or init code for a creation."""
        call = TracedCall(kind, sender, to, data, gas)
        (self._open[-1].calls if self._open else self.roots).append(call)
        self._open.append(call)

    def exit(self, output: bytes, gas_left: int, error: str | None) -> None:
        """The innermost open frame ends; a failed one has logged nothing."""
        call = self._open.pop()
        call.gas_used = call.gas - gas_left
        call.output = output
        call.error = error
        if error is not None:
            _clear_logs(call)

    def log(self, address: bytes, topics: tuple[bytes, ...], data: bytes) -> None:
        """An event of the innermost open frame; a fee's has no frame and is not traced."""
        if not self._open:
            return
        call = self._open[-1]
        call.logs.append(
            {
                "address": _hex(address),
                "topics": [_hex(topic) for topic in topics],
                "data": _hex(data),
                "position": hex(len(call.calls)),
            }
        )

    # -- the answer -------------------------------------------------------------------------------

    def result(
        self,
        sender: bytes,
        gas_limit: int,
        gas_used: int,
        *,
        with_log: bool = False,
        only_top_call: bool = False,
    ) -> dict[str, Any]:
        """The whole transaction as one frame; like geth, with the transaction's own gas figures."""
        root = self._root(sender)
        root.gas = gas_limit
        root.gas_used = gas_used
        return root.to_json(with_log=with_log, only_top_call=only_top_call)

    def _root(self, sender: bytes) -> TracedCall:
        if len(self.roots) == 1:
            return self.roots[0]
        batch = TracedCall("CALL", sender, sender, b"", 0, calls=self.roots)
        if self.roots:
            last = self.roots[-1]
            batch.output, batch.error = last.output, last.error
        if batch.error is not None:
            _clear_logs(batch)
        return batch


def _clear_logs(call: TracedCall) -> None:
    """A frame that failed takes back its events and those of all frames inside."""
    pending = [call]
    while pending:
        each = pending.pop()
        each.logs.clear()
        pending.extend(each.calls)


def revert_reason(data: bytes) -> str | None:
    """The text of `Error(string)` or `Panic(uint256)`; None for any other revert data."""
    selector = data[:4]
    try:
        if selector == _ERROR.selector:
            return str(_ERROR.inputs.decode(data, 4)[0])
        if selector == _PANIC.selector:
            code = _PANIC.inputs.decode(data, 4)[0]
            return _PANICS.get(code, f"unknown panic code: {code:#x}")
    except AbiError:
        pass
    return None


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
