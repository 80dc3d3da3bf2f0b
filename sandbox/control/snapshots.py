"""The devnet as one document, saved and loaded while it runs.

The document holds the clock, the randomness, the armed faults, every rail and the merchants' books
in memory. It is taken and put in place between two steps of the event loop, all or nothing. The
merchants begin anew on it, for what they remember besides, and what they were about to do, is of
the state that is gone. Requests that are under way meanwhile end as after a crash: have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.core import snapshot
from mock_rails.core.errors import Conflict

if TYPE_CHECKING:
    from sandbox.devnet import Devnet


def save(devnet: Devnet) -> bytes:
    """Everything as canonical JSON: equal states give equal bytes."""
    _check_whole(devnet)
    return snapshot.canonical_bytes(snapshot.take(devnet.context, devnet.parts))


async def load(devnet: Devnet, data: bytes) -> dict[str, Any]:
    """Become what a document says; what was loaded, in short."""
    _check_whole(devnet)
    document = snapshot.parse(data, "What was sent")
    context = devnet.context
    match document["seeds"]:
        case {"seed": str(seed)} if devnet.merchants is not None and seed != context.seeds.seed:
            raise Conflict(
                f"The snapshot is of a devnet with the seed {seed[:60]!r}, and this one has "
                f"{context.seeds.seed!r}: its merchants would not know their challenges again.",
                hint="Start the devnet with that --seed, or with the file as --state.",
            )
    snapshot.apply(document, context, devnet.parts)
    if devnet.merchants is not None:
        await devnet.renew_merchants()
        # They drew their salt for challenges; what comes is to be drawn as the document has it.
        context.seeds.restore(document["seeds"])
    context.journal.append("sandbox", "snapshot.loaded", {"digest": snapshot.digest(document)})
    await devnet.tell_time()
    return {
        "loaded": sorted(document["rails"]),
        "digest": snapshot.digest(document),
        "faults": len(context.faults.list()),
    }


def _check_whole(devnet: Devnet) -> None:
    """Refuse half a devnet: money and the books about it must come from the same moment."""
    if devnet.chain is None:
        raise Conflict("The rails run elsewhere, and a snapshot would be without their money.")
    if devnet.merchants is not None and devnet.books is None:
        raise Conflict(
            "These merchants keep their channels in a file or in Redis, not in the snapshot.",
            hint="Start the devnet with --store memory and one worker.",
        )
