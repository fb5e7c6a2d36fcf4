"""Faults of a mixed run, by the vendors' real clients: right ends on all sides, nothing twice, nothing left running."""

from __future__ import annotations

import random
import signal
import time

import pytest

from specflow.emulation import Fault
from tests.local.conftest import is_alive
from tests.mixed.conftest import Clouds

WELL = ("succeeded", "")
BEHIND = ("skipped", "upstream failed")
ONE_OF_EACH = {"databricks": ["SUCCESS"], "azureml": ["Completed"]}


@pytest.mark.parametrize(
    ("step", "ends"),
    [
        ("prepare", {"prepare": ("failed", "exit code 3"), "train": BEHIND, "judge": BEHIND, "notify": WELL}),
        ("train", {"prepare": WELL, "train": ("failed", "exit code 3"), "judge": BEHIND, "notify": WELL}),
    ],
    ids=["databricks", "azureml"],
)
def test_a_step_that_fails_elsewhere_is_handled_here(
    clouds: Clouds, step: str, ends: dict[str, tuple[str, str]]
) -> None:
    clouds.mark(f"{step}.fails")
    code, told = clouds.end(clouds.start())

    assert (1, {**ends, "": "failed"}) == (code, told)
    jobs = {"databricks": ["FAILED"], "azureml": []} if step == "prepare" else {**ONE_OF_EACH, "azureml": ["Failed"]}
    assert jobs == clouds.jobs()


@pytest.mark.parametrize("step", ["prepare", "train"], ids=["databricks", "azureml"])
def test_a_step_that_outlasts_its_timeout_elsewhere_has_failed(clouds: Clouds, step: str) -> None:
    clouds.write("timeout: 3s")
    clouds.mark(f"{step}.held")
    code, told = clouds.end(clouds.start())

    assert (1, ("failed", "timeout after 3 s"), WELL) == (code, told[step], told["notify"])
    assert not is_alive(clouds.begun(step))


@pytest.mark.parametrize(
    ("step", "jobs"),
    [
        ("prepare", {"databricks": ["CANCELED"], "azureml": []}),
        ("train", {"databricks": ["SUCCESS"], "azureml": ["Canceled"]}),
    ],
    ids=["databricks", "azureml"],
)
@pytest.mark.parametrize("who", ["here", "portal"])
def test_a_run_that_is_cancelled_leaves_nothing_running(
    clouds: Clouds, who: str, step: str, jobs: dict[str, list[str]]
) -> None:
    clouds.mark(f"{step}.held")
    process = clouds.start()
    pid = clouds.begun(step)
    if who == "here":
        process.send_signal(signal.SIGINT)
    else:
        clouds.cancel("databricks" if step == "prepare" else "azureml")
    code, told = clouds.end(process)

    assert (130, ("cancelled", "cancelled"), "cancelled") == (code, told[step], told[""])
    assert jobs == clouds.jobs()
    assert not is_alive(pid)
    assert 1 == clouds.ran().count(step)


def test_a_coordinator_that_is_killed_finds_its_jobs_again(clouds: Clouds) -> None:
    dice = random.Random(7)
    clouds.mark("train.held")
    for _ in range(6):
        process = clouds.start()
        time.sleep(dice.uniform(0.3, 6))
        process.kill()
        process.communicate()
    (clouds.marks / "train.held").unlink()
    code, told = clouds.end(clouds.start())

    assert (0, WELL, "succeeded") == (code, told["judge"], told[""])
    assert ["judge", "prepare", "train"] == sorted(clouds.ran())
    assert ONE_OF_EACH == clouds.jobs()


def test_two_clouds_that_throttle_fail_and_hang_up_are_borne_with(clouds: Clouds) -> None:
    clouds.strike(
        [
            Fault("throttle", share=0.15, seed=1, seconds=0.1, exclude="*/_emulator/*"),
            Fault("unavailable", share=0.1, seed=2, exclude="*/_emulator/*"),
            Fault("reset", share=0.1, seed=3, exclude="*/_emulator/*"),
        ]
    )
    code, told = clouds.end(clouds.start())

    assert (0, "succeeded") == (code, told[""])
    assert ["judge", "prepare", "train"] == sorted(clouds.ran())
    assert ONE_OF_EACH == clouds.jobs()
