"""What goes wrong around a run: disks, folders, clocks, and processes that end when they should not."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import Project, wait_for
from tests.local.mounts import script_with_mounts

TWO_STEPS = """\
specflow: 1
name: p
steps:
  small:
    shell: bash
    run: echo ran >> LOGFILE; echo 1 > $O
    env: {O: "${{ outputs.o }}"}
    outputs: {o: {type: file}}
  big:
    shell: bash
    run: head -c 30000000 /dev/zero > $O
    env: {O: "${{ outputs.big }}"}
    outputs: {big: {type: file}}
    after: [small]
"""


def last_event(text: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(text.splitlines()[-1])
    return event


# Disks


def test_on_a_disk_that_fills_up_nothing_is_lost_and_half_an_output_is_never_seen(tmp_path: Path) -> None:
    """`big` fills the disk of 8 MiB; on a larger one the next run does what is left."""
    ran, disk = tmp_path / "ran", tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "p.yaml").write_text(TWO_STEPS.replace("LOGFILE", str(ran)))

    done = script_with_mounts(
        """
        mount -t tmpfs -o size=8m tmpfs disk
        cd disk; cp ../p.yaml .; echo 'specflow: 1' > specflow.yaml
        specflow run p.yaml > ../first.out 2> ../first.err; echo $? > ../first.code
        find .specflow/results -name big > ../halves
        mount -o remount,size=100m .
        specflow run p.yaml --format json > ../second.out
        """,
        tmp_path,
    )

    assert "" == done.stderr
    assert "1\n" == (tmp_path / "first.code").read_text()
    said = (tmp_path / "first.err").read_text()
    assert "error: can't write the history in " in said
    assert "  = help: is the disk full?" in said
    assert "" == (tmp_path / "halves").read_text()
    result = last_event((tmp_path / "second.out").read_text())
    assert ("succeeded", "succeeded") == (result["state"], result["steps"]["big"]["state"])
    assert "cached" == result["steps"]["small"]["state"] or ran.read_text() == "ran\nran\n"


def test_a_disk_that_is_full_before_the_run_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()

    done = script_with_mounts(
        """
        mount -t tmpfs -o size=1m tmpfs disk
        cd disk; echo 'specflow: 1' > specflow.yaml
        printf 'specflow: 1\\nname: p\\nsteps: {a: {run: "true"}}\\n' > p.yaml
        cat /dev/zero > filler 2> /dev/null
        specflow run p.yaml
        """,
        tmp_path,
    )

    assert 1 == done.returncode, done.stderr
    assert re.search(r"error: can't (write|use) .*(disk|space)", done.stderr.replace("\n", " ")), done.stderr
    assert "bug in specflow" not in done.stderr


def test_a_project_that_can_not_be_written_to_is_checked_but_not_run(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.pipeline('a: {run: "true"}')

    done = script_with_mounts(
        """
        mount --bind project project; mount -o remount,ro,bind project
        cd project; specflow validate p.yaml && specflow run p.yaml
        """,
        tmp_path,
    )

    assert 1 == done.returncode
    assert f'error: can\'t write to "{project.folder}/.specflow": Read-only file system' in done.stderr
    assert "= help: make the project folder writable" in done.stderr


def test_a_project_that_became_read_only_is_told_too_when_nothing_has_changed(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.pipeline('a: {run: "true"}')
    project.age()
    assert ["succeeded", "succeeded"] == [project.run()["state"] for _ in range(2)]

    done = script_with_mounts(
        """
        mount --bind project project; mount -o remount,ro,bind project
        cd project; specflow run p.yaml
        """,
        tmp_path,
    )

    assert 1 == done.returncode
    assert done.stderr.startswith("error: can't "), done.stderr
    assert "bug in specflow" not in done.stderr


# Clocks

# Shifts the wall clock of Python as a whole: by so many seconds, from so many seconds after the start on.
CLOCK = """
import datetime, os, time
shift, after = float(os.environ["SHIFT"]), float(os.environ["AFTER"])
began, real, real_ns = time.monotonic(), time.time, time.time_ns
def by():
    return shift if time.monotonic() - began >= after else 0.0
time.time = lambda: real() + by()
time.time_ns = lambda: real_ns() + int(by() * 1e9)
class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(time.time(), tz)
datetime.datetime = Clock
"""
YEAR = 365 * 86400


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock/sitecustomize.py").write_text(CLOCK)
    return tmp_path / "clock"


def shifted(clock: Path, shift: float, after: float = 0) -> dict[str, str]:
    return {"PYTHONPATH": str(clock), "SHIFT": str(shift), "AFTER": str(after)}


@pytest.mark.parametrize("shift", [YEAR, -YEAR])
def test_a_clock_that_jumps_during_a_run_ends_no_step_and_counts_no_time(
    tmp_path: Path, clock: Path, shift: int
) -> None:
    project = Project(tmp_path / "project")
    project.pipeline(
        """
        slow: {run: sleep 0.6, timeout: 1m}
        again: {shell: bash, run: test $SPECFLOW_ATTEMPT = 2, retry: {attempts: 2, delay: 1s}}
        """,
        "timeout: 10m\n",
    )

    result = project.run(env=shifted(clock, shift, after=0.4))

    assert "succeeded" == result["state"], result["stderr"]
    assert all(0 <= step["seconds"] < 60 for step in result["steps"].values())


def test_results_are_found_again_when_the_clock_was_set_back(tmp_path: Path, clock: Path) -> None:
    project = Project(tmp_path / "project")
    project.write("in.txt", "one")
    project.pipeline(
        'read: {run: "cp ${{ data.d }} ${{ outputs.o }}", outputs: {o: {type: file}}}',
        "data: {d: {type: file, location: in.txt}}\n",
    )

    states = [project.run(env=shifted(clock, shift))["steps"]["read"]["state"] for shift in (YEAR, 0, -YEAR)]
    project.write("in.txt", "two")
    states.append(project.run(env=shifted(clock, -YEAR))["steps"]["read"]["state"])

    assert ["succeeded", "cached", "cached", "succeeded"] == states


# Steps


def test_gigabytes_on_stdout_go_to_the_log_whole_and_cost_the_runner_no_memory(
    project: Project, tmp_path: Path
) -> None:
    size = 1_100_000_000
    project.pipeline(f'flood: {{shell: bash, run: "head -c {size} /dev/zero; exit 3"}}')
    measured = (  # in between, since a process starts with the peak of the one that it comes from
        "import resource, subprocess, sys\n"
        "code = subprocess.call([sys.executable, '-m', 'specflow', 'run', 'p.yaml'])\n"
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", measured], cwd=project.folder, capture_output=True, text=True, check=True
    )
    code, peak = map(int, done.stdout.split())
    logs = list(project.folder.glob(".specflow/runs/*/logs/flood.1.log"))
    sizes = [log.stat().st_size for log in logs]
    for log in logs:
        log.unlink()

    assert [size] == sizes
    assert 1 == code
    assert "flood: exit code 3" in done.stderr
    assert len(done.stderr) < 2_000_000
    assert peak * (1 if sys.platform == "darwin" else 1024) < 200_000_000


def test_a_step_that_closes_its_stdout_and_goes_on_is_fine(project: Project) -> None:
    project.pipeline("""
        quiet:
          shell: bash
          run: "echo before; exec >&- 2>&-; echo 1 > $O"
          env: {O: "${{ outputs.o }}"}
          outputs: {o: {type: file}}
        """)

    result = project.run()

    assert "succeeded" == result["state"]
    assert "before\n" == project.log(result, "quiet")


# Processes that are killed


def test_runner_and_step_killed_together_leave_nothing_and_the_next_run_does_it_again(
    project: Project, tmp_path: Path
) -> None:
    project.pipeline(f"""
        work:
          shell: bash
          run: |
            echo half > $O; echo $$ > {tmp_path}/n; mv {tmp_path}/n {tmp_path}/pid
            test -e {tmp_path}/go || sleep 300
          env: {{O: "${{{{ outputs.o }}}}"}}
          outputs: {{o: {{type: file}}}}
        """)
    process = project.start("run", "p.yaml")
    wait_for(tmp_path / "pid")
    pid = int((tmp_path / "pid").read_text())
    os.kill(process.pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    process.communicate()

    assert [] == list(project.folder.glob(".specflow/results/*/*/outputs/o"))
    (tmp_path / "go").touch()
    assert "succeeded" == project.run()["state"]


ODD = b"odd-\xff.txt"


def test_names_that_are_not_utf8_are_read_written_and_told(project: Project) -> None:
    project.pipeline(
        """
        a:
          shell: bash
          run: cat $D/* > $F/"$(printf 'made-\\xfe')"
          env: {D: "${{ data.d }}", F: "${{ outputs.f }}"}
          outputs: {f: {type: folder}}
        b: {shell: bash, run: cat $F/*, env: {F: "${{ steps.a.outputs.f }}"}}
        """,
        "data: {d: {type: folder, location: data}}\noutputs: {f: {from: '${{ steps.a.outputs.f }}', location: out}}\n",
    )
    (project.folder / "data").mkdir()
    odd = os.fsencode(project.folder / "data") + b"/" + ODD
    Path(os.fsdecode(odd)).write_text("one\n")
    project.age()
    states = [{name: step["state"] for name, step in project.run()["steps"].items()} for _ in range(2)]
    Path(os.fsdecode(odd)).write_text("two\n")

    again = project.run()

    assert [{"a": "succeeded", "b": "succeeded"}, {"a": "cached", "b": "cached"}] == states
    assert "two\n" == project.log(again, "b")
    assert [b"made-\xfe"] == [os.fsencode(path.name) for path in (project.folder / "out").iterdir()]


def test_code_with_a_name_that_is_not_utf8_is_a_finding(project: Project) -> None:
    project.pipeline("a: {run: [ls], code: lib}")
    (project.folder / "lib").mkdir()
    Path(os.fsdecode(os.fsencode(project.folder / "lib") + b"/" + ODD)).touch()

    said = project.call("run", "p.yaml")

    assert 1 == said.returncode
    assert '"odd-\\udcff.txt" is a name that is not UTF-8 [code-escapes]' in said.stderr


@pytest.mark.parametrize("key", ['env: {A: "a\\0b"}, run: [ls]', 'run: ["echo", "a\\0b"]', 'shell: bash, run: "a\\0b"'])
def test_a_nul_in_a_text_is_a_finding(project: Project, key: str) -> None:
    project.pipeline(f"a: {{{key}}}")

    said = project.call("run", "p.yaml")

    assert 1 == said.returncode
    assert "a text can't hold NUL or half a surrogate pair" in said.stderr
    assert "[invalid-value]" in said.stderr


def test_an_input_that_fails_ends_all_that_was_ready_once(project: Project) -> None:
    project.pipeline(
        """
        one: {run: [sh, -c, 'echo 0 > "$1"', sh, "${{ outputs.z }}"], outputs: {z: {type: integer}}}
        bad: {uses: show, inputs: {n: "${{ 1 / steps.one.outputs.z }}"}}
        """,
        "fail_fast: true\n",
    )
    project.write(
        "show/step.yaml", "specflow: 1\nname: show\ninputs: {n: {type: number}}\nrun: [echo, '${{ inputs.n }}']\n"
    )

    result = project.run()

    assert "failed" == result["steps"]["bad"]["state"]
    assert result["steps"]["bad"]["reason"].startswith("an input has no value: ")


def test_an_input_of_a_called_pipeline_that_fails_fails_its_steps(project: Project) -> None:
    project.pipeline(
        """
        one: {run: [sh, -c, 'echo 0 > "$1"', sh, "${{ outputs.z }}"], outputs: {z: {type: integer}}}
        call: {uses: inner.yaml, inputs: {n: "${{ 1 / steps.one.outputs.z }}"}}
        """
    )
    project.write(
        "inner.yaml",
        'specflow: 1\nname: inner\ninputs: {n: {type: number}}\nsteps: {say: {run: [echo, "${{ inputs.n }}"]}}\n',
    )

    said = project.call("run", "p.yaml", "--format", "json")

    result = json.loads(said.stdout.splitlines()[-1])
    assert 1 == said.returncode
    assert "failed" == result["steps"]["call.say"]["state"]
    assert "has no value" in result["steps"]["call.say"]["reason"]


# Streams, pipes, and words


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_nobodys_file(project: Project, closed: str) -> None:
    project.pipeline("a: {run: [echo, hi]}")

    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m specflow run p.yaml {closed}"],
        cwd=project.folder,
        capture_output=True,
        check=False,
    )

    assert 0 == done.returncode
    assert "succeeded" in project.call("runs").stdout
    assert 0 == project.call("cache", "verify").returncode


def test_a_pipe_with_a_name_in_a_folder_is_told_and_not_waited_for(project: Project) -> None:
    project.pipeline("a: {run: [ls, '${{ data.d }}']}", "data: {d: {type: folder, location: in}}\n")
    (project.folder / "in").mkdir()
    os.mkfifo(project.folder / "in/p")

    said = project.call("run", "p.yaml", "--format", "json")

    result = last_event(said.stdout)
    assert (1, "failed") == (said.returncode, result["steps"]["a"]["state"])
    assert "neither a file nor a folder" in result["steps"]["a"]["reason"]


def test_the_last_event_tells_the_end_whatever_ended_it(project: Project) -> None:
    project.pipeline(
        'a: {shell: bash, run: echo 1 > $O, env: {O: "${{ outputs.o }}"}, outputs: {o: {type: file}}}',
        'outputs: {o: {from: "${{ steps.a.outputs.o }}", location: blocked/x}}\n',
    )
    project.write("blocked", "")

    unpublished = project.call("run", "p.yaml", "--format", "json")
    unknown = project.call("run", "p.yaml", "--format", "json", "--only", "zz")

    events = [last_event(said.stdout) for said in (unpublished, unknown)]
    assert [("run_finished", "failed")] * 2 == [(event["event"], event["state"]) for event in events]
    assert "succeeded" == events[0]["steps"]["a"]["state"]
    assert events[0]["reason"].startswith('can\'t publish the output "o": ')
    assert 'there is no step "zz"' == events[1]["reason"]


def test_a_plan_is_not_run_into_its_own_folder(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    tmp_path = tmp_path_factory.mktemp("elsewhere")
    project.pipeline("a: {run: [echo, hi]}")
    project.call("compile", "p.yaml", "-o", str(tmp_path / "build"))
    inside = Project.__new__(Project)
    inside.folder = tmp_path / "build/p"

    refused = inside.call("run", ".")
    inside.folder = tmp_path / "build"

    assert 2 == refused.returncode
    assert "is a plan, and nothing is written into it" in refused.stderr
    assert 0 == inside.call("run", "p").returncode


def test_a_plan_that_is_saved_says_how_it_is_run_as_foretold(project: Project) -> None:
    project.pipeline("a: {run: [echo, '${{ inputs.x }}']}", "inputs: {x: {type: string, default: a}}\n")

    said = project.call("plan", "p.yaml", "-i", "x=a b", "-o", "build")

    assert "saved in build/p; what is said above: specflow run build/p -i 'x=a b'\n" == said.stderr
