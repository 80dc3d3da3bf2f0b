"""The catalogue: every failure has a module, a page and a play whose checks hold (issue 6)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mock_rails.core.errors import BadInput, NotFound
from sandbox.failures import SLUGS, Failure, find, play
from sandbox.failures.catalogue import faults_of
from sandbox.failures.telling import Kind

if TYPE_CHECKING:
    from sandbox.failures.scene import Scene

DOCS = Path(__file__).parents[4] / "docs" / "do" / "failures"
MODULES = Path(__file__).parents[4] / "sandbox" / "failures"
A_PLAY = re.compile(r"^\$ mpp-sandbox failures play (\S+)$", re.MULTILINE)


@pytest.mark.parametrize("slug", SLUGS)
async def test_a_play_holds_and_is_the_same_again(slug: str) -> None:
    failure = find(slug)
    first = await play(failure, "a seed")
    assert first.holds, first.text()
    assert len([one for one in first.steps if one.kind is Kind.CHECK]) >= 4
    assert (await play(failure, "a seed")).text() == first.text()


@pytest.mark.parametrize("slug", SLUGS)
def test_a_failure_has_a_module_and_a_page_that_plays_it(slug: str) -> None:
    failure = find(slug)
    assert failure.slug == slug
    page = (DOCS / f"{slug}.md").read_text()
    assert A_PLAY.findall(page) == [slug]
    assert "<!-- file: test_" in page
    assert "$ pytest -q" in page
    assert f"| [`{slug}`]({slug}.md) | {failure.title} |" in (DOCS / "README.md").read_text()


def test_nothing_else_is_in_the_index_or_in_the_room() -> None:
    """The other direction: no page, line or module without a failure."""
    assert {page.stem for page in DOCS.glob("*.md")} == {*SLUGS, "README"}
    listed = re.findall(r"^\| \[`(\S+)`\]", (DOCS / "README.md").read_text(), re.MULTILINE)
    assert tuple(listed) == SLUGS
    frame = {"__init__", "catalogue", "failure", "playing", "scene", "telling", "wire"}
    assert {one.stem for one in MODULES.glob("*.py")} - frame == {
        slug.replace("-", "_") for slug in SLUGS
    }


def test_a_name_that_is_not_there_says_which_was_meant() -> None:
    with pytest.raises(NotFound, match="Did you mean 'response-lost-after-settlement'"):
        find("response-lost-after-settlment")


def test_a_failure_that_is_no_fault_says_to_play_it() -> None:
    for slug in SLUGS:
        if find(slug).faults:
            assert faults_of(slug)
        else:
            with pytest.raises(BadInput, match=f"mpp-sandbox failures play {slug}"):
                faults_of(slug)


async def test_a_play_whose_check_fails_does_not_hold() -> None:
    async def wrong(scene: Scene) -> None:
        scene.part("A claim")
        scene.check("the shop is rich", await scene.earned() > 0)

    async def silent(scene: Scene) -> None:
        scene.say("Nothing is checked.")

    for script in (wrong, silent):
        played = await play(Failure("a-claim", "a claim", "It is wrong.", script))
        assert played.holds is (script is silent)
    assert (
        "  NO  the shop is rich"
        in (await play(Failure("a-claim", "a claim", "It is wrong.", wrong))).text()
    )
