"""The journal of an exchange holds what helps, and no more of it than a few lines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mpp import Credential

from tests.unit.sandbox.server.support import Shop, challenge_of


@pytest.mark.parametrize("member", ["description", "digest", "expires", "realm"])
async def test_what_is_not_authentic_does_not_fill_the_journal(member: str) -> None:
    """Anybody may send a credential of 64 KB, and the journal keeps a hundred thousand events."""
    long = "x" * 10_000
    async with Shop() as shop:
        echo = challenge_of(await shop.get()).to_echo()
        echo = replace(echo, **{member: long})
        wrong = Credential(echo, {"proof": long, "type": long}, f"did:pkh:x:1:{long}")
        refused = await shop.get(headers={"Authorization": wrong.to_authorization()})
        assert refused.status_code == 402
        assert len(shop.journal.read()[-1].to_json()) < 8_000
