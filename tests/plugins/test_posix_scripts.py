"""A pipeline taken away: its script runs with a shell and a bare Python; and a client looks after such runs."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from specflow.attempt.records import read_record
from specflow.errors import SpecflowError
from specflow.plan import Plan, save_plan
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate
from specflow.targets.base import Submission

BARE = getattr(sys, "_base_executable", sys.executable)
"""An interpreter that has no specflow."""

SPEC = """\
specflow: 1
name: taken
data: {words: {type: file, location: "it's data.txt"}}
inputs:
  text: {type: string, default: plain}
  many: {type: integer, many: true, default: [1, 2]}
  source: {type: file, default: "${{ data.words }}"}
  gate: {type: string, optional: true}
steps:
  show:
    matrix: {n: [1, 2, 3]}
    run: [sh, -c, 'out=$1; shift; printf "<%s>" "$@" >"$out"', sh, "${{ outputs.shown }}",
          "${{ matrix.n }}", "${{ inputs.text }}", "${{ inputs.many }}"]
    outputs: {shown: {type: file}}
  gather:
    run: [sh, -c, 'cat "$@" >"$0"; test -z "$GATE" || test -e "$GATE" || { cat; exit 3; }', "${{ outputs.all }}",
          "${{ inputs.source }}", "${{ steps.show.outputs.shown }}"]
    env: {GATE: "${{ inputs.gate }}"}
    outputs: {all: {type: file, format: txt}}
outputs:
  all: {from: "${{ steps.gather.outputs.all }}"}
"""
SLOW = """\
specflow: 1
name: slow
steps:
  first: {run: [echo, first]}
  long: {after: [first], run: [sh, -c, 'trap "echo asked; exit 1" TERM; echo begun; sleep 60 & wait']}
  never: {after: [long], run: [echo, never]}
"""


def compiled(folder: Path, spec: str) -> Plan:
    """Return the plan of a spec, every step on the plug-in's target."""
    project = folder / "project"
    project.mkdir(parents=True, exist_ok=True)
    (project / ".git").mkdir(exist_ok=True)
    (project / "it's data.txt").write_text("words\n")
    (project / "pipeline.yaml").write_text(spec)
    plan, found = make_plan(validate(project / "pipeline.yaml", Loader(project)), "posix")
    assert plan is not None, found
    return plan


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return taken_away(tmp_path, SPEC)


def taken_away(folder: Path, spec: str) -> Path:
    """Return the script of a spec, its folder alone and elsewhere."""
    plan = compiled(folder, spec)
    save_plan(plan, folder / "plan")
    (folder / "plan" / "posix").rename(folder / "a $way, it's")
    return folder / "a $way, it's" / "run.sh"


def run(script: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", script, *words], env=env(script, variables), capture_output=True, text=True)


def env(script: Path, variables: dict[str, str]) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "PYTHON": BARE, "OUT": str(script.parent.parent / "o ut"), **variables}


def test_it_runs_where_there_is_no_specflow(script: Path) -> None:
    told = run(script, JOBS="2")

    assert (0, "") == (told.returncode, told.stderr)
    lines = told.stdout.splitlines()
    place = script.parent.parent / "o ut" / "gather" / "outputs-1" / "all.txt"
    assert ["show__0: succeeded", "show__1: succeeded", "show__2: succeeded", "gather: succeeded"] == lines[:4]
    assert ['specflow-verdict: {"reason": "", "state": "succeeded"}', f"all = {place}"] == lines[4:]
    assert "words\n<1><plain><1><2><2><plain><1><2><3><plain><1><2>" == place.read_text()


def test_what_is_given_arrives_byte_for_byte(script: Path) -> None:
    text = "a b'\"$(touch x);{{y}}${z}\n~~\\ é☃ "
    told = run(script, f"text={text}", "many=7", "many=-8")

    assert 0 == told.returncode, told.stderr
    assert f"<1><{text}><7><-8>" in (script.parent.parent / "o ut" / "gather" / "outputs-1" / "all.txt").read_text()


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("txt=x", '"txt" is no input of taken; there are: gate, many, source, text'),
        ("many=x", 'the input "many": "x" is not an integer'),
        ("source=/no/such/file", 'the input "source": there is nothing at /no/such/file'),
    ],
)
def test_what_no_input_takes_is_told_before_anything_runs(script: Path, word: str, told: str) -> None:
    done = run(script, word)

    assert (2, "", f"{told}\n") == (done.returncode, done.stdout, done.stderr)


def test_a_run_that_failed_goes_on_where_it_stopped(script: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    failed = run(script, f"gate={gate}")
    began = read_record(str(tmp_path / "o ut" / "show__0"))
    gate.touch()
    other = run(script, "text=other", f"gate={gate}")

    again = run(script, f"gate={gate}")

    assert 1 == failed.returncode
    assert 'specflow-verdict: {"reason": "failed: gather", "state": "failed"}\nall = null\n' in failed.stdout
    assert (2, True) == (other.returncode, "holds a run with other inputs" in other.stderr)
    assert (0, "gather: succeeded") == (again.returncode, again.stdout.splitlines()[0])
    assert began == read_record(str(tmp_path / "o ut" / "show__0"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_what_runs_and_starts_nothing_new(tmp_path: Path, number: int, code: int) -> None:
    script = taken_away(tmp_path, SLOW)
    # Where these tests run in the background, SIGINT is ignored, and no shell can trap what was ignored from the first.
    restored = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp('sh', ['sh', sys.argv[1]])"
    )
    words = [sys.executable, "-c", restored, str(script)]
    process = subprocess.Popen(words, env=env(script, {}), start_new_session=True)
    wait_for(lambda: "begun" in text_of(tmp_path / "o ut" / "long" / "log.txt"))

    process.send_signal(number)

    assert code == process.wait(timeout=60)
    assert ["cancelled", None] == [state_of(tmp_path / "o ut" / step) for step in ("long", "never")]


def test_the_pipeline_s_timeout_ends_it(tmp_path: Path) -> None:
    script = taken_away(tmp_path, SLOW.replace("steps:", "timeout: 5s\nsteps:"))
    done = run(script)

    assert 1 == done.returncode
    assert done.stdout.endswith("slow: the pipeline's timeout ran out\n")


def test_the_same_project_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = compiled(tmp_path / "one", SPEC), compiled(tmp_path / "other" / "place", SPEC)

    assert one.contents == other.contents
    assert one.document["digest"] == other.document["digest"]
    assert str(tmp_path).encode() not in b"".join(one.contents.values())


# The client


def state_of(folder: Path) -> str | None:
    record = read_record(str(folder))
    return None if record is None else str(record["state"])


def text_of(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def wait_for(holds: Any) -> None:
    """Wait until something holds; the test's own limit ends one that never does."""
    for _ in range(3000):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


def submission(folder: Path, spec: str, key: str = "20260101-120000-1a2b3c") -> Submission:
    plan = compiled(folder, spec)
    save_plan(plan, folder / "plan")
    (island,) = plan.document["islands"]
    return Submission(key, plan.name, key, folder / "plan" / island["folder"], island["native"], {})


def client(folder: Path, **more: Any) -> Any:
    return importlib.import_module("specflow_posix.client").Scripts({"runs": str(folder / "runs"), **more})


def test_a_job_that_is_submitted_twice_runs_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    spec = f"specflow: 1\nname: once\nsteps:\n  say: {{run: [sh, -c, 'echo x >> \"{count}\"']}}\n"
    scripts, job = client(tmp_path), submission(tmp_path, spec)
    assert scripts.find(job.key, job.name) is None

    assert [job.key] * 3 == [scripts.submit(job) for _ in range(3)]

    wait_for(lambda: scripts.status(job.key).state == "succeeded")
    scripts.submit(job)
    wait_for(lambda: scripts.status(job.key).state == "succeeded")
    assert "x\n" == count.read_text()
    assert job.key == scripts.find(job.key, job.name)
    assert "specflow-record: " in scripts.log(job.key, "say")


def test_a_job_is_cancelled_and_goes_on(tmp_path: Path) -> None:
    scripts, job = client(tmp_path), submission(tmp_path, SLOW.replace("sleep 60 & wait", "sleep 5 & wait"))
    scripts.submit(job)
    wait_for(lambda: "begun" in scripts.log(job.key, "long"))

    scripts.cancel(job.key)

    wait_for(lambda: scripts.status(job.key).state == "cancelled")
    states = {step: found.state for step, found in scripts.status(job.key).steps.items()}
    assert {"first": "succeeded", "long": "cancelled", "never": "not run"} == states
    assert scripts.resume(job.key, ("long", "never"))
    wait_for(lambda: scripts.status(job.key).state == "succeeded")


def test_the_end_is_known_though_nobody_lived_to_write_it_down(tmp_path: Path) -> None:
    scripts, job = client(tmp_path), submission(tmp_path, SLOW)
    scripts.submit(job)
    wait_for(lambda: "begun" in scripts.log(job.key, "long"))

    os.killpg(int((tmp_path / "runs" / job.key / "group").read_text()), signal.SIGKILL)

    wait_for(lambda: scripts.status(job.key).state == "failed")
    assert "the script was ended from outside" == scripts.status(job.key).message


def test_a_secret_needs_the_user_s_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t")
    spec = "specflow: 1\nname: secret\nsteps:\n  say: {secrets: [TOKEN], run: [sh, -c, 'test \"$TOKEN\" = s3cr3t']}\n"
    scripts, job = client(tmp_path), submission(tmp_path, spec)

    with pytest.raises(SpecflowError, match="not set or not allowed"):
        scripts.submit(job)

    monkeypatch.setenv("SPECFLOW_ALLOW_SECRETS", "TOKEN")
    scripts.submit(job)
    wait_for(lambda: scripts.status(job.key).state == "succeeded")
    kept = [path for path in (tmp_path / "runs").rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()]
    assert [tmp_path / "runs" / job.key / "artifact" / "steps" / "say" / "step.json"] == kept, "the spec's own word"


def test_a_script_is_deployed_and_taken_back(tmp_path: Path) -> None:
    scripts, job = client(tmp_path), submission(tmp_path, SLOW)

    made = scripts.deploy("slow", job.folder, job.native, "1f0c")

    assert (made,) == scripts.deployments() == (scripts.deploy("slow", job.folder, job.native, "1f0c"),)
    assert Path(made.id).is_file()
    assert [True, False] == [scripts.undeploy("slow"), scripts.undeploy("slow")]


def test_a_mixed_pipeline_crosses_over_and_back(tmp_path: Path) -> None:
    from specflow.conformance.local import run_here
    from specflow.conformance.observed import Given

    project = tmp_path / "project"
    project.mkdir()
    (project / ".git").mkdir()
    spec = """\
specflow: 1
name: mixed
steps:
  here: {run: [sh, -c, 'echo here > "$1"', sh, "${{ outputs.f }}"], outputs: {f: {type: file}}}
  there:
    target: posix
    run: [sh, -c, 'cat "$1" > "$2"; echo there >> "$2"', sh, "${{ steps.here.outputs.f }}", "${{ outputs.f }}"]
    outputs: {f: {type: file}}
  back: {run: [sh, -c, 'cat "$1"; echo back', sh, "${{ steps.there.outputs.f }}"]}
"""
    (project / "pipeline.yaml").write_text(spec)
    plan, found = make_plan(validate(project / "pipeline.yaml", Loader(project)), None)
    assert plan is not None, found

    seen = run_here(plan, Given(project, {}, dict(os.environ), {}, 2))

    assert "succeeded" == seen.state, seen.steps
    assert "here\nthere\nback\n" == seen.steps["back"].log


def test_the_plan_lists_every_file(tmp_path: Path) -> None:
    save_plan(compiled(tmp_path, SPEC), tmp_path / "plan")
    listed = json.loads((tmp_path / "plan" / "plan.json").read_text())["files"]

    assert {"posix/run.sh", "posix/launcher/launch.py", "posix/steps/show__2/step.json"} < set(listed)
