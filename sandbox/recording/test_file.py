"""A capture as a test that carries it: one file that needs pytest and mpp-sandbox, and no other.

Where the capture knows the command that was recorded, the test runs it again beside a devnet that
begins alike: it fails as long as the command does, or money is lost. Where it knows none, the
requests are played again, and the test fails while they end badly, or, if they ended well, as soon
as they are answered otherwise.
"""

from __future__ import annotations

import base64
import textwrap
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sandbox.recording.capture import Capture

_WIDTH: Final = 96
_HEADING: Final = '''"""Written by `mpp-sandbox replay --pytest` from a capture of {steps} requests.

It fails until the bug that was recorded is gone. The capture is in this file.
"""

import base64
import zlib

from sandbox.recording import replay, run_again

'''
_AGAIN: Final = '''COMMAND = {command!r}


def test_the_recorded_command_does_it_no_more():
    """The same command, beside a devnet that begins as the recorded one did."""
    result = run_again(CAPTURE, COMMAND)
    assert not result.complaints, "\\n".join(map(str, result.complaints))
'''
_PLAYED: Final = '''

def test_the_recorded_requests_end_well():
    """The same requests at the same instants: what went wrong, or differs, is told by step."""
    result = replay(CAPTURE)
    assert not result.complaints, result.report()
    assert result.divergence is None, result.report()
'''


def test_file(capture: Capture) -> str:
    """The file's text."""
    packed = base64.b64encode(zlib.compress(capture.text().encode(), 9)).decode()
    lines = "\n".join(f'    "{one}"' for one in textwrap.wrap(packed, _WIDTH))
    text = _HEADING.format(steps=len(capture.steps))
    if capture.command:
        text = text.replace("import replay, run_again", "import run_again")
        body = _AGAIN.format(command=list(capture.command))
    else:
        text = text.replace("import replay, run_again", "import replay")
        body = _PLAYED.lstrip("\n")
    data = (
        f"CAPTURE = zlib.decompress(\n    base64.b64decode(\n{_deeper(lines)}\n    )\n).decode()\n"
    )
    return f"{text}{body.rstrip()}\n\n\n{data}"


def _deeper(lines: str) -> str:
    return textwrap.indent(lines, "    ")
