"""The journal as people and their tools take it: joined, in lines of JSON, or as an HTTP archive.

    records = join(events)                  # every rail's event with the exchange it belongs to
    records_of(records, "ex-12")            # one payment's, from the 402 to the webhook
    archive(records, base_url=...)          # HAR 1.2, for a browser's developer tools

Pure: events in (as the control tells them, `/_sandbox/journal`), documents out.
"""

from sandbox.journaling.archive import archive
from sandbox.journaling.joining import Record, join, records_of
from sandbox.journaling.verdict import Complaint, complaints

__all__ = ["Complaint", "Record", "archive", "complaints", "join", "records_of"]
