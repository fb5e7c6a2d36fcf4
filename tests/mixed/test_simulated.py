"""Random mixed pipelines end as on this machine alone: the real engine and bridges, platforms that are simulated."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.mixed.simulation.runs import Stage, agree, simulated_targets


@pytest.fixture(autouse=True)
def _simulated() -> Iterator[None]:
    with simulated_targets():
        yield


def faults(folder: Path, seed: int) -> list[str]:
    """Return how the mixed run of a seed's pipeline differs from one on this machine alone."""
    stage = Stage(folder, seed)
    here, platforms = stage.here(), stage.abroad()
    abroad = platforms.run()
    found = [f"{job} was left running" for job in platforms.still_run()]
    return found if agree(here, abroad, fails_fast=stage.fails_fast) else [*found, f"{here} {abroad}"]


@pytest.mark.parametrize("seed", range(200))
def test_a_mixed_pipeline_ends_as_on_this_machine_alone(tmp_path: Path, seed: int) -> None:
    assert [] == faults(tmp_path, seed)


def some(first: int) -> dict[int, list[str]]:
    """Return the faults of a thousand seeds, by seed; in a process of its own."""
    found = {}
    with simulated_targets():
        for seed in range(first, first + 1000):
            with tempfile.TemporaryDirectory() as folder:
                found[seed] = faults(Path(folder), seed)
    return {seed: told for seed, told in found.items() if told}


@pytest.mark.long
def test_ten_thousand_mixed_pipelines_end_as_on_this_machine_alone() -> None:
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(some, range(10_000, 20_000, 1000)))

    assert [{}] * 10 == found
