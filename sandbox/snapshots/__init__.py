"""Snapshots of a whole devnet: the rails, and what the merchants know of them.

`Books` is the merchants' part; `compare` says where the money went between two documents. The
document itself, its version and its file are `mock_rails.core.snapshot`'s.
"""

from sandbox.snapshots.books import Books
from sandbox.snapshots.comparing import compare
from sandbox.snapshots.model import Change, Difference, Item, Ledger

__all__ = ["Books", "Change", "Difference", "Item", "Ledger", "compare"]
