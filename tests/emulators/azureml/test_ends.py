"""How jobs end: failures and what they take with them, cancel, timeouts, mishaps, restarts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specflow.targets.azureml.emulator import Assumptions
from specflow.targets.azureml.emulator.server import Emulator
from tests.emulators.azureml.conftest import ENDED, FOLDER, Cloud, command, reads

GATE = "while [ ! -e ${{inputs.gate}} ]; do sleep 0.02; done"


def fork(gate: Path, **settings: Any) -> dict[str, Any]:
    # bad -> below
    # slow (waits for the gate) -> after
    held = {"inputs": {"gate": str(gate)}, "outputs": {"out": FOLDER}}
    return {
        "settings": settings,
        "jobs": {
            "bad": command("exit 3", outputs={"out": FOLDER}),
            "below": command("cat ${{inputs.a}}", inputs={"a": reads("bad")}),
            "slow": command(GATE, **held),
            "after": command("ls ${{inputs.a}}", inputs={"a": reads("slow")}),
        },
    }


def running(cloud: Cloud, name: str, node: str) -> None:
    end = time.monotonic() + 20
    while cloud.states(name).get(node) != "Running":
        assert time.monotonic() < end, cloud.states(name)
        time.sleep(0.02)


def is_gone(group: int) -> bool:
    """Return whether a process group has no member left, once its dead have been collected."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_failure_ends_its_siblings_and_starts_nothing_more(cloud: Cloud) -> None:
    name = cloud.run(fork(cloud.folder / "never"))

    assert cloud.status(name) == "Failed"
    assert cloud.states(name) == {"bad": "Failed", "below": "Canceled", "slow": "Canceled", "after": "Canceled"}


def test_with_continue_on_step_failure_other_branches_go_on(cloud: Cloud) -> None:
    gate = cloud.folder / "gate"
    name = cloud.submit(fork(gate, continue_on_step_failure=True))
    cloud.wait(cloud_name := name, lambda _: cloud.states(cloud_name)["bad"] == "Failed")
    gate.touch()
    cloud.wait(name)

    assert cloud.status(name) == "Failed"
    assert cloud.states(name) == {"bad": "Failed", "below": "Canceled", "slow": "Completed", "after": "Completed"}


def test_siblings_may_be_left_to_finish(make_cloud: Callable[..., Cloud]) -> None:
    cloud = make_cloud(Assumptions(failure_cancels_running_siblings=False, unrun_children_end_canceled=False))
    gate = cloud.folder / "gate"
    name = cloud.submit(fork(gate))
    cloud.wait(name, lambda _: cloud.states(name)["bad"] == "Failed")
    gate.touch()
    cloud.wait(name)

    states = cloud.states(name)
    assert (states["below"], states["after"]) == ("NotStarted", "NotStarted")
    assert states["slow"] in {"Completed", "NotStarted"}  # not started yet when the other failed


def test_a_failed_job_says_why(cloud: Cloud) -> None:
    from azure.ai.ml.exceptions import JobException

    name = cloud.run({"jobs": {"bad": command("echo to the log; exit 3")}})
    with pytest.raises(JobException, match="the jobs bad failed"):
        cloud.client.jobs.stream(name)

    child = cloud.children(name)["bad"].name
    run = cloud.http("GET", f"/history/v1.0{cloud.emulator.workspace.id}/runs/{child}")[1]
    assert run["error"]["error"]["message"] == "the command ended with exit code 3; see user_logs/std_log.txt"
    assert cloud.log(name, "bad") == "to the log\n"


def test_missing_data_fails_the_node_that_reads_it(cloud: Cloud) -> None:
    source = {"type": "uri_folder", "path": "azureml://datastores/main/paths/nowhere/"}
    name = cloud.run({"jobs": {"read": command("ls ${{inputs.a}}", inputs={"a": source})}})

    assert cloud.states(name) == {"read": "Failed"}


@pytest.mark.parametrize("first_202", [True, False])
def test_cancel_ends_the_job_and_its_processes(make_cloud: Callable[..., Cloud], first_202: bool) -> None:
    cloud = make_cloud(Assumptions(cancel_answers_202=first_202))
    line = "echo $$ > ${{outputs.out}}/pid; sleep 600 & wait"
    node = command(line, outputs={"out": "${{parent.outputs.o}}"})
    after = command("ls ${{inputs.a}}", inputs={"a": reads("hang")})
    name = cloud.submit({"outputs": {"o": FOLDER}, "jobs": {"hang": node, "after": after}})
    pid_file = cloud.output(name, "o") / "pid"
    cloud.wait(name, lambda _: pid_file.exists() and bool(pid_file.read_text()))
    cloud.client.jobs.begin_cancel(name).result()
    cloud.wait(name)

    assert cloud.status(name) == "Canceled"
    assert cloud.states(name) == {"hang": "Canceled", "after": "Canceled"}
    assert is_gone(int(pid_file.read_text()))


def test_cancel_of_an_ended_job_changes_nothing(cloud: Cloud) -> None:
    name = cloud.run({"jobs": {"work": command("true")}})
    cloud.client.jobs.begin_cancel(name).result()

    assert cloud.status(name) == "Completed"


@pytest.mark.parametrize(("fails", "state"), [(True, "Failed"), (False, "Canceled")])
def test_a_node_over_its_limit_is_ended(make_cloud: Callable[..., Cloud], fails: bool, state: str) -> None:
    cloud = make_cloud(Assumptions(timeout_fails_the_node=fails))
    name = cloud.submit({"jobs": {"slow": command("sleep 600", limits={"timeout": 1})}})
    cloud.wait(name)

    assert cloud.status(name) == "Failed"
    assert cloud.states(name) == {"slow": state}


def test_nodes_fail_and_hang_on_demand(cloud: Cloud) -> None:
    mishaps = [{"node": "first", "kind": "fail", "times": 1}, {"node": "sec*", "kind": "hang"}]
    assert cloud.http("PUT", "/_emulator/mishaps", mishaps)[0] == 200
    assert cloud.http("PUT", "/_emulator/mishaps", [{"node": "a", "kind": "odd"}])[0] == 400
    pipeline = {"settings": {"force_rerun": True}, "jobs": {"first": command("true")}}

    assert cloud.states(cloud.run(pipeline)) == {"first": "Failed"}
    assert cloud.states(cloud.run(pipeline)) == {"first": "Completed"}
    name = cloud.submit({"jobs": {"second": command("echo not reused")}})
    running(cloud, name, "second")
    cloud.client.jobs.begin_cancel(name).result()
    assert cloud.wait(name) == "Canceled"


def test_a_named_output_of_a_taken_version_fails_the_job(cloud: Cloud) -> None:
    out = {"type": "uri_folder", "name": "table", "version": "1"}
    pipeline = {"settings": {"force_rerun": True}, "jobs": {"make": command("true", outputs={"out": out})}}

    assert cloud.status(cloud.run(pipeline)) == "Completed"
    assert cloud.status(cloud.run(pipeline)) == "Failed"


def test_what_was_registered_and_run_is_there_after_a_restart(cloud: Cloud) -> None:
    done = cloud.run({"jobs": {"work": command("true")}})
    cut = cloud.submit({"jobs": {"slow": command("sleep 600")}})
    running(cloud, cut, "slow")
    root = cloud.emulator.service.root
    cloud.emulator.stop()
    cloud.emulator = Emulator(root, computes=["cpu"])
    cloud.emulator.start()
    from tests.emulators.azureml.conftest import client_of

    cloud.client = client_of(cloud.emulator)

    assert cloud.client.environments.get("env", version="1").image == "img:1"
    assert (cloud.status(done), cloud.status(cut)) == ("Completed", "Canceled")
    assert all(state in ENDED for state in cloud.states(cut).values())
