"""The wire: who may ask, what goes wrong on purpose, a client's whole flow, many clients at once, and being stopped."""

from __future__ import annotations

import http.client
import io
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from specflow.emulation import Fault
from specflow.targets.databricks.emulator.server import Emulator
from tests.emulators.databricks.conftest import OVER, Jobs, client, last, results, task


def ask(emulator: Emulator, method: str, path: str, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.server.port, timeout=10)
    given = {"Authorization": f"Bearer {emulator.token}", **headers}
    connection.request(method, path, headers={name: value for name, value in given.items() if value})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body) if body else None


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "UNAUTHENTICATED"),
        ({"Authorization": "Bearer loopback"}, 401, "UNAUTHENTICATED"),
        ({"Host": "adb-1.azuredatabricks.net"}, 421, "PERMISSION_DENIED"),
    ],
)
def test_a_stranger_is_refused_in_databricks_words(
    emulator: Emulator, headers: dict[str, str], status: int, code: str
) -> None:
    found = ask(emulator, "GET", "/api/2.2/jobs/list", **headers)

    assert (status, code) == (found[0], found[1]["error_code"])


def test_only_the_well_known_file_is_open(emulator: Emulator) -> None:
    about = {"oidc_endpoint": f"{emulator.url}/oidc"}
    assert (200, about) == ask(emulator, "GET", "/.well-known/databricks-config", Authorization="")
    assert 401 == ask(emulator, "GET", "/api/2.0/preview/scim/v2/Me", Authorization="")[0]
    assert 401 == ask(emulator, "POST", "/_emulator/fire", Authorization="")[0]


def test_a_path_that_is_not_emulated_says_so(emulator: Emulator) -> None:
    found = ask(emulator, "GET", "/api/2.0/sql/warehouses")

    assert (
        404,
        {"error_code": "ENDPOINT_NOT_FOUND", "message": "no API found for GET /api/2.0/sql/warehouses"},
    ) == found


def test_the_client_gets_typed_errors(emulator: Emulator) -> None:
    from databricks.sdk.errors import Unauthenticated

    wrong = client(emulator)
    wrong.config._header_factory = lambda: {"Authorization": "Bearer nonsense"}
    with pytest.raises(Unauthenticated, match="the token is not valid"):
        wrong.current_user.me()


FAULTS = [
    Fault("throttle", every=5),
    Fault("unavailable", every=7, handled=True, exclude="POST */jobs/create"),
    Fault("reset", every=11, exclude="POST */jobs/create"),
    Fault("latency", every=3, seconds=0.01),
]


def test_ten_runs_amid_faults_are_ten_runs(emulator: Emulator) -> None:
    """A client that says its idempotency token may ask as often as it must."""
    jobs = Jobs(emulator, client(emulator, retry_timeout_seconds=60))
    # The SDK waits 1 to 2 s after each 429 or 503; what is tried here is how often things are done, not how patiently.
    job_id = jobs.create(jobs.script("a"))
    emulator.server.faults.set(FAULTS)
    ended = []
    for number in range(10):
        body = {"job_id": job_id, "idempotency_token": f"run-{number}"}
        run_id = patiently(emulator, "POST", "run-now", body)["run_id"]
        while (run := patiently(emulator, "GET", f"runs/get?run_id={run_id}"))["state"]["life_cycle_state"] not in OVER:
            time.sleep(0.01)
        ended.append(run["state"]["result_state"])
    struck = emulator.server.faults.strikes()
    emulator.server.faults.set(())

    assert ["SUCCESS"] * 10 == ended
    assert 10 == len(list(jobs.sdk.jobs.list_runs(job_id=job_id)))
    assert all(struck[kind] >= 1 for kind in ("throttle", "unavailable", "reset", "latency"))


def patiently(emulator: Emulator, method: str, path: str, body: Any = None) -> Any:
    """Ask until there is an answer."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", emulator.server.port, timeout=10)
        try:
            headers = {"Authorization": f"Bearer {emulator.token}"}
            connection.request(method, f"/api/2.2/jobs/{path}", json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            data = answer.read()
            if answer.status == 200:
                return json.loads(data)
            assert answer.status in (429, 503)
        except (ConnectionError, http.client.HTTPException):
            continue
        finally:
            connection.close()


def test_the_client_waits_as_long_as_it_is_told_to(emulator: Emulator, sdk: Any) -> None:
    emulator.server.faults.set([Fault("throttle", every=1, times=1, seconds=1, include="GET */jobs/list")])
    begun = time.monotonic()
    found = list(sdk.jobs.list())

    assert [] == found
    assert time.monotonic() - begun >= 1


def test_an_expired_token_is_an_error_at_once(emulator: Emulator, sdk: Any) -> None:
    from databricks.sdk.errors import Unauthenticated

    emulator.server.faults.set([Fault("expired", every=2)])
    sdk.current_user.me()
    with pytest.raises(Unauthenticated, match="the token has expired"):
        sdk.current_user.me()


def test_a_submitter_does_its_whole_work(emulator: Emulator, sdk: Any) -> None:
    """Upload, create or reset the one job of its name, run it once, poll, repair, read what the failed task said."""
    from databricks.sdk.service.workspace import ImportFormat

    jobs = Jobs(emulator, sdk)
    home = f"/Workspace/Users/{sdk.current_user.me().user_name}/specflow"
    sdk.workspace.mkdirs(home)
    code = b"import os, sys\nassert os.path.exists(sys.argv[1]), 'no input'\nprint('ran', sys.argv[2])"
    sdk.workspace.upload(f"{home}/shim.py", io.BytesIO(code), format=ImportFormat.AUTO, overwrite=True)
    body = {"python_file": f"{home}/shim.py", "parameters": ["/Volumes/main/default/sf/a.bin", "{{job.run_id}}"]}
    environments = [{"environment_key": "default", "spec": {"environment_version": "4"}}]
    tasks = [
        task("prep", spark_python_task=body, environment_key="default"),
        task("train", "prep", spark_python_task=body, environment_key="default"),
    ]
    job = {"name": "demo", "tasks": tasks, "environments": environments}
    for _ in range(2):
        found = jobs.call("GET", "list", name="demo").get("jobs", [])
        job_id = found[0]["job_id"] if found else jobs.call("POST", "create", job)["job_id"]
        jobs.call("POST", "reset", {"job_id": job_id, "new_settings": {**job, "max_concurrent_runs": 1}})
    now = {"job_id": job_id, "idempotency_token": "pipeline-1"}
    run_id = jobs.call("POST", "run-now", now)["run_id"]
    assert run_id == jobs.call("POST", "run-now", now)["run_id"]
    failed = jobs.wait(run_id)
    error = jobs.output(failed, "prep")["error"]
    sdk.files.upload("/Volumes/main/default/sf/a.bin", io.BytesIO(b"x" * 60_000_000), overwrite=True)
    jobs.call("POST", "runs/repair", {"run_id": run_id, "rerun_all_failed_tasks": True})
    well = jobs.wait(run_id)

    assert 1 == len(list(sdk.jobs.list()))
    assert "AssertionError: no input" == error
    assert {"prep": "SUCCESS", "train": "SUCCESS"} == results(well)
    assert f"ran {run_id}\n" == jobs.log(well, "train")


def test_many_clients_at_once(emulator: Emulator) -> None:
    ended: list[str] = []
    code = Jobs(emulator, None).code("print(1)")

    def work(number: int) -> None:
        body = {"python_file": code}
        settings = {
            "name": f"job {number}",
            "environments": [{"environment_key": "e", "spec": {"environment_version": "4"}}],
            "tasks": [task(f"t{n}", spark_python_task=body, environment_key="e") for n in range(4)],
        }
        job_id = patiently(emulator, "POST", "create", settings)["job_id"]
        run_id = patiently(emulator, "POST", "run-now", {"job_id": job_id})["run_id"]
        while (run := patiently(emulator, "GET", f"runs/get?run_id={run_id}"))["state"]["life_cycle_state"] not in OVER:
            time.sleep(0.02)
        ended.append(run["state"]["result_state"])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert ["SUCCESS"] * 8 == ended


def test_an_emulator_that_is_stopped_tries_nothing_again(root: Path) -> None:
    with Emulator(root, limit=1) as emulator:
        jobs = Jobs(emulator, client(emulator))
        tasks = [jobs.script(f"t{n}", "import time\ntime.sleep(60)", max_retries=-1) for n in range(3)]
        run_id = jobs.start(*tasks)
        jobs.wait(run_id, lambda run: "RUNNING" in {one["state"]["life_cycle_state"] for one in run["tasks"]})
    attempts = {unit.key: len(unit.attempts) for unit in emulator.workspace.runs[run_id].units.values()}

    assert {"t0": 1, "t1": 1, "t2": 1} == attempts


def test_an_emulator_goes_on_where_it_was_stopped(root: Path, tmp_path: Path) -> None:
    with Emulator(root) as first:
        jobs = Jobs(first, client(first))
        text = f"import pathlib; assert pathlib.Path('{tmp_path}/ok').exists()"
        failed = jobs.run(jobs.notebook("a", "dbutils.jobs.taskValues.set('k', 5)"), jobs.script("b", text, "a"))
        job_id, token = failed["job_id"], first.token
        jobs.sdk.secrets.create_scope("ml")
        active = jobs.start(jobs.script("slow", "import time\ntime.sleep(60)"), name="other")
    (tmp_path / "ok").touch()
    with Emulator(root) as second:
        jobs = Jobs(second, client(second))
        stopped = jobs.get(active)
        jobs.call("POST", "runs/repair", {"run_id": failed["run_id"], "rerun_all_failed_tasks": True})
        well = jobs.wait(failed["run_id"])
        new = jobs.create(jobs.script("c"))
        scopes = [scope.name for scope in jobs.sdk.secrets.list_scopes()]

    assert token == second.token
    assert ("INTERNAL_ERROR", "FAILED") == (stopped["state"]["life_cycle_state"], stopped["state"]["result_state"])
    assert {"a": "SUCCESS", "b": "SUCCESS"} == results(well)
    assert last(failed, "a")["run_id"] == last(well, "a")["run_id"]
    assert new > job_id
    assert ["ml"] == scopes
