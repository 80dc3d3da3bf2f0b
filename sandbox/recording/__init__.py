"""A run of the devnet in one file, and the run again: how a payment bug becomes a test.

    capture, code = await record(settings, run_command)     # what came in, what was answered, when
    replay = await replayed(capture)                        # the same requests to the same devnet
    assert replay.divergence is None, replay.report()

A capture begins with the whole devnet (a snapshot) and holds, in order, what came from outside and
what time it was. The clock stands still between these steps, in the recording as in the replay:
that is what makes answers equal byte for byte (DESIGN 2.4).
"""

from sandbox.recording.capture import Capture
from sandbox.recording.comparing import Divergence
from sandbox.recording.library import replay, run_again
from sandbox.recording.record import Recorded, record
from sandbox.recording.replay import Replayed, replayed

__all__ = [
    "Capture",
    "Divergence",
    "Recorded",
    "Replayed",
    "record",
    "replay",
    "replayed",
    "run_again",
]
