"""Jobs: what is refused when they are saved, how they are kept, and how their runs are started."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators.databricks import fields
from tests.emulators.databricks.conftest import Jobs, last, results, task

SCRIPT = {"python_file": "/Workspace/a.py"}
ENVIRONMENTS = [{"environment_key": "default", "spec": {"environment_version": "4"}}]
CLUSTER = {"job_cluster_key": "c", "new_cluster": {"spark_version": "15.4.x-scala2.12", "num_workers": 1}}


def script(key: str, *after: Any, **more: Any) -> dict[str, Any]:
    return task(key, *after, **{"spark_python_task": SCRIPT, "environment_key": "default", **more})


def without(key: str, body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != key}


def gate(key: str, *after: Any) -> dict[str, Any]:
    return task(key, *after, condition_task={"op": "EQUAL_TO", "left": "1", "right": "1"})


def loop(inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    return task("fan", for_each_task={"inputs": "[]", "task": inner, **more})


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown job field": ({"nme": "x"}, 'unknown field "nme" in CreateJob'),
    "unknown task field": ({"tasks": [script("a", retries=1)]}, 'unknown field "tasks[0].retries" in Task'),
    "unknown deep field": (
        {"tasks": [loop(script("i", spark_python_task={**SCRIPT, "args": []}))]},
        'unknown field "tasks[0].for_each_task.task.spark_python_task.args" in SparkPythonTask',
    ),
    "missing field": (
        {"tasks": [script("a", spark_python_task={})]},
        'missing required field "tasks[0].spark_python_task.python_file"',
    ),
    "wrong type": ({"tasks": [script("a", max_retries="two")]}, "tasks[0].max_retries must be of type integer"),
    "true for an integer": ({"max_concurrent_runs": True}, "max_concurrent_runs must be of type integer"),
    "number for a text": (
        {"parameters": [{"name": "a", "default": 3}]},
        "parameters[0].default must be of type string",
    ),
    "bad enum": (
        {"tasks": [script("a", run_if="SOMETIMES")]},
        'tasks[0].run_if is "SOMETIMES"; it must be one of ALL_DONE, ALL_FAILED, ALL_SUCCESS, AT_LEAST_ONE_FAILED, '
        "AT_LEAST_ONE_SUCCESS, NONE_FAILED",
    ),
    "bad key": ({"tasks": [script("a b")]}, 'Invalid task_key "a b"'),
    "long key": ({"tasks": [script("a" * 101)]}, f'Invalid task_key "{"a" * 101}"'),
    "same key": ({"tasks": [script("a"), script("a")]}, "task_key: a is not unique"),
    "dangling": ({"tasks": [script("a", "zz")]}, "Task a depends on zz, which is not defined"),
    "cycle": ({"tasks": [gate("a", "b"), gate("b", "a")]}, "The tasks depend on each other in a cycle: a -> b -> a"),
    "itself": ({"tasks": [gate("a", "a")]}, "The tasks depend on each other in a cycle: a -> a"),
    "no kind": (
        {"tasks": [task("a", environment_key="default")]},
        "Task a must have exactly one kind of task, not none",
    ),
    "two kinds": (
        {"tasks": [script("a", notebook_task={"notebook_path": "/x"})]},
        "Task a must have exactly one kind of task, not ['notebook_task', 'spark_python_task']",
    ),
    "no compute": (
        {"tasks": [task("a", spark_python_task=SCRIPT)]},
        "Task a: An environment is required for serverless task",
    ),
    "two computes": (
        {"tasks": [script("a", job_cluster_key="c")], "job_clusters": [CLUSTER]},
        "Task a has more than one compute: job_cluster_key, environment_key",
    ),
    "unknown environment": (
        {"tasks": [script("a", environment_key="e")]},
        "Task a: environment_key e is not defined in environments",
    ),
    "unknown cluster": (
        {"tasks": [task("a", spark_python_task=SCRIPT, job_cluster_key="x")]},
        "Task a: job_cluster_key x is not defined in job_clusters",
    ),
    "no such cluster": (
        {"tasks": [task("a", spark_python_task=SCRIPT, existing_cluster_id="x")]},
        "Task a: Cluster x does not exist",
    ),
    "condition on a cluster": (
        {"tasks": [{**gate("a"), "environment_key": "default"}]},
        "Task a: a condition_task has no compute of its own, not environment_key",
    ),
    "serverless libraries": (
        {"tasks": [script("a", libraries=[{"pypi": {"package": "x"}}])]},
        "Task a: libraries need a cluster; serverless dependencies belong into the environment",
    ),
    "outcome of a script": ({"tasks": [script("a"), script("b", ("a", "true"))]}, "a is not a condition task"),
    "bad outcome": ({"tasks": [gate("a"), gate("b", ("a", "yes"))]}, 'an outcome is "true" or "false", not "yes"'),
    "nested loop": ({"tasks": [loop({**loop(gate("i")), "task_key": "j"})]}, "the task of a for-each is neither"),
    "loop width": ({"tasks": [loop(gate("i"), concurrency=0)]}, "Task fan: concurrency must be between 1 and 100"),
    "two kinds of parameters": (
        {
            "tasks": [
                task(
                    "a",
                    environment_key="default",
                    python_wheel_task={
                        "package_name": "p",
                        "entry_point": "e",
                        "parameters": ["a"],
                        "named_parameters": {"a": "b"},
                    },
                )
            ]
        },
        "Task a has both parameters and named_parameters",
    ),
    "bad reference": (
        {"tasks": [script("a", spark_python_task={**SCRIPT, "parameters": ["{{job.naem}}"]})]},
        "Task a: {{job.naem}} can't be resolved",
    ),
    "unknown parameter": (
        {"tasks": [script("a", spark_python_task={**SCRIPT, "parameters": ["{{job.parameters.x}}"]})]},
        "Task a: {{job.parameters.x}} can't be resolved",
    ),
    "negative timeout": ({"tasks": [script("a", timeout_seconds=-1)]}, "Task a has a negative time"),
    "too many tasks": (
        {"tasks": [gate(f"t{n}") for n in range(1001)]},
        "A job may have at most 1000 tasks, this one has 1001",
    ),
    "a tag's name": ({"tags": {"a/b": ""}}, "Invalid tag a/b"),
    "a tag's text": ({"tags": {"a": "x" * 257}}, "Invalid tag a"),
    "too many tags": ({"tags": {str(n): "" for n in range(26)}}, "A job has at most 25 tags"),
    "long name": ({"name": "ü" * 2049}, "A job's name has at most 4096 bytes"),
    "cron with five fields": (
        {"schedule": {"quartz_cron_expression": "0 6 * * 1", "timezone_id": "UTC"}},
        "Invalid quartz cron expression: 0 6 * * 1",
    ),
    "cron with two days": (
        {"schedule": {"quartz_cron_expression": "0 0 6 1 * 1", "timezone_id": "UTC"}},
        "Invalid quartz cron expression",
    ),
    "time zone": (
        {"schedule": {"quartz_cron_expression": "0 0 6 * * ?", "timezone_id": "Mars/Base"}},
        "Invalid timezone_id: Mars/Base",
    ),
    "schedule and continuous": (
        {"schedule": {"quartz_cron_expression": "0 0 6 * * ?", "timezone_id": "UTC"}, "continuous": {}},
        "A job has only one of schedule, continuous and triggers",
    ),
    "no version": (
        {"environments": [{"environment_key": "default", "spec": {"dependencies": []}}]},
        "Environment default needs one of environment_version and base_environment",
    ),
    "variables on an old environment": (
        {
            "tasks": [script("a", environment_variables_key="v")],
            "environment_variables": [{"environment_variables_key": "v"}],
        },
        "Task a: environment variables need a serverless environment_version >= 5",
    ),
    "variable's name": (
        {"environment_variables": [{"environment_variables_key": "v", "spec": {"variables": {"1A": ""}}}]},
        "Invalid environment variable 1A",
    ),
    "git without provider": ({"git_source": {"git_url": "u"}}, 'missing required field "git_source.git_provider"'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_job_is_refused_with_its_place(jobs: Jobs, name: str) -> None:
    from databricks.sdk.errors import InvalidParameterValue

    more, expected = REFUSED[name]
    with pytest.raises(InvalidParameterValue) as caught:
        jobs.call("POST", "create", {"name": "x", "environments": ENVIRONMENTS, "tasks": [gate("a")], **more})

    assert expected in str(caught.value)
    assert [] == list(jobs.sdk.jobs.list())


def test_the_fields_are_those_of_the_installed_sdk() -> None:
    assert fields.text(fields.read()) == fields.FILE.read_text()


def test_a_request_of_more_than_ten_megabytes_is_refused(jobs: Jobs) -> None:
    from databricks.sdk.errors import DatabricksError

    with pytest.raises(DatabricksError, match="at most 10485760 bytes"):
        jobs.call("POST", "create", {"name": "x" * (10 << 20), "tasks": [gate("a")]})


def test_a_job_comes_back_with_defaults(jobs: Jobs) -> None:
    job_id = jobs.create(gate("b"), gate("c"), gate("a", "c", "b"))
    job = jobs.call("GET", "get", job_id=job_id)
    first = job["settings"]["tasks"][2]

    assert ("ALL_SUCCESS", 0, {}) == (first["run_if"], first["timeout_seconds"], first["email_notifications"])
    assert ["b", "c"] == [one["task_key"] for one in first["depends_on"]]
    assert ("emulator@example.com", 1) == (job["creator_user_name"], job["settings"]["max_concurrent_runs"])


def test_reset_replaces_and_update_merges(jobs: Jobs) -> None:
    job_id = jobs.create(gate("a"), gate("b"), tags={"x": "1"}, run_as={"user_name": "me"})
    jobs.call("POST", "update", {"job_id": job_id, "new_settings": {"name": "new", "tasks": [gate("c", "a")]}})
    updated = jobs.call("GET", "get", job_id=job_id)["settings"]
    jobs.call("POST", "update", {"job_id": job_id, "fields_to_remove": ["tags"]})
    removed = jobs.call("GET", "get", job_id=job_id)["settings"]
    jobs.call("POST", "reset", {"job_id": job_id, "new_settings": {"name": "reset", "tasks": [gate("z")]}})
    reset = jobs.call("GET", "get", job_id=job_id)["settings"]

    assert ("new", ["a", "b", "c"], {"x": "1"}) == (
        updated["name"],
        [one["task_key"] for one in updated["tasks"]],
        updated["tags"],
    )
    assert "tags" not in removed
    assert ("reset", ["z"], {"user_name": "me"}) == (
        reset["name"],
        [one["task_key"] for one in reset["tasks"]],
        reset["run_as"],
    )


def test_a_job_that_is_not_there(jobs: Jobs) -> None:
    from databricks.sdk.errors import PermissionDenied, ResourceDoesNotExist

    for method, path, body, query in [
        ("GET", "get", None, {"job_id": 7}),
        ("POST", "delete", {"job_id": 7}, {}),
        ("POST", "run-now", {"job_id": 7}, {}),
    ]:
        with pytest.raises(ResourceDoesNotExist, match=r"Job 7 does not exist\."):
            jobs.call(method, path, body, **query)
    with pytest.raises(PermissionDenied):
        jobs.call("POST", "reset", {"job_id": 7, "new_settings": {}})


def test_jobs_are_listed_in_pages_and_found_by_name(jobs: Jobs) -> None:
    made = [jobs.create(gate("a"), name=f"job {n}") for n in range(45)]

    assert made[::-1] == [job.job_id for job in jobs.sdk.jobs.list()]
    assert [made[3]] == [job.job_id for job in jobs.sdk.jobs.list(name="JOB 3")]
    assert not next(iter(jobs.sdk.jobs.list(limit=1))).settings.tasks
    assert ["a"] == [one.task_key for one in next(iter(jobs.sdk.jobs.list(limit=1, expand_tasks=True))).settings.tasks]


def test_a_token_starts_one_run(jobs: Jobs) -> None:
    from databricks.sdk.errors import InvalidParameterValue

    now = {"job_id": jobs.create(gate("a")), "idempotency_token": "t" * 64}
    first = jobs.call("POST", "run-now", now)["run_id"]
    second = jobs.call("POST", "run-now", now)["run_id"]
    jobs.wait(first)
    jobs.call("POST", "runs/delete", {"run_id": first})

    assert first == second
    with pytest.raises(InvalidParameterValue, match="The run of the idempotency token was deleted"):
        jobs.call("POST", "run-now", now)
    with pytest.raises(InvalidParameterValue, match="at most 64 characters"):
        jobs.call("POST", "run-now", {**now, "idempotency_token": "t" * 65})


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"job_parameters": {"y": "1"}}, r"Job parameters \['y'\] are not declared by the job"),
        ({"job_parameters": {"x": "a" * 10_001}}, "at most 10000 are allowed"),
        ({"job_parameters": {"x": 1}}, "job_parameters.x must be of type string"),
        ({"python_params": ["ü"]}, "python_params must be ASCII"),
        ({"only": ["nope"]}, "Task nope of only is not defined in the job"),
        ({"jobid": 1}, 'unknown field "jobid" in RunNow'),
    ],
)
def test_a_bad_start_is_refused(jobs: Jobs, now: dict[str, Any], expected: str) -> None:
    from databricks.sdk.errors import InvalidParameterValue

    with pytest.raises(InvalidParameterValue, match=expected):
        jobs.start(gate("a"), parameters=[{"name": "x", "default": ""}], now=now)
    assert [] == list(jobs.sdk.jobs.list_runs())


@pytest.mark.parametrize(
    ("only", "expected"),
    [(["b"], {"b"}), (["+b"], {"a", "b"}), (["b+"], {"b", "c"}), (["+b+"], {"a", "b", "c"}), (["a", "d"], {"a", "d"})],
)
def test_only_runs_what_it_names_with_what_is_above_or_below(jobs: Jobs, only: list[str], expected: set[str]) -> None:
    """a -> b -> c, d"""
    run = jobs.run(gate("a"), gate("b", "a"), gate("c", "b"), gate("d"), now={"only": only})

    assert expected == {one["task_key"] for one in run["tasks"]}
    assert "SUCCESS" == run["state"]["result_state"]


def slow(jobs: Jobs) -> dict[str, Any]:
    return jobs.script("slow", "import time\ntime.sleep(60)")


def test_a_run_over_the_limit_is_skipped(jobs: Jobs) -> None:
    job_id = jobs.create(slow(jobs))
    first, second = (jobs.call("POST", "run-now", {"job_id": job_id})["run_id"] for _ in range(2))
    skipped = jobs.get(second)
    jobs.call("POST", "runs/cancel", {"run_id": first})
    jobs.wait(first)

    assert ("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED") == (
        skipped["state"]["life_cycle_state"],
        skipped["state"]["result_state"],
    )
    assert "MAX_CONCURRENT_RUNS_EXCEEDED" == skipped["status"]["termination_details"]["code"]


def test_with_a_queue_it_waits_for_its_turn(jobs: Jobs) -> None:
    job_id = jobs.create(slow(jobs), queue={"enabled": True})
    first, second, third = (jobs.call("POST", "run-now", {"job_id": job_id})["run_id"] for _ in range(3))
    queued = jobs.get(second)
    jobs.call("POST", "runs/cancel", {"run_id": third})
    jobs.call("POST", "runs/cancel", {"run_id": first})
    running = jobs.wait(second, lambda run: run["state"]["life_cycle_state"] == "RUNNING")
    jobs.call("POST", "runs/cancel-all", {"job_id": job_id})

    assert ("QUEUED", "MAX_CONCURRENT_RUNS_REACHED") == (
        queued["state"]["life_cycle_state"],
        queued["status"]["queue_details"]["code"],
    )
    assert "RUNNING" == running["state"]["life_cycle_state"]
    assert ["CANCELED"] * 3 == [jobs.wait(run)["state"]["result_state"] for run in (first, second, third)]


def test_runs_are_listed_by_job_and_state(jobs: Jobs) -> None:
    one, two = jobs.create(gate("a")), jobs.create(slow(jobs))
    over = [jobs.wait(jobs.call("POST", "run-now", {"job_id": one})["run_id"])["run_id"] for _ in range(30)]
    active = jobs.call("POST", "run-now", {"job_id": two})["run_id"]
    found = {
        name: [run.run_id for run in jobs.sdk.jobs.list_runs(**{name: True})]
        for name in ("active_only", "completed_only")
    }
    mine = [run.run_id for run in jobs.sdk.jobs.list_runs(job_id=one)]
    jobs.call("POST", "runs/cancel-all", {"job_id": two})
    jobs.wait(active)

    assert {"active_only": [active], "completed_only": over[::-1]} == found
    assert over[::-1] == mine
    assert list(range(30, 0, -1)) == [run.number_in_job for run in jobs.sdk.jobs.list_runs(job_id=one)]


def test_a_schedule_fires_on_demand_unless_it_is_paused(jobs: Jobs) -> None:
    from databricks.sdk.errors import DatabricksError

    schedule = {"quartz_cron_expression": "0 0 6 ? * MON", "timezone_id": "Europe/Berlin"}
    script = jobs.script("t", "import sys; print(sys.argv[1])", parameters=["{{job.trigger.type}}"])
    job_id = jobs.create(script, schedule=schedule)
    paused = jobs.create(gate("a"), schedule={**schedule, "pause_status": "PAUSED"})
    run = jobs.wait(jobs.sdk.api_client.do("POST", "/_emulator/fire", body={"job_id": job_id})["run_id"])

    assert ("PERIODIC", "periodic\n") == (run["trigger"], jobs.log(run, "t"))
    with pytest.raises(DatabricksError, match="has no schedule that is not paused"):
        jobs.sdk.api_client.do("POST", "/_emulator/fire", body={"job_id": paused})


def test_a_one_time_run_belongs_to_no_job(jobs: Jobs) -> None:
    text = "import pathlib; assert 0"
    body = {"run_name": "once", "environments": ENVIRONMENTS, "tasks": [jobs.script("a", text, max_retries=3)]}
    run = jobs.wait(jobs.call("POST", "runs/submit", body)["run_id"])

    assert ("SUBMIT_RUN", "once", 1) == (run["run_type"], run["run_name"], len(run["tasks"]))
    assert {"a": "FAILED"} == results(run)
    assert [] == list(jobs.sdk.jobs.list())


def test_a_cancelled_task_leaves_the_rest_to_its_run_if(jobs: Jobs) -> None:
    run_id = jobs.start(
        slow(jobs), jobs.script("next", "", "slow"), jobs.script("clean", "", "slow", run_if="ALL_DONE")
    )
    running = jobs.wait(run_id, lambda run: last(run, "slow")["state"]["life_cycle_state"] == "RUNNING")
    jobs.call("POST", "runs/cancel", {"run_id": last(running, "slow")["run_id"]})

    assert {"slow": "CANCELED", "next": "UPSTREAM_CANCELED", "clean": "SUCCESS"} == results(jobs.wait(run_id))


def test_permissions_are_kept(jobs: Jobs) -> None:
    job_id = jobs.create(gate("a"), access_control_list=[{"group_name": "g", "permission_level": "CAN_VIEW"}])
    jobs.sdk.api_client.do(
        "PATCH",
        f"/api/2.0/permissions/jobs/{job_id}",
        body={"access_control_list": [{"user_name": "u", "permission_level": "CAN_MANAGE_RUN"}]},
    )
    listed = jobs.sdk.permissions.get("jobs", str(job_id)).access_control_list

    assert ["IS_OWNER", "CAN_VIEW", "CAN_MANAGE_RUN"] == [
        one.all_permissions[0].permission_level.value for one in listed
    ]
