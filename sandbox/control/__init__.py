"""The control of a running devnet over HTTP: health, money, channels, and what happened.

Everything is below `/_sandbox/` (DESIGN section 3). Health and description answer at once; the rest
is a FastAPI application that is loaded when somebody first asks for it, for its import is a
fifth of the devnet's start.
"""

from sandbox.control.front import Control

__all__ = ["Control"]
