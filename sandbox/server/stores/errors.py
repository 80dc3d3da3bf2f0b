"""How a store fails.

    StoreError                   the store could not do it; what was there is untouched      500
     ├── StoreClosed             it was used after `close`, or in another process
     ├── StoreFull               there is no room left                                       507
     ├── StoreBusy               others held it, or kept changing the record, for too long   503
     ├── StoreForeign            it belongs to another program or another version
     ├── RecordDamaged           what is kept under a key is not what the codec wrote
     └── StoreUnavailable        it cannot be opened, reached or written                     503
          └── StoreOutcomeUnknown     the connection broke after the change was sent

All but the last promise that nothing was changed. The last is the fourth outcome of DESIGN 2.5:
whoever gets it must look before trying again.
"""

from __future__ import annotations

from mock_rails.core.errors import SandboxError


class StoreError(SandboxError):
    """The store could not do what was asked; the record is as it was."""

    code = "store"
    title = "The store failed"


class StoreClosed(StoreError):
    """The store was used after `close`, or by a process that did not open it."""

    code = "store-closed"
    title = "The store is closed"


class StoreFull(StoreError):
    """There is no room for the change; the record is as it was."""

    code = "store-full"
    title = "The store is full"
    status = 507


class StoreBusy(StoreError):
    """Other processes held the store, or kept changing the record, for longer than allowed."""

    code = "store-busy"
    title = "The store is busy"
    status = 503


class StoreForeign(StoreError):
    """The file or database belongs to another program or another version; it was left alone."""

    code = "store-foreign"
    title = "The store belongs to something else"


class RecordDamaged(StoreError):
    """What is kept under a key cannot be read back by the codec that should have written it."""

    code = "record-damaged"
    title = "A record is damaged"


class StoreUnavailable(StoreError):
    """The store cannot be opened, reached or written; nothing was changed."""

    code = "store-unavailable"
    title = "The store is unavailable"
    status = 503


class StoreOutcomeUnknown(StoreUnavailable):
    """The connection broke after the change was sent: it was made, or it was not."""

    code = "store-outcome-unknown"
    title = "Whether the change was made is unknown"
