"""Whatever becomes of a run, the next one ends as it would have on this machine alone, and nothing is done twice."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mixed.simulation.platform import Trouble
from tests.mixed.simulation.runs import Abroad, Seen, Stage, agree, regardless_of_the_cache, simulated_targets


@pytest.fixture(autouse=True)
def _simulated() -> Iterator[None]:
    with simulated_targets():
        yield


def ends_well(stage: Stage, platforms: Abroad, here: Seen) -> None:
    """Run once more, without trouble, and hold the run against one on this machine alone."""
    for side in platforms.platforms.values():
        side.trouble = Trouble()
    platforms.run(use_cache=True)
    again = platforms.run(use_cache=True)

    assert [] == platforms.still_run()
    assert agree(regardless_of_the_cache(here), regardless_of_the_cache(again), fails_fast=stage.fails_fast), (
        here,
        again,
    )


@pytest.mark.parametrize("seed", range(20))
def test_killed_at_any_moment_the_next_run_takes_up_the_jobs_that_run(tmp_path: Path, seed: int) -> None:
    stage = Stage(tmp_path, seed)
    here = stage.here()
    platforms = stage.abroad()
    dice = random.Random(seed)
    while platforms.killed(dice.choice([dice.uniform(0, 5), dice.uniform(0, 200)])) and dice.random() < 0.7:
        pass
    ends_well(stage, platforms, here)

    assert [] == platforms.needless()


@pytest.mark.parametrize("seed", range(20))
def test_cancelled_at_any_moment_every_job_ends_and_the_next_run_goes_on(tmp_path: Path, seed: int) -> None:
    stage = Stage(tmp_path, seed)
    here = stage.here()
    platforms = stage.abroad()
    cancelled = platforms.run(interrupted_at=random.Random(seed).uniform(0, 300))

    assert cancelled.state in ("cancelled", here.state)
    assert [] == platforms.still_run()
    ends_well(stage, platforms, here)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("trouble", [Trouble(portal_cancels=0.5), Trouble(node_is_lost=0.2)], ids=["portal", "nodes"])
def test_jobs_that_others_end_and_nodes_that_are_lost_end_the_run_in_order(
    tmp_path: Path, seed: int, trouble: Trouble
) -> None:
    stage = Stage(tmp_path, seed)
    here = stage.here()
    platforms = stage.abroad(trouble)
    ended = platforms.run()

    assert set(here.steps) == set(ended.steps)
    assert [] == platforms.still_run()
    ends_well(stage, platforms, here)
