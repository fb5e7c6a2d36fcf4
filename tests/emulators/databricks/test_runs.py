"""Runs: order, outcomes, values, retries, repair."""

from __future__ import annotations

from tests.emulators.databricks.conftest import Jobs, last, results


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
