"""What the merchant is told of trouble: a line where it is expected (facts: protocol 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from mpp.errors import InternalPaymentError

from sandbox.chain import RpcUnavailable
from sandbox.server.trouble import tell_unknown

if TYPE_CHECKING:
    import pytest


def caused(error: Exception, cause: Exception) -> Exception:
    """The error, with its cause."""
    error.__cause__ = cause
    return error


def test_a_chains_trouble_is_one_line_with_its_causes(caplog: pytest.LogCaptureFixture) -> None:
    tell_unknown(caused(InternalPaymentError(), RuntimeError("Transaction\nnot found")))
    (line,) = caplog.messages
    assert line.endswith("error occurred. <- RuntimeError: Transaction not found")
    assert "\n" not in line
    assert caplog.records[0].exc_info is None


def test_a_nodes_url_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    lost = httpx.ConnectError("no way to https://node.test/s3cret-key")
    tell_unknown(caused(RpcUnavailable("node.test was not reached."), lost))
    (line,) = caplog.messages
    assert line.endswith("RpcUnavailable: node.test was not reached. <- ConnectError")


def test_what_nobody_expects_has_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    tell_unknown(ZeroDivisionError("a defect"))
    assert caplog.records[0].exc_info is not None
