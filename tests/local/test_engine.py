"""The local runner as a user meets it: real processes, signals and files."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.local.conftest import Project, is_alive, wait_for


def test_ready_steps_run_at_the_same_time(project: Project, tmp_path: Path) -> None:
    """a and b each wait for the other's file: neither can end unless both run.

    a   b
    """
    project.write(
        "meet/meet.py",
        """
        import pathlib, sys, time
        mine, other = map(pathlib.Path, sys.argv[1:])
        mine.touch()
        end = time.monotonic() + 30
        while not other.exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        """,
    )
    project.pipeline(f"""
        a: {{run: python meet.py {tmp_path}/a {tmp_path}/b, code: meet}}
        b: {{run: python meet.py {tmp_path}/b {tmp_path}/a, code: meet}}
        """)

    result = project.run("--jobs", "2")

    assert result["state"] == "succeeded"


def test_one_job_runs_one_step_at_a_time_in_the_order_of_the_file(project: Project, tmp_path: Path) -> None:
    log = tmp_path / "log"
    project.pipeline("\n".join(f'{n}: {{shell: bash, run: "echo {n}+ >> {log}; echo {n}- >> {log}"}}' for n in "abc"))

    project.run("--jobs", "1")

    assert log.read_text().split() == ["a+", "a-", "b+", "b-", "c+", "c-"]


def test_concurrency_bounds_what_jobs_would_allow(project: Project, tmp_path: Path) -> None:
    log = tmp_path / "log"
    project.pipeline(
        "\n".join(f'{n}: {{shell: bash, run: "echo {n}+ >> {log}; echo {n}- >> {log}"}}' for n in "abc"),
        "concurrency: 1\n",
    )

    project.run("--jobs", "8")

    assert log.read_text().split() == ["a+", "a-", "b+", "b-", "c+", "c-"]


def test_ctrl_c_cancels_what_runs_and_what_would_have_run(project: Project, tmp_path: Path) -> None:
    started = tmp_path / "started"
    project.pipeline(f"""
        long: {{shell: bash, run: "touch {started}; sleep 60"}}
        next: {{run: "true", after: [long]}}
        """)
    process = project.start("run", "p.yaml", "--format", "json")
    wait_for(started)

    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)

    last = json.loads(out.splitlines()[-1])
    assert process.returncode == 130
    assert last["state"] == "cancelled"
    assert {name: step["state"] for name, step in last["steps"].items()} == {"long": "cancelled", "next": "cancelled"}


def test_a_second_ctrl_c_ends_a_step_that_ignores_the_first(project: Project, tmp_path: Path) -> None:
    started = tmp_path / "started"
    project.pipeline(f"""
        stubborn: {{shell: bash, run: "trap '' TERM INT; touch {started}; while :; do sleep 0.1; done"}}
        """)
    process = project.start("run", "p.yaml", "--format", "json")
    wait_for(started)

    process.send_signal(signal.SIGINT)
    events = [json.loads(process.stdout.readline()) for _ in range(3)]  # type: ignore[union-attr]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)

    assert events[-1]["event"] == "run_cancelling"
    assert process.returncode == 130


def test_what_a_step_leaves_running_is_ended_with_it(project: Project, tmp_path: Path) -> None:
    project.pipeline(f"""
        forks: {{shell: bash, run: "trap '' TERM; sleep 300 & echo $! > {tmp_path}/pid; disown"}}
        """)

    result = project.run()

    assert result["state"] == "succeeded"
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_a_process_that_nobody_has_noted_yet_does_not_survive_its_runner(project: Project, tmp_path: Path) -> None:
    """The step takes itself out of the group that is noted, as if the runner had been killed before it noted any."""
    script = f"echo $$ > {tmp_path}/n; mv {tmp_path}/n {tmp_path}/pid; sleep 99; true"
    project.pipeline(f"long: {{run: [setsid, --wait, bash, -c, '{script}']}}")
    process = project.start("run", "p.yaml")
    wait_for(tmp_path / "pid")
    pid = int((tmp_path / "pid").read_text())
    apart = os.getpgid(pid)

    process.kill()
    process.communicate()
    end = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.02)

    assert pid == apart
    assert not is_alive(pid)


def test_nothing_survives_a_runner_that_was_killed(project: Project, tmp_path: Path) -> None:
    project.pipeline(f"""
        long:
          shell: bash
          run: "trap : TERM; sleep 300 & echo $$ $! > {tmp_path}/n; mv {tmp_path}/n {tmp_path}/pids; wait"
        """)
    process = project.start("run", "p.yaml")
    wait_for(tmp_path / "pids")

    process.kill()
    process.communicate()
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    end = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.02)

    assert [is_alive(pid) for pid in pids] == [False, False]


def test_a_timeout_is_a_failed_attempt_and_is_tried_again(project: Project, tmp_path: Path) -> None:
    project.pipeline(f"""
        slow:
          shell: bash
          run: "if test $SPECFLOW_ATTEMPT = 1; then echo $$ > {tmp_path}/pid; sleep 60; fi"
          timeout: 1s
          retry: {{attempts: 2, delay: 1s}}
        """)

    result = project.run()

    assert result["steps"]["slow"]["state"] == "succeeded"
    assert result["steps"]["slow"]["attempts"] == 2
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_the_limit_of_a_run_ends_it_as_failed(project: Project) -> None:
    project.pipeline('long: {run: sleep 60}\nnext: {run: "true", after: [long]}', "timeout: 1s\n")

    result = project.run()

    assert (result["state"], result["exit"]) == ("failed", 1)
    assert result["steps"]["long"]["reason"] == "the pipeline's timeout ran out"
    assert result["steps"]["next"]["state"] == "skipped"


def test_a_step_sees_nothing_of_the_users_shell(project: Project) -> None:
    project.pipeline('show: {run: env, env: {MINE: "1"}}')

    result = project.run(env={"STRAY_VARIABLE": "x", "PYTHONPATH": "/elsewhere", "VIRTUAL_ENV": "/elsewhere"})
    names = {line.partition("=")[0] for line in project.log(result, "show").splitlines()}

    assert {"MINE", "PATH", "SPECFLOW_RUN_ID", "SPECFLOW_PIPELINE", "SPECFLOW_STEP", "SPECFLOW_ATTEMPT"} <= names
    assert not {"STRAY_VARIABLE", "PYTHONPATH", "VIRTUAL_ENV"} & names


def test_a_file_of_the_project_outside_the_code_folder_is_not_there_and_the_message_says_why(project: Project) -> None:
    project.write("data/x.csv", "a,b\n")
    project.write("code/read.py", "print(open('data/x.csv').read())\n")
    project.pipeline("read: {run: python read.py, code: code}")

    done = project.call("run", "p.yaml")

    assert done.returncode == 1
    assert (
        'the file "data/x.csv" is in the project, but a step sees only its own code folder and its inputs'
        in done.stderr
    )


def test_a_script_that_lies_beside_the_spec_of_a_step_without_code_is_named(project: Project) -> None:
    project.write("make.py", "print('hello')\n")
    project.pipeline("make: {run: python make.py}")

    done = project.call("run", "p.yaml")

    assert 'the file "make.py" is in the project' in done.stderr
    assert 'or say "code:" with its folder' in done.stderr


def test_a_module_of_the_project_outside_the_code_folder_is_named_too(project: Project) -> None:
    project.write("shared_things.py", "x = 1\n")
    project.write("code/read.py", "import shared_things\n")
    project.pipeline("read: {run: python read.py, code: code}")

    done = project.call("run", "p.yaml")

    assert 'the module "shared_things.py" is in the project' in done.stderr


def test_a_step_that_writes_to_its_input_fails(project: Project) -> None:
    project.write("in.txt", "before")
    project.pipeline(
        """
        write: {shell: bash, run: "echo more >> $F", env: {F: "${{ data.d }}"}}
        """,
        "data: {d: {type: file, location: in.txt}}\n",
    )

    result = project.run()

    assert result["steps"]["write"]["state"] == "failed"
    assert "wrote to its input" in result["steps"]["write"]["reason"]


def test_outputs_of_a_step_are_read_only_to_those_behind_it(project: Project) -> None:
    project.pipeline("""
        make: {shell: bash, run: "echo a > $O", env: {O: "${{ outputs.o }}"}, outputs: {o: {type: file}}}
        look: {run: "stat -c %a ${{ steps.make.outputs.o }}"}
        """)

    result = project.run()

    assert project.log(result, "look") == "444\n"


def test_each_attempt_starts_with_fresh_folders(project: Project) -> None:
    project.pipeline(
        """
        again:
          shell: bash
          run: "ls -A; ls -A $(dirname $O); touch leftover; echo $SPECFLOW_ATTEMPT > $O; test $SPECFLOW_ATTEMPT = 2"
          env: {O: "${{ outputs.o }}"}
          outputs: {o: {type: integer}}
          retry: {attempts: 2, delay: 1s}
        """,
        'outputs: {o: {from: "${{ steps.again.outputs.o }}"}}\n',
    )

    result = project.run()

    assert (project.log(result, "again", 1), project.log(result, "again", 2)) == ("", "")
    assert result["outputs"] == {"o": 2}


def test_a_secret_is_handed_over_only_with_the_users_word(project: Project) -> None:
    project.pipeline('use: {shell: bash, run: "test $TOKEN = hunter22", secrets: [TOKEN]}')
    secret = {"TOKEN": "hunter22"}

    refused, granted = project.run(env=secret), project.run("--allow-secret", "TOKEN", env=secret)

    assert (refused["exit"], refused["run"]) == (1, None)
    assert granted["state"] == "succeeded"
    assert "hunter22" not in granted["events"] + granted["stderr"]


def test_a_secret_that_is_not_set_is_told_before_anything_runs(project: Project, tmp_path: Path) -> None:
    project.pipeline(f"""
        first: {{run: touch {tmp_path}/ran}}
        use: {{run: "true", secrets: [SURELY_UNSET], after: [first]}}
        """)

    done = project.call("run", "p.yaml", "--allow-secret", "SURELY_UNSET")

    assert done.returncode == 1
    assert "the variable SURELY_UNSET is not set" in done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("ln -s /nowhere/at/all $O", 'output "o": it is a link that leads nowhere'),
        ("true", 'output "o": the step did not write it'),
        ("mkdir $O", 'output "o": it is a folder, and should be a file'),
        ("mkfifo $O", 'output "o": it is not a regular file'),
        ("kill -9 $$", "killed by signal 9"),
        ("exec >&- 2>&-; exit 7", "exit code 7"),
    ],
)
def test_bad_ends_are_failures_with_their_own_words(project: Project, script: str, reason: str) -> None:
    project.pipeline(f"""
        bad: {{shell: bash, run: "{script}", env: {{O: "${{{{ outputs.o }}}}"}}, outputs: {{o: {{type: file}}}}}}
        """)

    result = project.run()

    assert result["steps"]["bad"] | {"seconds": 0} == {"state": "failed", "attempts": 1, "seconds": 0, "reason": reason}


def test_a_flood_of_output_neither_blocks_nor_is_held_in_memory(project: Project) -> None:
    project.pipeline("flood: {shell: bash, run: \"head -c 200000000 /dev/zero | tr '\\\\0' x; exit 3\"}")

    done = project.call("run", "p.yaml")

    assert done.returncode == 1
    assert "flood: exit code 3" in done.stderr
    assert len(done.stderr) < 2_000_000


def test_a_changed_source_is_refused_before_the_run(project: Project) -> None:
    project.write("in.txt", "other")
    project.pipeline(
        'read: {run: "cat ${{ data.d }}"}', f"data: {{d: {{type: file, location: in.txt, sha256: {'a' * 64}}}}}\n"
    )

    done = project.call("run", "p.yaml")

    assert done.returncode == 1
    assert "[data-changed]" in done.stderr


def test_a_plan_runs_where_nothing_else_of_the_project_is(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.write("in.txt", "hello\n")
    project.write("code/show.py", "import sys; print(open(sys.argv[1]).read(), end='')\n")
    project.pipeline(
        "show: {run: 'python show.py ${{ data.d }}', code: code}", "data: {d: {type: file, location: in.txt}}\n"
    )
    elsewhere = Project(tmp_path_factory.mktemp("elsewhere"))

    project.call("compile", "p.yaml", "-o", str(elsewhere.folder))
    (project.folder / "in.txt").unlink()
    (project.folder / "code/show.py").unlink()
    done = elsewhere.call("run", "p", "--format", "json")
    last = json.loads(done.stdout.splitlines()[-1])

    assert last["state"] == "succeeded"
    assert elsewhere.log(last, "show") == "hello\n"


@pytest.mark.parametrize("change", ["plan.json", "data/d/in.txt", "extra.txt"])
def test_a_plan_that_was_tampered_with_is_refused(project: Project, change: str) -> None:
    project.write("in.txt", "hello\n")
    project.pipeline("show: {run: 'cat ${{ data.d }}'}", "data: {d: {type: file, location: in.txt}}\n")
    project.call("compile", "p.yaml")
    file = project.folder / "build/p" / change

    text = file.read_text() if file.exists() else ""
    file.write_text(text.replace("cat", "tac") if change == "plan.json" else text + "x")
    done = project.call("run", "build/p")

    assert done.returncode == 1
    assert "was changed" in done.stderr


def test_the_same_spec_compiles_to_the_same_bytes_whatever_the_order_of_keys(project: Project) -> None:
    project.pipeline('a: {run: "true", timeout: 5s, env: {B: b, A: a}}', "tags: {x: y, a: b}\n")
    project.call("compile", "p.yaml", "-o", "one")
    project.pipeline('a: {env: {A: a, B: b}, timeout: 5s, run: "true"}  # why', "tags: {a: b, x: y}\n")
    project.call("compile", "p.yaml", "-o", "two", env={"PYTHONHASHSEED": "7"})

    one, two = ((project.folder / name / "p/plan.json").read_bytes() for name in ("one", "two"))

    assert one == two
    assert str(project.folder).encode() not in one
