"""Time, faults and snapshots as people steer a devnet by them: commands beside its own process."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import httpx

from tests.integration.sandbox.test_cli_people import Devnet, devnet

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["devnet"]


def test_money_is_back_after_sixteen_minutes_that_nobody_waited_for(devnet: Devnet) -> None:
    """Facts: protocol 2.5. The commands go by the devnet's clock, not by the machine's."""
    assert devnet.run("pay", "--session", f"{devnet.api}/search").returncode == 0
    (channel,) = devnet.json("channels", "list")["merchant"]
    control = f"{devnet.info['control']['url']}/_sandbox/channels/{channel['id']}"
    settled = httpx.post(f"{control}/settle", timeout=30)  # or the merchant would close it first
    assert settled.status_code == 200
    devnet.json("channels", "force-close", channel["id"])
    early = devnet.run("channels", "withdraw", channel["id"])
    assert (early.returncode, "may still capture" in early.stderr) == (1, True)
    ahead_s = devnet.json("time", "+16m")["ahead_s"]
    assert abs(ahead_s - 960) <= 1
    assert devnet.json("channels", "withdraw", channel["id"])["state"] == "closed"


def test_it_pays_whatever_time_the_devnet_has(devnet: Devnet) -> None:
    """Facts: protocol 1.4. Challenges end by the merchants' clock, and `pay` goes by theirs."""
    devnet.json("time", "set", "2020-01-01", "--backwards")
    for moves, paths in (
        ((), ("/quote", "/lightning/quote")),
        (("+16m", "freeze"), ("/quote", "/stripe/quote")),
    ):
        for move in moves:
            devnet.json("time", move)
        for path in paths:
            paid = devnet.json("pay", f"{devnet.api}{path}")
            assert (paid["outcome"], paid["status"]) == ("paid", 200), (moves, path)
            assert paid["payment"]["receipt"]["timestamp"].startswith("2020-01-01T00:")


def test_a_lost_answer_is_armed_survived_and_counted(devnet: Devnet) -> None:
    armed = devnet.json("faults", "arm", "tempo.submit", "lose_response", "--when", "nth=1")
    assert devnet.run("pay", f"{devnet.api}/quote").returncode == 0
    (found,) = devnet.json("faults", "list")["faults"]
    assert (found["id"], found["fired"]) == (armed["id"], 1)
    assert devnet.json("faults", "disarm", armed["id"])["disarmed"][0]["fired"] == 1


def test_what_is_misspelt_is_one_line_with_what_was_meant(devnet: Devnet) -> None:
    for arguments, fragment in (
        (("arm", "tempo.sumbit", "drop"), "Did you mean 'tempo.submit'?"),
        (("arm", "tempo.seal", "fee_spike", "--arg", "base_fee=much"), "whole number"),
        (("arm", "tempo.submit", "drop", "--when", "nth=never"), "whole number"),
        (("points", "strip"), "Did you mean 'stripe'?"),
        (("disarm", "fault/../1"), "No fault 'fault/../1' is armed"),
    ):
        done = devnet.run("faults", *arguments)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert fragment in done.stderr


def test_a_snapshot_is_a_private_file_that_says_where_the_money_went(
    devnet: Devnet, tmp_path: Path
) -> None:
    before, after = str(tmp_path / "before.json"), str(tmp_path / "after.json")
    first = devnet.json("snapshot", "save", before)
    assert stat.S_IMODE((tmp_path / "before.json").stat().st_mode) == 0o600
    assert devnet.run("pay", f"{devnet.api}/quote").returncode == 0
    devnet.json("snapshot", "save", after)
    (ledger,) = devnet.json("snapshot", "diff", before, after)["ledgers"]
    amounts = {one["name"]: int(one["change"]) for one in ledger["changes"]}
    assert (amounts["merchant"], sum(amounts.values())) == (10_000, 0)

    assert devnet.json("snapshot", "load", before)["digest"] == first["digest"]
    assert devnet.run("snapshot", "diff", before).stdout == "No money moved.\n"


def test_money_from_nowhere_is_an_exit_code(devnet: Devnet, tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    devnet.json("snapshot", "save", str(before))
    document = json.loads(before.read_text())
    token = document["rails"]["tempo"]["world"]["storage"]["0x20c" + "0" * 37]
    token["9/0x" + "51" * 20] = "0x7"
    after.write_text(json.dumps(document))
    done = devnet.run("snapshot", "diff", str(before), str(after))
    assert (done.returncode, "IN ALL" in done.stdout) == (1, True)
    refused = devnet.run("snapshot", "load", str(after))
    assert (refused.returncode, "does not add up" in refused.stderr) == (1, True)


def test_files_that_are_no_snapshots_are_one_line(devnet: Devnet, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    for arguments, fragment in (
        (("diff", str(wrong)), "no snapshot of mpp-sandbox"),
        (("load", str(wrong)), "no snapshot of mpp-sandbox"),
        (("load", str(tmp_path / "missing.json")), "Cannot read"),
        (("save", str(tmp_path / "no" / "folder.json")), "Cannot write"),
    ):
        done = devnet.run("snapshot", *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert fragment in done.stderr
