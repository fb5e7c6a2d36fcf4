"""Runs: order, outcomes, values, retries, repair."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.databricks.conftest import HOME, VOLUME, Jobs, last, results, task


def test_a_script_gets_its_parameters_and_its_output_is_kept(jobs: Jobs) -> None:
    text = "import sys\nprint(sys.argv[1:])\nprint('error', file=sys.stderr)"
    odd = ["a b", "$HOME", "{{nothing.here}}", "{{job.id", '"', "ü\n", ""]
    run = jobs.run(jobs.script("one", text, parameters=odd))

    assert "SUCCESS" == run["state"]["result_state"]
    assert f"{odd}\nerror\n" == jobs.log(run, "one")


def test_a_failed_task_fails_the_run_and_its_output_has_the_trace(jobs: Jobs) -> None:
    run = jobs.run(jobs.script("bad", "def f():\n    raise KeyError('x')\nf()"), jobs.script("next", "", "bad"))
    output = jobs.output(run, "bad")

    assert {"bad": "FAILED", "next": "UPSTREAM_FAILED"} == results(run)
    assert ("INTERNAL_ERROR", "FAILED") == (run["state"]["life_cycle_state"], run["state"]["result_state"])
    assert "Workload failed, see run output for details" == last(run, "bad")["state"]["state_message"]
    assert "TERMINATED" == last(run, "bad")["state"]["life_cycle_state"]
    assert {"code": "RUN_EXECUTION_ERROR", "type": "CLIENT_ERROR"}.items() <= run["status"][
        "termination_details"
    ].items()
    assert "KeyError: 'x'" == output["error"]
    assert "in f\n" in output["error_trace"]
    assert "runner.py" not in output["error_trace"]


def test_a_diamond_runs_in_order(jobs: Jobs) -> None:
    """start -> left, right -> end"""
    stamp = "import sys, time\nprint(time.time_ns())\ntime.sleep(0.05)\nprint(time.time_ns())"
    run = jobs.run(
        jobs.script("end", stamp, "left", "right"),
        jobs.script("left", stamp, "start"),
        jobs.script("right", stamp, "start"),
        jobs.script("start", stamp),
    )
    spans = {key: [int(word) for word in jobs.log(run, key).split()] for key in ("start", "left", "right", "end")}

    assert "SUCCESS" == run["state"]["result_state"]
    assert spans["start"][1] <= min(spans["left"][0], spans["right"][0])
    assert max(spans["left"][1], spans["right"][1]) <= spans["end"][0]


RUN_IF = [
    # run_if, above: well and bad; what becomes of the task
    ("ALL_SUCCESS", "ww", "SUCCESS"),
    ("ALL_SUCCESS", "wb", "UPSTREAM_FAILED"),
    ("AT_LEAST_ONE_SUCCESS", "wb", "SUCCESS"),
    ("AT_LEAST_ONE_SUCCESS", "bb", "UPSTREAM_FAILED"),
    ("NONE_FAILED", "ww", "SUCCESS"),
    ("NONE_FAILED", "wb", "UPSTREAM_FAILED"),
    ("ALL_DONE", "bb", "SUCCESS"),
    ("AT_LEAST_ONE_FAILED", "wb", "SUCCESS"),
    ("AT_LEAST_ONE_FAILED", "ww", "EXCLUDED"),
    ("ALL_FAILED", "bb", "SUCCESS"),
    ("ALL_FAILED", "wb", "EXCLUDED"),
]


def test_each_run_if_looks_at_the_tasks_above(jobs: Jobs) -> None:
    tasks = [jobs.script("w1"), jobs.script("w2"), jobs.script("b1", "1/0"), jobs.script("b2", "1/0")]
    kinds = {"ww": ("w1", "w2"), "wb": ("w1", "b1"), "bb": ("b1", "b2")}
    for number, (run_if, above, _) in enumerate(RUN_IF):
        tasks.append(jobs.script(f"t{number}", "", *kinds[above], run_if=run_if))
    found = results(jobs.run(*tasks))

    assert [expected for _, _, expected in RUN_IF] == [found[f"t{number}"] for number in range(len(RUN_IF))]


def condition(key: str, op: str, left: str, right: str, *after: Any) -> dict[str, Any]:
    return task(key, *after, condition_task={"op": op, "left": left, "right": right})


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        ("EQUAL_TO", "12.0", "12", "false"),
        ("EQUAL_TO", "a", "a", "true"),
        ("NOT_EQUAL", "12.0", "12", "true"),
        ("GREATER_THAN", "10", "9", "true"),
        ("GREATER_THAN_OR_EQUAL", "12.0", "12", "true"),
        ("LESS_THAN", "10", "9", "false"),
        ("LESS_THAN_OR_EQUAL", "1e1", "10", "true"),
    ],
)
def test_a_condition_compares_text_or_numbers_by_its_operator(
    jobs: Jobs, op: str, left: str, right: str, expected: str
) -> None:
    """gate -true-> yes -> behind, gate -false-> no"""
    run = jobs.run(
        condition("gate", op, left, right),
        condition("yes", "EQUAL_TO", "1", "1", ("gate", "true")),
        condition("no", "EQUAL_TO", "1", "1", ("gate", "false")),
        condition("behind", "EQUAL_TO", "1", "1", "yes"),
    )
    found = results(run)
    taken = {"true": ("SUCCESS", "EXCLUDED"), "false": ("EXCLUDED", "SUCCESS")}[expected]

    assert expected == last(run, "gate")["condition_task"]["outcome"]
    assert taken == (found["yes"], found["no"])
    assert found["yes"] == found["behind"]
    assert "SUCCESS" == run["state"]["result_state"]


def test_a_condition_on_numbers_that_are_none_fails(jobs: Jobs) -> None:
    run = jobs.run(condition("gate", "GREATER_THAN", "ten", "9"))

    assert {"gate": "FAILED"} == results(run)
    assert 'GREATER_THAN compares numbers, not "ten" and "9"' == jobs.output(run, "gate")["error"]


def test_a_run_is_judged_by_its_leaves(jobs: Jobs) -> None:
    """bad -> cleanup (ALL_DONE)"""
    run = jobs.run(jobs.script("bad", "1/0"), jobs.script("cleanup", "", "bad", run_if="ALL_DONE"))

    assert ("TERMINATED", "SUCCESS_WITH_FAILURES") == (run["state"]["life_cycle_state"], run["state"]["result_state"])


def test_references_are_resolved_once_and_unknown_namespaces_stay(jobs: Jobs) -> None:
    words = ["{{job.parameters.who}}", "{{ job.id }}-{{job.name}}", "{{task.name}}.{{task.execution_count}}"]
    words += [
        "{{tasks.first.result_state}}",
        "{{tasks.`first`.values.k}}",
        "{{nothing.known}}",
        "{{job.id",
        "{{job.run_id}}",
    ]
    run = jobs.run(
        jobs.notebook("first", "dbutils.jobs.taskValues.set('k', 'it{{job.id}}')"),
        jobs.script("second", "import sys, json; print(json.dumps(sys.argv[1:]))", "first", parameters=words),
        parameters=[{"name": "who", "default": "nobody"}],
        now={"job_parameters": {"who": "me & {{workspace.id}}"}},
    )
    job, run_id = run["job_id"], run["run_id"]
    expected = [
        "me & 1",
        f"{job}-demo",
        "second.1",
        "success",
        "it{{job.id}}",
        "{{nothing.known}}",
        "{{job.id",
        str(run_id),
    ]

    assert f"{expected}\n".replace("'", '"') == jobs.log(run, "second")
    assert [{"default": "nobody", "name": "who", "value": "me & {{workspace.id}}"}] == run["job_parameters"]


def test_a_value_that_was_never_set_fails_the_task_that_needs_it(jobs: Jobs) -> None:
    run = jobs.run(jobs.script("first"), jobs.script("second", "", "first", parameters=["{{tasks.first.values.k}}"]))

    assert {"first": "SUCCESS", "second": "FAILED"} == results(run)
    assert "tasks.first.values.k can't be resolved" == jobs.output(run, "second")["error"]


def test_job_parameters_are_pushed_into_notebooks_and_not_into_scripts(jobs: Jobs) -> None:
    run = jobs.run(
        jobs.notebook(
            "nb", "dbutils.widgets.text('c', 'dflt')\nprint(dbutils.widgets.getAll())", parameters={"a": "1", "b": "2"}
        ),
        jobs.script("script", "import sys\nprint(sys.argv[1:])"),
        parameters=[{"name": "a", "default": "job's"}],
    )

    assert "{'c': 'dflt', 'a': \"job's\", 'b': '2'}\n" == jobs.log(run, "nb")
    assert "[]\n" == jobs.log(run, "script")


def test_a_notebook_ends_early_with_its_value(jobs: Jobs) -> None:
    text = "x = 1\n\n# COMMAND ----------\n# MAGIC %md\n# MAGIC # Title\n\n# COMMAND ----------\n"
    run = jobs.run(jobs.notebook("nb", text + "dbutils.notebook.exit(f'x is {x}')\nprint('never')"))
    output = jobs.output(run, "nb")

    assert {"result": "x is 1", "truncated": False} == output["notebook_output"]
    assert "logs" not in output


def test_a_jupyter_notebook_runs_its_code_cells(jobs: Jobs) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# no code"]},
        {"cell_type": "code", "source": ["a = 2\n", "b = 3"]},
        {"cell_type": "code", "source": "%pip install nothing\nprint(a * b)"},
    ]
    path = jobs.code(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}), "jupyter.ipynb")
    run = jobs.run(task("nb", notebook_task={"notebook_path": path.removesuffix(".ipynb")}))

    assert "6\n" == jobs.log(run, "nb")


def test_a_for_each_runs_its_task_for_each_input(jobs: Jobs) -> None:
    inner = jobs.script("one", "import sys\nprint(sys.argv[1:])", parameters=["{{input}}", "{{task.name}}"])
    run = jobs.run(
        jobs.notebook("make", "dbutils.jobs.taskValues.set('list', [1, 'b', {'k': 2}])"),
        task("fan", "make", for_each_task={"inputs": "{{tasks.make.values.list}}", "concurrency": 2, "task": inner}),
    )
    iterations = jobs.get(last(run, "fan")["run_id"])["iterations"]
    logs = [jobs.call("GET", "runs/get-output", run_id=one["run_id"])["logs"] for one in iterations]

    assert {"make": "SUCCESS", "fan": "SUCCESS"} == results(run)
    assert ["['1', 'one']\n", "['b', 'one']\n", "['{\"k\": 2}', 'one']\n"] == logs
    assert 3 == last(run, "fan")["for_each_task"]["stats"]["task_run_stats"]["succeeded_iterations"]


def test_a_failed_iteration_fails_the_for_each_and_a_repair_runs_it_alone(jobs: Jobs, tmp_path: Any) -> None:
    text = (
        f"import sys, pathlib\nprint('ran')\np = pathlib.Path('{tmp_path}/ok')\nassert sys.argv[1] != 'b' or p.exists()"
    )
    inner = jobs.script("one", text, parameters=["{{input.name}}"])
    inputs = '[{"name": "a"}, {"name": "b"}]'
    run = jobs.run(task("fan", for_each_task={"inputs": inputs, "task": inner}))
    first = [one["run_id"] for one in jobs.get(last(run, "fan")["run_id"])["iterations"]]
    (tmp_path / "ok").touch()
    jobs.call("POST", "runs/repair", {"run_id": run["run_id"], "rerun_all_failed_tasks": True})
    again = jobs.wait(run["run_id"])
    second = [one["run_id"] for one in jobs.get(last(again, "fan")["run_id"])["iterations"]]

    assert ("FAILED", "SUCCESS") == (run["state"]["result_state"], again["state"]["result_state"])
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_an_empty_for_each_succeeds_and_a_list_that_is_none_fails(jobs: Jobs) -> None:
    inner, other = condition("i", "EQUAL_TO", "1", "1"), condition("j", "EQUAL_TO", "1", "1")
    run = jobs.run(
        task("none", for_each_task={"inputs": "[]", "task": inner}),
        task("bad", for_each_task={"inputs": "{}", "task": other}),
    )

    assert {"none": "SUCCESS", "bad": "FAILED"} == results(run)


def test_many_immediate_iterations_need_no_deep_stack(jobs: Jobs) -> None:
    inner = condition("i", "EQUAL_TO", "{{input}}", "1")
    run = jobs.run(task("fan", for_each_task={"inputs": json.dumps(list(range(1500))), "task": inner}))

    assert "SUCCESS" == run["state"]["result_state"]


def test_a_job_runs_another_and_hands_parameters_down(jobs: Jobs) -> None:
    child = jobs.create(
        jobs.script(
            "inner", "import sys\nprint(sys.argv[1:])", parameters=["{{job.parameters.a}}", "{{job.parameters.b}}"]
        ),
        parameters=[{"name": "a", "default": "1"}, {"name": "b", "default": "2"}],
    )
    run = jobs.run(
        task("call", run_job_task={"job_id": child, "job_parameters": {"a": "{{job.parameters.x}}!"}}),
        parameters=[{"name": "x", "default": "given"}],
    )
    inner = jobs.get(jobs.output(run, "call")["run_job_output"]["run_id"])

    assert {"call": "SUCCESS"} == results(run)
    assert "['given!', '2']\n" == jobs.log(inner, "inner")
    assert "RUN_JOB_TASK" == inner["trigger"]


def test_a_failing_sub_job_and_one_that_is_gone_fail_their_task(jobs: Jobs) -> None:
    child = jobs.create(jobs.script("inner", "1/0"))
    run = jobs.run(task("call", run_job_task={"job_id": child}), task("gone", run_job_task={"job_id": 1}))

    assert {"call": "FAILED", "gone": "FAILED"} == results(run)
    assert "Job 1 does not exist." == jobs.output(run, "gone")["error"]


FLAKY = """
import os, sys
n = len(os.listdir(sys.argv[1]))
open(f"{sys.argv[1]}/{n}", "w").close()
print("try", n)
assert n >= int(sys.argv[2])
"""


def test_a_task_is_tried_again_as_often_as_it_says(jobs: Jobs, tmp_path: Any) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    run = jobs.run(
        jobs.script("well", FLAKY, parameters=[f"{tmp_path}/a", "2"], max_retries=2),
        jobs.script("bad", FLAKY, parameters=[f"{tmp_path}/b", "9"], max_retries=1),
    )
    tries = [(one["task_key"], one["attempt_number"], one["state"]["result_state"]) for one in run["tasks"]]

    assert [
        ("well", 0, "FAILED"),
        ("well", 1, "FAILED"),
        ("well", 2, "SUCCESS"),
        ("bad", 0, "FAILED"),
        ("bad", 1, "FAILED"),
    ] == tries
    assert "try 2\n" == jobs.log(run, "well")
    assert len({one["run_id"] for one in run["tasks"]}) == 5


def test_the_interval_is_from_start_to_start(jobs: Jobs, tmp_path: Any) -> None:
    (tmp_path / "tries").mkdir()
    text = FLAKY.replace("assert n", "import time; time.sleep(0.2)\nassert n")
    run = jobs.run(
        jobs.script("t", text, parameters=[f"{tmp_path}/tries", "1"], max_retries=1, min_retry_interval_millis=400)
    )
    first, second = run["tasks"]

    assert 400 <= second["start_time"] - first["start_time"] < 1500


def test_a_task_that_waits_for_its_retry_says_so_and_the_clock_can_be_moved(jobs: Jobs, tmp_path: Any) -> None:
    (tmp_path / "tries").mkdir()
    run_id = jobs.start(
        jobs.script(
            "t", FLAKY, parameters=[f"{tmp_path}/tries", "1"], max_retries=1, min_retry_interval_millis=3_600_000
        )
    )
    waiting = jobs.wait(run_id, lambda run: len(run["tasks"]) == 2)
    jobs.sdk.api_client.do("POST", "/_emulator/clock", body={"seconds": 3600})
    run = jobs.wait(run_id)

    assert "WAITING_FOR_RETRY" == waiting["tasks"][1]["state"]["life_cycle_state"]
    assert "WAITING" == waiting["tasks"][1]["status"]["state"]
    assert "SUCCESS" == run["state"]["result_state"]


@pytest.mark.parametrize(("more", "tries"), [({}, 1), ({"retry_on_timeout": True}, 2)])
def test_a_timeout_is_retried_only_if_the_task_says_so(jobs: Jobs, more: dict[str, Any], tries: int) -> None:
    run = jobs.run(jobs.script("slow", "import time\ntime.sleep(60)", timeout_seconds=1, max_retries=1, **more))

    assert ["TIMEDOUT"] * tries == [one["state"]["result_state"] for one in run["tasks"]]
    assert "FAILED" == run["state"]["result_state"]


def test_a_job_that_takes_too_long_is_timed_out(jobs: Jobs) -> None:
    run = jobs.run(
        jobs.script("slow", "import time\ntime.sleep(60)"), jobs.script("next", "", "slow"), timeout_seconds=1
    )

    assert {"slow": "TIMEDOUT", "next": "CANCELED"} == results(run)
    assert "TIMEDOUT" == run["state"]["result_state"]


def test_cancelling_ends_processes_and_what_they_started(jobs: Jobs, tmp_path: Any) -> None:
    text = "import subprocess, sys, time\np = subprocess.Popen(['sleep', '60'])\n"
    text += "open(sys.argv[1], 'w').write(str(p.pid))\ntime.sleep(60)"
    run_id = jobs.start(jobs.script("slow", text, parameters=[f"{tmp_path}/pid"]), jobs.script("next", "", "slow"))
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
        jobs.get(run_id)
    jobs.call("POST", "runs/cancel", {"run_id": run_id})
    jobs.call("POST", "runs/cancel", {"run_id": run_id})
    run = jobs.wait(run_id)

    assert {"slow": "CANCELED", "next": "CANCELED"} == results(run)
    assert ("TERMINATED", "CANCELED", True) == tuple(
        run["state"][name] for name in ("life_cycle_state", "result_state", "user_cancelled_or_timedout")
    )
    assert "USER_CANCELED" == run["status"]["termination_details"]["code"]
    end = time.monotonic() + 5
    while is_alive(int((tmp_path / "pid").read_text())):
        assert time.monotonic() < end


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def test_a_repair_runs_what_failed_and_what_hung_on_it(jobs: Jobs, tmp_path: Any) -> None:
    """one -> two -> three"""
    text = f"import pathlib\nassert pathlib.Path('{tmp_path}/ok').exists()\nprint('{{job.run_id}}')"
    run = jobs.run(
        jobs.script("one"),
        jobs.script("two", text, "one"),
        jobs.script(
            "three", "import sys\nprint(sys.argv[1:])", "two", parameters=["{{job.run_id}}", "{{job.repair_count}}"]
        ),
    )
    run_id, before = run["run_id"], last(run, "one")["run_id"]
    (tmp_path / "ok").touch()
    body = {"run_id": run_id, "rerun_all_failed_tasks": True}
    first = jobs.call("POST", "runs/repair", body)["repair_id"]
    again = jobs.wait(run_id)
    second = jobs.call("POST", "runs/repair", {"run_id": run_id, "rerun_tasks": ["three"], "latest_repair_id": first})[
        "repair_id"
    ]
    third = jobs.wait(run_id)
    history = jobs.get(run_id, include_history="true")["repair_history"]

    assert {"one": "SUCCESS", "two": "FAILED", "three": "UPSTREAM_FAILED"} == results(run)
    assert {"one": "SUCCESS", "two": "SUCCESS", "three": "SUCCESS"} == results(again)
    assert "SUCCESS" == third["state"]["result_state"]
    assert before == last(third, "one")["run_id"]
    assert f"['{run_id}', '2']\n" == jobs.log(third, "three")
    assert [("ORIGINAL", run_id, 3), ("REPAIR", first, 2), ("REPAIR", second, 1)] == [
        (one["type"], one["id"], len(one["task_run_ids"])) for one in history
    ]


@pytest.mark.parametrize(("more", "tries"), [({}, 1), ({"rerun_dependent_tasks": True}, 2)])
def test_a_repair_spares_what_was_well_unless_it_is_asked_for(jobs: Jobs, more: dict[str, Any], tries: int) -> None:
    """bad -> clean (ALL_DONE)"""
    run = jobs.run(jobs.script("bad", "1/0"), jobs.script("clean", "", "bad", run_if="ALL_DONE"))
    jobs.call("POST", "runs/repair", {"run_id": run["run_id"], "rerun_all_failed_tasks": True, **more})
    again = jobs.wait(run["run_id"])

    assert (2, tries) == tuple(sum(one["task_key"] == key for one in again["tasks"]) for key in ("bad", "clean"))


def test_a_repair_is_refused_when_its_rules_are_broken(jobs: Jobs) -> None:
    run = jobs.run(jobs.script("bad", "1/0"))
    run_id = run["run_id"]

    def refused(**more: Any) -> str:
        from databricks.sdk.errors import DatabricksError

        with pytest.raises(DatabricksError) as caught:
            jobs.call("POST", "runs/repair", {"run_id": run_id, **more})
        return str(caught.value)

    assert "Exactly one of rerun_tasks and rerun_all_failed_tasks is needed" == refused()
    assert "latest_repair_id must be absent at the first repair" == refused(rerun_tasks=["bad"], latest_repair_id=1)
    assert f"Tasks ['nope'] are not in run {run_id}" == refused(rerun_tasks=["nope"])
    repair = jobs.call("POST", "runs/repair", {"run_id": run_id, "rerun_tasks": ["bad"]})["repair_id"]
    jobs.wait(run_id)
    assert f"latest_repair_id must be {repair}" == refused(rerun_tasks=["bad"])


def test_paths_of_volumes_and_the_workspace_lead_to_files(jobs: Jobs) -> None:
    text = "import sys, pathlib\np = pathlib.Path(sys.argv[1])\np.parent.mkdir(parents=True)\n"
    text += "p.write_text(pathlib.Path(sys.argv[2][4:]).read_text())"
    source = jobs.code("hello", "hello.txt")
    run = jobs.run(jobs.script("copy", text, parameters=[f"{VOLUME}/{{{{job.run_id}}}}/out.txt", f"--x={source}"]))
    content = jobs.sdk.files.download(f"{VOLUME}/{run['run_id']}/out.txt").contents.read()

    assert {"copy": "SUCCESS"} == results(run)
    assert b"hello" == content


def test_secrets_reach_notebooks_scripts_and_clusters(jobs: Jobs) -> None:
    jobs.sdk.secrets.create_scope("ml")
    jobs.sdk.secrets.put_secret("ml", "hf", string_value="s3cret")
    script = jobs.script("cluster", "import os; print(os.environ['HF'][::-1])")
    del script["environment_key"]
    cluster = {"spark_version": "15.4.x-scala2.12", "node_type_id": "Standard_D4s_v3", "num_workers": 0}
    cluster["spark_env_vars"] = {"HF": "{{secrets/ml/hf}}"}
    run = jobs.run(
        jobs.notebook("nb", "print(dbutils.secrets.get('ml', 'hf')[::-1])"),
        jobs.script(
            "script",
            "from databricks.sdk.runtime import dbutils\nprint(dbutils.secrets.get(scope='ml', key='hf')[::-1])",
        ),
        {**script, "job_cluster_key": "c"},
        job_clusters=[{"job_cluster_key": "c", "new_cluster": cluster}],
    )

    assert ["terc3s\n"] * 3 == [jobs.log(run, key) for key in ("nb", "script", "cluster")]
    assert ["hf"] == [secret.key for secret in jobs.sdk.secrets.list_secrets("ml")]


def test_a_missing_file_fails_the_task(jobs: Jobs) -> None:
    body = {"python_file": f"{HOME}/gone.py"}
    run = jobs.run(task("gone", spark_python_task=body, environment_key="default"))

    assert (
        f"Cannot read the python file {HOME}/gone.py: it does not exist in the workspace"
        == jobs.output(run, "gone")["error"]
    )


def test_a_process_that_vanishes_fails_its_task(jobs: Jobs) -> None:
    run = jobs.run(
        jobs.script("exit", "import os; os._exit(3)"), jobs.script("killed", "import os; os.kill(os.getpid(), 9)")
    )

    assert "The Python process exited with code 3" == jobs.output(run, "exit")["error"]
    assert "The Python process exited with code -9" == jobs.output(run, "killed")["error"]


def test_a_thousand_tasks_run_and_are_read_in_pages(jobs: Jobs) -> None:
    tasks = [condition(f"t{n}", "EQUAL_TO", "1", "1", *([f"t{n - 1}"] if n % 10 else [])) for n in range(1000)]
    job_id = jobs.create(*tasks)
    first = jobs.call("GET", "get", job_id=job_id)
    run = jobs.sdk.jobs.get_run(jobs.wait(jobs.call("POST", "run-now", {"job_id": job_id})["run_id"])["run_id"])

    assert (100, True) == (len(first["settings"]["tasks"]), first["has_more"])
    assert 1000 == len(jobs.sdk.jobs.get(job_id).settings.tasks)
    assert 1000 == len(run.tasks)
    assert {"SUCCESS"} == {one.state.result_state.value for one in run.tasks}
