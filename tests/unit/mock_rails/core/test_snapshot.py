"""Snapshots: all rails at once, all or nothing, the same bytes for the same state, safe on disk."""

from __future__ import annotations

import errno
import json
import os
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.core import Clock, RailContext, SnapshotError, snapshot
from tests.unit.mock_rails.core.piggy import PiggyBanks

if TYPE_CHECKING:
    from pathlib import Path


class Purse(PiggyBanks):
    """A second rail, which draws from its own stream."""

    name = "purse"

    def fault_points(self) -> tuple[()]:
        return ()


class Sandbox:
    """A context with two rails that have seen some payments."""

    def __init__(self, seed: str = "snapshot") -> None:
        self.context = RailContext.create(seed, Clock.frozen(1_767_225_600))
        self.rails = (PiggyBanks(self.context), Purse(self.context))

    def live(self) -> None:
        self.rails[0].pay("alice", "bob", 10)
        self.context.clock.advance(60)
        self.context.faults.arm({"at": "piggy.pay", "do": "lose_response", "when": "nth=3"})
        self.rails[1].pay("alice", "bob", 1)

    def take(self) -> dict[str, Any]:
        return snapshot.take(self.context, self.rails)

    def apply(self, document: object) -> None:
        snapshot.apply(document, self.context, self.rails)


@pytest.fixture
def sandbox() -> Sandbox:
    sandbox = Sandbox()
    sandbox.live()
    return sandbox


# -- taking and applying ---------------------------------------------------------------------------


def test_a_snapshot_holds_every_part(sandbox: Sandbox) -> None:
    document = sandbox.take()
    assert list(document) == ["format", "version", "clock", "seeds", "faults", "journal", "rails"]
    assert document["format"] == "mpp-sandbox-snapshot"
    assert document["version"] == 1
    assert document["journal"] == {"offset": sandbox.context.journal.last_offset}
    assert list(document["rails"]) == ["piggy", "purse"]


def test_applying_brings_everything_back(sandbox: Sandbox) -> None:
    document = sandbox.take()
    sandbox.live()
    assert snapshot.digest(sandbox.take()) != snapshot.digest(document)
    sandbox.apply(document)
    assert snapshot.digest(sandbox.take()) == snapshot.digest(document)
    assert sandbox.context.journal.last_offset > document["journal"]["offset"]


def test_another_process_goes_on_with_the_same_bytes(sandbox: Sandbox) -> None:
    document = sandbox.take()
    other = Sandbox("another seed")
    other.apply(json.loads(snapshot.canonical_bytes(document)))
    assert snapshot.canonical_bytes(other.take()) == snapshot.canonical_bytes(document)
    sandbox.live()
    other.live()
    assert snapshot.canonical_bytes(other.take()) == snapshot.canonical_bytes(sandbox.take())


def test_equal_runs_give_equal_bytes() -> None:
    one, other = Sandbox(), Sandbox()
    one.live()
    other.live()
    assert snapshot.canonical_bytes(one.take()) == snapshot.canonical_bytes(other.take())


def _changed(**parts: Any) -> Any:
    return lambda document: {**document, **parts}


def _without(part: str) -> Any:
    return lambda document: {k: v for k, v in document.items() if k != part}


def _rails(change: Any) -> Any:
    def changed(document: dict[str, Any]) -> dict[str, Any]:
        document = deepcopy(document)
        change(document["rails"])
        return document

    return changed


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda _: None, "no snapshot of mpp-sandbox"),
        (lambda document: [document], "no snapshot of mpp-sandbox"),
        (_changed(format="anvil"), "no snapshot of mpp-sandbox"),
        (_changed(version=2), "Upgrade mpp-sandbox"),
        (_changed(version=0), "whole number, not 0"),
        (_changed(version="1"), "whole number, not '1'"),
        (_changed(more=1), "unknown parts: more"),
        (_without("clock"), "lacks clock"),
        (_without("rails"), "lacks rails"),
        (_changed(rails=[]), "`rails` must be an object"),
        (_changed(journal={}), "`journal` must hold an offset"),
        (_changed(journal={"offset": -1}), "`journal` must hold an offset"),
        (_changed(clock={}), "frozen_at_us or offset_us"),
        (_changed(seeds={}), "a seed and a table of streams"),
        (_changed(faults={}), "`next` and a list `armed`"),
        (_rails(lambda rails: rails.update(bank={})), "bank, piggy, purse, but piggy, purse are"),
        (_rails(lambda rails: rails.update(stripe={})), "Start the sandbox with the same rails"),
        (_rails(lambda rails: rails.update(purse={})), "no state of piggy banks"),
        (_rails(lambda rails: rails["purse"]["coins"].update(bob=9)), "does not add up"),
    ],
)
def test_a_bad_snapshot_is_refused_and_changes_nothing(
    sandbox: Sandbox, damage: Any, complaint: str
) -> None:
    other = Sandbox("other")
    other.live()
    document = damage(other.take())
    before = snapshot.canonical_bytes(sandbox.take())
    with pytest.raises(SnapshotError) as caught:
        sandbox.apply(document)
    assert complaint in str(caught.value)
    assert snapshot.canonical_bytes(sandbox.take()) == before


def test_a_rail_that_it_does_not_know_begins_anew(sandbox: Sandbox) -> None:
    document = sandbox.take()
    del document["rails"]["purse"]
    sandbox.live()
    sandbox.apply(document)
    fresh = Sandbox()
    assert sandbox.rails[1].digest() == fresh.rails[1].digest()
    assert sandbox.take()["rails"]["piggy"] == document["rails"]["piggy"]


# -- canonical bytes -------------------------------------------------------------------------------


def test_canonical_bytes_do_not_depend_on_order() -> None:
    assert snapshot.canonical_bytes({"b": 1, "a": ["ü"]}) == '{"a":["ü"],"b":1}'.encode()
    assert snapshot.digest({"b": 1, "a": 2}) == snapshot.digest({"a": 2, "b": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        snapshot.canonical_bytes({"a": float("nan")})


# -- files -----------------------------------------------------------------------------------------


def test_what_is_saved_is_loaded(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    document = sandbox.take()
    snapshot.save(path, document)
    assert snapshot.load(path) == document
    assert path.read_bytes() == snapshot.canonical_bytes(document) + b"\n"
    assert path.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    snapshot.save(tmp_path / "link.json", sandbox.take())
    assert (tmp_path / "link.json").is_symlink()
    assert snapshot.load(tmp_path / "real.json") == sandbox.take()


@pytest.mark.parametrize("failing", ["fsync", "fdopen"])
def test_a_full_disk_leaves_the_old_file(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "state.json"
    snapshot.save(path, sandbox.take())
    before = path.read_bytes()
    sandbox.live()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, failing, full)
    with pytest.raises(SnapshotError, match="No space left on device") as caught:
        snapshot.save(path, sandbox.take())
    assert caught.value.status == 507
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="No such file or directory"):
        snapshot.save(tmp_path / "absent" / "state.json", sandbox.take())


def test_only_snapshots_are_saved(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError):
        snapshot.save(tmp_path / "state.json", {"format": "other"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 200_000, "is not JSON"),
        (b'{"format": NaN}', "NaN is not a number of JSON"),
        (b'{"version": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b"[]", "no snapshot of mpp-sandbox"),
        (b'{"format": "mpp-sandbox-snapshot", "version": 99}', "Upgrade mpp-sandbox"),
    ],
)
def test_a_file_that_is_no_snapshot_is_refused(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(SnapshotError) as caught:
        snapshot.load(path)
    assert complaint in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"state\.json: No such file"):
        snapshot.load(tmp_path / "state.json")
