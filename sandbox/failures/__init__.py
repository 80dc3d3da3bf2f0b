"""The catalogue of failures: what goes wrong with payments in the wild, each told and played.

    played = await play("duplicate-credential")
    print(played.text())

A failure is a module here with one name, `FAILURE`: what it is, the faults that make it happen
to anybody's program, and a script that plays it on a devnet of its own (`scene.py`). Its page is
`docs/do/failures/<slug>.md`. `catalogue.py` lists them all, and loads one when it is asked for.
"""

from sandbox.failures.catalogue import SLUGS, find
from sandbox.failures.failure import Failure
from sandbox.failures.playing import Played, play

__all__ = ["SLUGS", "Failure", "Played", "find", "play"]
