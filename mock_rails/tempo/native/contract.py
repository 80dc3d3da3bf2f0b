"""The base of every native contract, and the decorators that give its methods their ABI.

A contract is an ordinary class: storage, events and errors as attributes, functions as methods. One
instance serves one call frame. Conventions common to all precompiles are here (facts 2.1): the
price of calldata, the refusal of short calldata and unknown selectors, and of writes in a static
call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from mock_rails.tempo import gas
from mock_rails.tempo.abi import AbiError, Event, Function, RevertError
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.native.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

_Contract = TypeVar("_Contract", bound="NativeContract")
_Body = TypeVar("_Body", bound="Callable[..., Any]")


class Revert(Exception):
    """A native contract reverted with these bytes."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(data.hex())
        self.data = data


class Error:
    """A custom error of a contract: `raise self.NotPayer()`."""

    __slots__ = ("abi",)

    def __init__(self, text: str) -> None:
        self.abi = RevertError(text)

    def __call__(self, *values: Any) -> Revert:
        """The exception to raise."""
        return Revert(self.abi.encode(*values))


class _Method:
    """A method as its ABI reaches it."""

    __slots__ = ("abi", "call", "mutates")

    def __init__(self, text: str, call: Callable[..., Any], *, mutates: bool) -> None:
        self.abi = Function(text)
        self.call = call
        self.mutates = mutates


def function(text: str) -> Callable[[_Body], _Body]:
    """Give a method that may write its ABI signature."""
    return _decorator(text, mutates=True)


def view(text: str) -> Callable[[_Body], _Body]:
    """Give a method that only reads its ABI signature."""
    return _decorator(text, mutates=False)


def _decorator(text: str, *, mutates: bool) -> Callable[[_Body], _Body]:
    def mark(call: _Body) -> _Body:
        vars(call)["abi_methods"] = (*getattr(call, "abi_methods", ()), (text, mutates))
        return call

    return mark


class NativeContract:
    """A contract served by Python at the frame's address."""

    __slots__ = ("frame",)

    title: ClassVar[str] = ""
    """The subsystem's name in the node's revert texts (facts 1.9), as in `TIP20 token error`."""

    methods: ClassVar[dict[bytes, _Method]] = {}
    errors: ClassVar[dict[bytes, RevertError]] = {}
    titles: ClassVar[dict[bytes, str]] = {}
    """For each error the title of the concern that declares it."""

    events: ClassVar[dict[bytes, Event]] = {}

    UnknownFunctionSelector = Error("UnknownFunctionSelector(bytes4 selector)")
    StaticCallNotAllowed = Error("StaticCallNotAllowed()")
    DelegateCallNotAllowed = Error("DelegateCallNotAllowed()")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.methods = dict(cls.methods)
        cls.errors = dict(cls.errors)
        cls.titles = dict(cls.titles)
        cls.events = dict(cls.events)
        items = [(base, item) for base in reversed(cls.__mro__) for item in vars(base).values()]
        for base, item in items:
            if isinstance(item, Error):
                cls.errors[item.abi.selector] = item.abi
                cls.titles[item.abi.selector] = getattr(base, "title", "") or cls.title
            elif isinstance(item, Event):
                cls.events[item.topic] = item
            for text, mutates in getattr(item, "abi_methods", ()):
                method = _Method(text, item, mutates=mutates)
                cls.methods[method.abi.selector] = method

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    # -- being called -----------------------------------------------------------------------------

    def dispatch(self, data: bytes) -> bytes:
        """Run the function that `data` calls and return its encoded result.

        Raises `Revert` or `OutOfGasError`; the caller undoes the frame.
        """
        frame = self.frame
        frame.meter.charge(gas.PRECOMPILE_WORD * gas.words(len(data)))
        self.enter()
        if len(data) < 4:
            raise Revert
        method = self.methods.get(data[:4])
        if method is None:
            raise self.UnknownFunctionSelector(data[:4])
        if frame.static and method.mutates:
            raise self.StaticCallNotAllowed()
        try:
            arguments = method.abi.inputs.decode(data, 4)
        except AbiError:
            raise Revert from None
        result = method.call(self, *arguments)
        single = len(method.abi.signature.outputs) == 1
        return method.abi.outputs.encode((result,) if single else result or ())

    def enter(self) -> None:
        """What a contract does before any function of its own; tokens check their code here."""

    # -- acting -----------------------------------------------------------------------------------

    @property
    def address(self) -> bytes:
        """This contract's address."""
        return self.frame.address

    @property
    def sender(self) -> bytes:
        """Who called: Solidity's msg.sender."""
        return self.frame.caller

    @property
    def now_s(self) -> int:
        """The block's timestamp."""
        return self.frame.scope.block.timestamp_s

    def emit(self, event: Event, *values: Any) -> None:
        """Log an event at its price."""
        topics, data = event.encode(values)
        frame = self.frame
        frame.meter.charge(gas.LOG + gas.LOG_TOPIC * len(topics) + gas.LOG_BYTE * len(data))
        frame.scope.log(frame.address, topics, data)

    def keccak(self, data: bytes) -> bytes:
        """Hash at its price."""
        self.frame.meter.charge(gas.KECCAK + gas.KECCAK_WORD * gas.words(len(data)))
        return keccak256(data)

    def contract(self, kind: type[_Contract], address: bytes) -> _Contract:
        """Another native contract, called from this one: it sees this address as the sender.

        The node calls its subsystems as plain functions, so there is no call cost, and a revert in
        one is a revert of the whole frame.
        """
        frame = self.frame
        return kind(Frame(frame.scope, address, frame.address, frame.meter, frame.static))
