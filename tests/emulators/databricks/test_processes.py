"""Tasks as processes: wheels, environments, long logs, and an emulator that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from specflow.targets.databricks.emulator.server import Emulator
from tests.emulators.databricks.conftest import HOME, VOLUME, Jobs, results, task

CLUSTER = {"spark_version": "15.4.x-scala2.12", "num_workers": 1, "node_type_id": "Standard_D4s_v3"}


@pytest.fixture
def wheel(emulator: Emulator, tmp_path: Path) -> str:
    file = tmp_path / "greet-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "greet/__init__.py", "import sys\ndef main():\n    print(sys.argv)\ndef plain():\n    print('plain')\n"
        )
        archive.writestr("greet-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n")
        archive.writestr("greet-1.0.dist-info/entry_points.txt", "[console_scripts]\nrun = greet:main\n")
    emulator.workspace.volumes.write(f"{VOLUME}/{file.name}", file.read_bytes(), overwrite=True)
    return f"{VOLUME}/{file.name}"


def test_a_wheel_runs_its_entry_point(jobs: Jobs, wheel: str) -> None:
    body = {"package_name": "greet", "entry_point": "run", "parameters": ["a", "b c"]}
    named = {"package_name": "greet", "entry_point": "run", "named_parameters": {"x": "1"}}
    on = {"new_cluster": CLUSTER, "libraries": [{"whl": wheel}]}
    run = jobs.run(
        task("entry", python_wheel_task=body, environment_key="e"),
        task("named", python_wheel_task=named, **on),
        task("function", python_wheel_task={**body, "entry_point": "plain"}, **on),
        task("nothing", python_wheel_task={**body, "entry_point": "gone"}, **on),
        task("missing", python_wheel_task={**body, "package_name": "other"}, **on),
        environments=[{"environment_key": "e", "spec": {"environment_version": "4", "dependencies": [wheel, "numpy"]}}],
        parameters=[{"name": "p", "default": "pushed"}],
    )

    assert "['greet', 'a', 'b c']\n" == jobs.log(run, "entry")
    assert "['greet', '--x=1', '--p=pushed']\n" == jobs.log(run, "named")
    assert "plain\n" == jobs.log(run, "function")
    assert "Python wheel greet has no entry point gone" == jobs.output(run, "nothing")["error"]
    assert "Python wheel with name other could not be found" == jobs.output(run, "missing")["error"]


def test_a_task_sees_its_own_environment_and_not_the_emulators(
    jobs: Jobs, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "x")
    text = "import os\nprint(os.environ.get('SECRET_OF_THE_SHELL'), os.environ['A'], os.environ['DATABRICKS_HOST'])"
    run = jobs.run(
        jobs.script("a", text, environment_variables_key="v"),
        environments=[{"environment_key": "default", "spec": {"environment_version": "5"}}],
        environment_variables=[{"environment_variables_key": "v", "spec": {"variables": {"A": "1 2"}}}],
    )

    assert f"None 1 2 {emulator.url}\n" == jobs.log(run, "a")


def test_an_existing_cluster_is_enough(jobs: Jobs) -> None:
    cluster = jobs.sdk.api_client.do("POST", "/api/2.1/clusters/create", body=CLUSTER)["cluster_id"]
    path = jobs.code("import os\nprint(os.getcwd() == os.environ['HOME'], os.listdir())")
    run = jobs.run(task("a", spark_python_task={"python_file": path}, existing_cluster_id=cluster))

    assert "True []\n" == jobs.log(run, "a")


def test_of_a_long_log_the_last_five_megabytes_are_kept(jobs: Jobs) -> None:
    run = jobs.run(jobs.script("a", "for n in range(6 * 1024):\n    print(f'{n:01023}')"))
    output = jobs.output(run, "a")

    assert (5 * 1024 * 1024, True) == (len(output["logs"]), output["logs_truncated"])
    assert output["logs"].endswith("6143\n")


def test_a_task_value_is_small(jobs: Jobs) -> None:
    run = jobs.run(jobs.notebook("a", "dbutils.jobs.taskValues.set('k', 'x' * 48 * 1024)"))

    assert {"a": "FAILED"} == results(run)
    assert "ValueError: a task value has at most 49152 bytes" in jobs.output(run, "a")["error"]


def test_notebooks_read_values_of_tasks_above(jobs: Jobs) -> None:
    run = jobs.run(
        jobs.notebook("a", "dbutils.jobs.taskValues.set('k', {'x': [1]})"),
        jobs.notebook(
            "b",
            "get = dbutils.jobs.taskValues.get\nprint(get('a', 'k'), get('a', 'no', default=7), get('z', 'k', 8))",
            "a",
        ),
    )

    assert "{'x': [1]} 7 8\n" == jobs.log(run, "b")


def test_an_emulator_that_is_killed_leaves_no_task_behind(root: Path, tmp_path: Path) -> None:
    text = f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
    program = f"""
import time
from pathlib import Path
from specflow.targets.databricks.emulator.server import Emulator
emulator = Emulator(Path({str(root)!r}))
workspace = emulator.workspace
workspace.objects.put("{HOME}/a.py", {text.encode()!r})
body = {{"environments": [{{"environment_key": "e", "spec": {{"environment_version": "4"}}}}]}}
code = {{"python_file": "{HOME}/a.py"}}
workspace.submit({{**body, "tasks": [{{"task_key": "a", "spark_python_task": code, "environment_key": "e"}}]}})
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", program])
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    end = time.monotonic() + 10
    while is_alive(int((tmp_path / "pid").read_text())):
        assert time.monotonic() < end
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state: Any = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state not in ("Z", "X")
