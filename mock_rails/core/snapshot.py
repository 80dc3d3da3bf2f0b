"""The whole sandbox as one JSON document: time, randomness, faults and every rail at once.

A payment over several rails can only be rolled back if all of them are, so there is one snapshot
for all. Equal states give equal bytes, which makes a snapshot something to compare and to commit as
a test's starting point. The journal is not in it, only how far it had come: what happened stays
happened.

    {"format": "mpp-sandbox-snapshot", "version": 1, "clock": …, "seeds": …, "faults": …,
     "journal": {"offset": …}, "rails": {"tempo": …, "stripe": …, "lightning": …}}
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import ConservationError, SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mock_rails.core.rail import Rail, RailContext

FORMAT: Final = "mpp-sandbox-snapshot"
VERSION: Final = 1

_DEEPEST: Final = 5_000
_PARTS: Final = frozenset({"format", "version", "clock", "seeds", "faults", "journal", "rails"})


def canonical_bytes(document: object) -> bytes:
    """The one way to write a document: keys sorted, no spaces, UTF-8."""
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def digest(document: object) -> str:
    """The SHA-256 of the canonical bytes, in hex.

    Of a whole snapshot the journal's offset is left out: it tells when the snapshot was taken, not
    what the world was like.
    """
    if isinstance(document, dict) and document.get("format") == FORMAT:
        document = {part: value for part, value in document.items() if part != "journal"}
    return sha256(canonical_bytes(document)).hexdigest()


def take(context: RailContext, rails: Iterable[Rail]) -> dict[str, Any]:
    """The state of everything now."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "clock": context.clock.snapshot(),
        "seeds": context.seeds.snapshot(),
        "faults": context.faults.snapshot(),
        "journal": {"offset": context.journal.last_offset},
        "rails": {rail.name: rail.snapshot() for rail in rails},
    }


def apply(document: object, context: RailContext, rails: Iterable[Rail]) -> None:
    """Become the state of a snapshot: all of it, or, if any part refuses, none of it.

    A rail that the snapshot does not know begins anew: it was taken of fewer rails, by an older
    version or of a chain alone. Money of a rail that does not run is never dropped silently.
    """
    by_name = {rail.name: rail for rail in rails}
    checked = check(document)
    if not set(checked["rails"]) <= set(by_name):
        raise SnapshotError(
            f"The snapshot holds the rails {_listed(checked['rails'])}, "
            f"but {_listed(by_name)} are running.",
            hint="Start the sandbox with the same rails.",
        )
    before = take(context, by_name.values())
    try:
        _put(checked, context, by_name)
    except BaseException as error:
        _put(before, context, by_name)
        if isinstance(error, ConservationError):
            raise SnapshotError(f"The snapshot's money does not add up: {error}") from error
        raise
    context.journal.continue_after(checked["journal"]["offset"])


def _put(document: dict[str, Any], context: RailContext, rails: dict[str, Rail]) -> None:
    context.clock.restore(document["clock"])
    context.seeds.restore(document["seeds"])
    context.faults.restore(document["faults"])
    for name, rail in rails.items():
        if name in document["rails"]:
            rail.restore(document["rails"][name])
        else:
            rail.reset()
        rail.check_conservation()


def check(document: object) -> dict[str, Any]:
    """The document, if it is a snapshot that this version can read."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SnapshotError(
            "This is no snapshot of mpp-sandbox.",
            hint=f'A snapshot is a JSON object with "format": "{FORMAT}".',
        )
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise SnapshotError(f"The snapshot's version must be a whole number, not {version!r}.")
    if version > VERSION:
        raise SnapshotError(
            f"The snapshot has version {version}, this sandbox reads up to {VERSION}.",
            hint="Upgrade mpp-sandbox to load it.",
        )
    missing, unknown = _PARTS - set(document), set(document) - _PARTS
    if missing or unknown:
        what = f"lacks {_listed(missing)}" if missing else f"has unknown parts: {_listed(unknown)}"
        raise SnapshotError(f"The snapshot {what}.")
    if not isinstance(document["rails"], dict):
        raise SnapshotError("The snapshot's `rails` must be an object.")
    match document["journal"]:
        case {"offset": int(offset), **rest} if not rest and offset >= 0:
            return document
    raise SnapshotError("The snapshot's `journal` must hold an offset, a whole number.")


# -- files ----------------------------------------------------------------------------------------


def save(path: Path | str, document: dict[str, Any], *, indented: bool = False) -> None:
    """Write a snapshot so that the file is the old one or the new one, never half of one, even if
    the disk is full or the power fails. It holds the sandbox's keys: its owner alone may read it.
    `indented` is for people and version control, and as canonical.
    """
    target = Path(path).resolve()
    check(document)
    data = (_indented(document) if indented else canonical_bytes(document)) + b"\n"
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise _cannot_write(target, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise _cannot_write(target, error) from error
    _sync_folder(target.parent)


def load(path: Path | str) -> dict[str, Any]:
    """Read a snapshot from a file; `apply` it afterwards."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise SnapshotError(f"Cannot read {path}: {error.strerror}.") from error
    return parse(data, str(path))


def parse(data: bytes, name: str) -> dict[str, Any]:
    """Read a snapshot from what a file holds or a client sent; errors call it by this name."""
    try:
        with modest_recursion():
            document = json.loads(data.decode(), parse_constant=_refuse_constant)
            canonical_bytes(document)  # JSON can name half a character, which no file can hold
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"{name} is not JSON: {error}.") from error
    return check(document)


def _indented(document: object) -> bytes:
    return json.dumps(
        document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False
    ).encode()


def _cannot_write(path: Path, error: OSError) -> SnapshotError:
    return SnapshotError(
        f"Cannot write {path}: {error.strerror}.",
        hint="The file that was there before, if any, is unchanged.",
        status=507,
    )


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself survive a power failure, where a folder can be synced."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


@contextmanager
def modest_recursion() -> Iterator[None]:
    """Let a file nested without end raise RecursionError: where a library has raised Python's limit
    (py-evm does), the parser would overflow the C stack first and take the process with it."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(min(limit, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(map(str, names))) or "none"
