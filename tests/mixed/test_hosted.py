"""A platform coordinates: its own job has bridges to the other, and no machine of the user's is needed any more."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from specflow.attempt.records import read_record
from specflow.attempt.relay import EMULATORS, told_in
from specflow.hosting.wheel import wheel, wheel_name
from tests.local.conftest import Project, is_alive
from tests.mixed.conftest import Clouds

WELL = ("succeeded", "")
BEHIND = ("skipped", "upstream failed")
HOSTS = ("azureml", "databricks")
STEPS = {"azureml": "prepare", "databricks": "train"}
"""The step that is not on the host, by that."""


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    ("step", "ends"),
    [
        ("", {"prepare": WELL, "train": WELL, "judge": WELL, "notify": ("skipped", "condition false")}),
        ("prepare", {"prepare": ("failed", "exit code 3"), "train": BEHIND, "judge": BEHIND, "notify": WELL}),
        ("train", {"prepare": WELL, "train": ("failed", "exit code 3"), "judge": BEHIND, "notify": WELL}),
    ],
    ids=["well", "prepare_fails", "train_fails"],
)
def test_steps_end_as_on_this_machine(clouds: Clouds, host: str, step: str, ends: dict[str, tuple[str, str]]) -> None:
    clouds.mark(f"{step}.fails")
    code, told = clouds.end(clouds.start("--host", host))

    assert (int(bool(step)), {**ends, "": "failed" if step else "succeeded"}) == (code, told)
    assert 1 == len(clouds.jobs()[host])
    assert all(count <= 1 for count in map(clouds.ran().count, ("prepare", "train", "judge")))


@pytest.mark.parametrize("host", HOSTS)
def test_a_run_that_is_cancelled_here_leaves_nothing_running_on_either_side(clouds: Clouds, host: str) -> None:
    step = STEPS[host]
    clouds.mark(f"{step}.held")
    process = clouds.start("--host", host)
    pid = clouds.begun(step)
    process.send_signal(signal.SIGINT)
    code, told = clouds.end(process)

    assert (130, "cancelled") == (code, told[""])
    assert {"databricks": ["CANCELED"], "azureml": ["Canceled"]} == _settled(clouds)
    assert not is_alive(pid)


def _settled(clouds: Clouds) -> dict[str, list[str]]:
    """Return the jobs once none of them goes on: the other platform is asked by the bridge, as it ends."""
    going_on = {"RUNNING", "TERMINATING", "Running", "CancelRequested"}
    end = time.monotonic() + 30
    while time.monotonic() < end and any(going_on & set(states) for states in clouds.jobs().values()):
        time.sleep(0.1)
    return clouds.jobs()


def test_a_node_with_only_its_snapshot_finds_its_own_job_after_each_kill(clouds: Clouds, tmp_path: Path) -> None:
    """Killed between recording and submitting, and at other moments: one job on the other platform, one record."""
    built = tmp_path / "built"
    called(clouds.project, "compile", "p.yaml", "--host", "azureml", "-o", str(built))
    node = tmp_path / "node"
    (built / "p" / "azureml" / "code" / "bridge_prepare").rename(node)
    record = tmp_path / "record"
    command = [sys.executable, "launch.py", "step.json", "--target", "azureml", "--run", "20261126-010203-abcdef"]
    command += ["--input", f"marks={clouds.marks}", "--record", str(record / "record.json")]
    command += ["--output", f"records={record / 'records'}"]
    near = {"databricks": {"url": clouds.databricks.emulator.url, "token": clouds.databricks.emulator.token}}
    around = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), EMULATORS: json.dumps(near)}
    clouds.databricks.adopt({"exchange": {"address": "/Volumes/main/ml/exchange", "folder": str(tmp_path / "store")}})
    dice, log = random.Random(11), tmp_path / "log.txt"
    clouds.mark("prepare.held")
    for wanted in ("submitting", "submitting", "submitted", ""):
        with log.open("ab") as stream:
            process = subprocess.Popen(
                command, cwd=node, env=around, stdout=stream, stderr=stream, start_new_session=True
            )
        _wait_for_event(log, wanted, process)
        time.sleep(dice.uniform(0, 0.3))
        os.killpg(process.pid, signal.SIGKILL)
        _kill_bridges()
        process.wait()
        log.write_bytes(b"")
    (clouds.marks / "prepare.held").unlink()
    done = subprocess.run(command, cwd=node, env=around, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert ["SUCCESS"] == clouds.jobs()["databricks"]
    assert ["prepare"] == clouds.ran()
    left = read_record(str(record / "records" / "prepare"))
    assert left is not None
    assert ("succeeded", True) == (left["state"], left["outputs"]["o"]["check"])
    assert "succeeded" == json.loads((record / "record.json").read_text())["state"]


def _wait_for_event(log: Path, wanted: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while wanted and time.monotonic() < end and process.poll() is None:
        if any(event["event"] == wanted for event in told_in(log.read_text())):
            return
        time.sleep(0.01)
    assert not wanted, log.read_text()


def _kill_bridges() -> None:
    """Kill what a launcher had started: its step has a session of its own."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"start.py" in words:
            os.kill(int(folder.name), signal.SIGKILL)


def called(project: Project, *args: str, code: int = 0) -> str:
    """Return what `specflow` says on stderr, ended as it should."""
    process = project.start(*args)
    _, said = process.communicate(timeout=120)
    assert code == process.returncode, said
    return said


# What travels


def test_the_wheel_is_the_same_wherever_it_is_made_and_can_be_installed(tmp_path: Path) -> None:
    script = "import hashlib; from specflow.hosting.wheel import wheel; print(hashlib.sha256(wheel()).hexdigest())"
    made = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=folder,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for folder, seed, zone in ((tmp_path, "1", "UTC"), (Path("/"), "2", "Asia/Tokyo"))
    }
    (tmp_path / wheel_name()).write_bytes(wheel())
    place = tmp_path / "place"
    options = ["--no-deps", "--no-index", "--target", str(place), str(tmp_path / wheel_name())]
    done = subprocess.run([sys.executable, "-m", "pip", "install", "-q", *options], capture_output=True, text=True)
    shown = subprocess.run(
        [sys.executable, "-P", "-c", "import specflow; print(specflow.__file__)"]
        if sys.version_info >= (3, 11)
        else [sys.executable, "-c", "import specflow; print(specflow.__file__)"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
    )

    assert 1 == len(made)
    assert (0, "") == (done.returncode, done.stderr)
    assert shown.stdout.startswith(str(place))


@pytest.mark.parametrize("host", HOSTS)
def test_an_artifact_is_the_same_from_another_folder_and_holds_no_path_of_this_machine(
    host: str, clouds: Clouds
) -> None:
    places = []
    for name in ("one", "two"):
        called(clouds.project, "compile", "p.yaml", "--host", host, "-o", name)
        places.append(clouds.project.folder / name / "p")
    files = [
        {file.relative_to(place): file.read_bytes() for file in place.rglob("*") if file.is_file()} for place in places
    ]

    assert files[0] == files[1]
    packed = next(file for file in places[0].rglob("island.zip"))
    with zipfile.ZipFile(packed) as island:
        contents = [island.read(name) for name in island.namelist()]
    here = str(clouds.project.folder).encode()
    assert not [name for name, content in files[0].items() if here in content]
    assert not [content for content in contents if here in content]


# What a platform can't coordinate


def test_what_runs_on_this_machine_is_refused_at_its_place(project: Project) -> None:
    steps = "steps:\n  far: {target: azureml, run: echo}\n  near: {target: local, run: echo}\n"
    project.write("p.yaml", f"specflow: 1\nname: p\n{steps}")
    said = called(project, "compile", "p.yaml", "--host", "azureml", code=1)

    assert "p.yaml:5:3: error: " in said
    assert "[unreachable-step]" in said


def test_a_target_that_can_not_coordinate_is_told(project: Project) -> None:
    project.write("p.yaml", "specflow: 1\nname: p\nsteps:\n  far: {target: azureml, run: echo}\n")

    assert "there is no target" in called(project, "compile", "p.yaml", "--host", "nowhere", code=2)


def test_a_run_that_databricks_coordinates_goes_on_where_it_failed(clouds: Clouds) -> None:
    clouds.mark("train.fails")
    process = clouds.start("--host", "databricks")
    out, err = process.communicate(timeout=240)
    run = json.loads(out.splitlines()[-1])["run"]
    (clouds.marks / "train.fails").unlink()
    resumed = clouds.project.start("runs", "resume", run, "--format", "json")
    code, told = clouds.end(resumed)

    assert 1 == process.returncode, err
    assert (0, WELL, WELL, "succeeded") == (code, told["train"], told["judge"], told[""])
    assert ["judge", "notify", "prepare", "train", "train"] == sorted(clouds.ran())
    assert {"databricks": ["SUCCESS"], "azureml": ["Completed", "Failed"]} == {
        name: sorted(ends) for name, ends in clouds.jobs().items()
    }
