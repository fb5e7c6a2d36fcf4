"""What is run again, what is not, and what is said about it."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from specflow.history import VERSION
from tests.local.conftest import Project, wait_for

CHAIN = """
    first:
      run: python count.py ${{ data.d }} ${{ outputs.o }}
      code: code
      outputs: {o: {type: file}}
    second:
      run: python copy.py ${{ steps.first.outputs.o }} ${{ outputs.o }} ${{ inputs.n }}
      code: copying
      outputs: {o: {type: file}}
    """
MORE = """\
    data: {d: {type: file, location: in.txt}}
    inputs: {n: {type: integer, default: 1}}
    outputs: {o: {from: "${{ steps.second.outputs.o }}"}}
    """


@pytest.fixture
def chain(project: Project) -> Project:
    """first counts the words of in.txt; second repeats the count n times.

    in.txt → first → second
    """
    project.write("in.txt", "a b c\n")
    project.write(
        "code/count.py", "import sys; open(sys.argv[2], 'w').write(str(len(open(sys.argv[1]).read().split())))\n"
    )
    project.write(
        "copying/copy.py", "import sys; open(sys.argv[2], 'w').write(open(sys.argv[1]).read() * int(sys.argv[3]))\n"
    )
    project.pipeline(CHAIN, MORE)
    return project


def states(project: Project, *args: str) -> dict[str, str]:
    return {name: step["state"] for name, step in project.run(*args)["steps"].items()}


def test_nothing_is_run_again_when_nothing_changed(chain: Project) -> None:
    before, after = chain.run(), chain.run()

    assert {name: step["state"] for name, step in after["steps"].items()} == {"first": "cached", "second": "cached"}
    assert after["outputs"] == before["outputs"]


def test_a_change_that_changes_no_output_stops_there(chain: Project) -> None:
    chain.run()
    chain.write("in.txt", "other words here\n")

    assert states(chain) == {"first": "succeeded", "second": "cached"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("in.txt", "one two\n"), {"first": "succeeded", "second": "succeeded"}),
        (("code/extra.py", "x = 1\n"), {"first": "succeeded", "second": "cached"}),
        (
            ("copying/copy.py", "import sys; open(sys.argv[2], 'w').write('x')\n"),
            {"first": "cached", "second": "succeeded"},
        ),
        (("elsewhere.txt", "x"), {"first": "cached", "second": "cached"}),
    ],
)
def test_what_depends_on_a_change_is_run_again(
    chain: Project, change: tuple[str, str], expected: dict[str, str]
) -> None:
    chain.run()
    chain.write(*change)

    assert states(chain) == expected


def test_touching_a_file_changes_nothing(chain: Project) -> None:
    chain.run()
    for name in ("in.txt", "code/count.py"):
        os.utime(chain.folder / name, (1, 1))

    assert states(chain) == {"first": "cached", "second": "cached"}


def test_going_back_finds_the_old_result(chain: Project) -> None:
    chain.run()
    chain.run("-i", "n=2")

    assert states(chain, "-i", "n=1") == {"first": "cached", "second": "cached"}


def test_force_runs_one_step_and_no_cache_runs_all(chain: Project) -> None:
    chain.run()

    assert states(chain, "--force", "first") == {"first": "succeeded", "second": "cached"}
    assert states(chain, "--no-cache") == {"first": "succeeded", "second": "succeeded"}


def test_a_step_that_must_run_every_time_does(project: Project) -> None:
    project.pipeline('always: {run: "true", cache: false}\nonce: {run: "true", env: {A: b}}')
    project.run()

    assert states(project) == {"always": "succeeded", "once": "cached"}


def test_a_step_that_asks_for_the_runs_id_runs_in_every_run(project: Project) -> None:
    project.pipeline("a: {run: 'echo ${{ run.id }}'}\nb: {run: 'echo ${{ run.date }}'}")
    project.run()

    assert states(project)["a"] == "succeeded"


def test_failures_are_not_remembered(project: Project, tmp_path: Path) -> None:
    project.pipeline(f"a: {{run: test -e {tmp_path}/flag}}")
    first = states(project)
    (tmp_path / "flag").touch()

    assert (first, states(project)) == ({"a": "failed"}, {"a": "succeeded"})


def test_a_damaged_result_is_noticed_and_made_again(chain: Project) -> None:
    output = Path(chain.run()["outputs"]["o"])
    output.chmod(stat.S_IRUSR | stat.S_IWUSR)
    output.write_text("damage")

    result = chain.run()

    assert result["steps"]["second"]["state"] == "succeeded"
    assert Path(result["outputs"]["o"]).read_text() == "3"


def test_steps_with_the_same_work_share_one_process(project: Project, tmp_path: Path) -> None:
    project.pipeline("\n".join(f'{name}: {{shell: bash, run: "echo x >> {tmp_path}/ran"}}' for name in ("a", "b", "c")))

    result = project.run("--jobs", "3")

    assert (tmp_path / "ran").read_text() == "x\n"
    assert sorted(step["state"] for step in result["steps"].values()) == ["cached", "cached", "succeeded"]


def test_two_runs_at_once_do_the_same_work_once(project: Project, tmp_path: Path) -> None:
    project.pipeline(f"""
        slow:
          shell: bash
          run: "echo x >> {tmp_path}/ran; while ! test -e {tmp_path}/go; do sleep 0.05; done"
        """)
    one = project.start("run", "p.yaml", "--format", "json")
    wait_for(tmp_path / "ran")
    two = project.start("run", "p.yaml", "--format", "json")
    assert two.stdout is not None
    two.stdout.readline()
    (tmp_path / "go").touch()

    ends = [json.loads(process.communicate(timeout=30)[0].splitlines()[-1]) for process in (one, two)]

    assert [end["steps"]["slow"]["state"] for end in ends] == ["succeeded", "cached"]
    assert (tmp_path / "ran").read_text() == "x\n"


def test_killed_and_run_again_only_unfinished_work_is_done(project: Project, tmp_path: Path) -> None:
    """done → stuck: the runner is killed while stuck runs, once it has told that done is done.

    The file `ran` has a line for each time that a step did its work.
    """
    project.pipeline(f"""
        done: {{shell: bash, run: "echo done >> {tmp_path}/ran"}}
        stuck:
          shell: bash
          run: "echo stuck >> {tmp_path}/ran; if ! test -e {tmp_path}/go; then sleep 60; fi"
          after: [done]
        """)
    process = project.start("run", "p.yaml", "--format", "json")
    assert process.stdout is not None
    told = ""
    while '"step": "done", "state": "succeeded"' not in told or "stuck" not in (tmp_path / "ran").read_text():
        told += process.stdout.readline() if '"state"' not in told else ""
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (tmp_path / "go").touch()

    assert states(project) == {"done": "cached", "stuck": "succeeded"}
    assert (tmp_path / "ran").read_text().split() == ["done", "stuck", "stuck"]


def test_resume_goes_on_with_the_plan_and_inputs_of_the_run(project: Project, tmp_path: Path) -> None:
    """every must run every time, and is still not run again by a resumption: it had been done."""
    project.write("code/a.sh", f"echo $1 >> {tmp_path}/ran; test -e {tmp_path}/go")
    project.pipeline(
        f"""
        every: {{shell: bash, run: "echo every >> {tmp_path}/ran", cache: false}}
        fails: {{run: "bash a.sh ${{{{ inputs.word }}}}", code: code, after: [every]}}
        """,
        "inputs: {word: {type: string}}\n",
    )
    first = project.run("-i", "word=hello")
    (tmp_path / "go").touch()
    project.write("code/a.sh", "exit 9")

    done = project.call("runs", "resume", first["run"], "--format", "json")
    last = json.loads(done.stdout.splitlines()[-1])

    assert {name: step["state"] for name, step in last["steps"].items()} == {"every": "cached", "fails": "succeeded"}
    assert (tmp_path / "ran").read_text().split() == ["every", "hello", "hello"]


def why(project: Project, step: str) -> str:
    return project.call("why", step).stdout


def edit_code(project: Project) -> None:
    project.write("code/count.py", (project.folder / "code/count.py").read_text() + "# more\n")


def edit_input(project: Project) -> None:
    project.write("in.txt", "just two\n")


def damage(project: Project) -> None:
    for output in project.folder.glob(".specflow/results/*/*/outputs/o"):
        output.chmod(0o644)
        output.write_text("damaged")


def nothing(project: Project) -> None:
    pass


SAME = "did not run: everything its result depends on was the same, made in run RUN"
CHANGED = "ran because of what changed since run RUN:"


@pytest.mark.parametrize(
    ("change", "args", "step", "told"),
    [
        (nothing, (), "first", [SAME]),
        (edit_code, (), "first", [CHANGED, "the code: count.py was changed"]),
        (nothing, ("-i", "n=3"), "second", [CHANGED, 'the input "n" was 1, is 3']),
        (edit_input, (), "first", [CHANGED, 'the input "d": the content of in.txt changed']),
        (edit_input, (), "second", [CHANGED, 'the input "first__o": the content of o changed']),
        (damage, (), "first", ["ran: its result in the cache was damaged, and had to be made again"]),
        (nothing, ("--force", "first"), "second", [SAME]),
    ],
    ids=["nothing", "code", "parameter", "input", "input_of_the_one_before", "damage", "forced_before"],
)
def test_why_names_what_changed(
    chain: Project, change: Callable[[Project], None], args: tuple[str, ...], step: str, told: list[str]
) -> None:
    first = chain.run()
    assert "there was no earlier result" in why(chain, "first")

    change(chain)
    chain.run(*args)

    lines = [line.strip().replace(first["run"], "RUN") for line in why(chain, step).splitlines()]
    assert [f"{step} {told[0]}", *told[1:]] == lines


def test_why_names_the_dependency_that_changed(project: Project, tmp_path: Path) -> None:
    """The step's environment is this interpreter, in which another version of a package is there the second time."""
    project.pipeline('use: {run: "true", environment: {dependencies: [tiny_z]}}')
    for version in ("1.0", "1.1"):
        about = tmp_path / version / f"tiny_z-{version}.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tiny_z\nVersion: {version}\n")
        result = project.run(env={"PYTHONPATH": str(tmp_path / version)})
        assert "succeeded" == result["steps"]["use"]["state"]

    assert "  the environment: tiny_z was 1.0, is 1.1" in why(project, "use").splitlines()


def test_logs_of_a_step_that_was_not_run_again_are_those_of_the_run_that_made_it(project: Project) -> None:
    project.pipeline("hello: {run: echo hello there}")
    project.run()
    project.run()

    assert project.call("logs", "hello").stdout == "hello there\n"


def test_runs_are_listed_shown_and_compared(chain: Project) -> None:
    first, second = chain.run(), chain.run("-i", "n=2")

    listed = [line.split()[:2] for line in chain.call("runs").stdout.splitlines()]
    shown = chain.call("runs", "show", second["run"][-6:]).stdout
    compared = chain.call("runs", "diff", first["run"], second["run"]).stdout

    assert listed == [[second["run"], "succeeded"], [first["run"], "succeeded"]]
    assert "input n = 2" in shown
    assert '    the input "n" was 1, is 2' in compared.splitlines()


def test_a_history_of_a_newer_specflow_is_left_alone(project: Project) -> None:
    import sqlite3

    project.pipeline('a: {run: "true"}')
    project.run()
    db = sqlite3.connect(project.folder / ".specflow/state.db")
    db.execute("PRAGMA user_version=99")
    db.close()

    done = project.call("run", "p.yaml")

    assert done.returncode == 1
    assert f"is of version 99, and this specflow knows up to {VERSION}" in done.stderr


def test_data_behind_a_link_is_what_the_link_leads_to_now(project: Project) -> None:
    project.pipeline(
        "a: {shell: bash, run: cat $D; ls $T; cat $T/sub/*, env: {D: '${{ data.d }}', T: '${{ data.t }}'}}",
        "data: {d: {type: file, location: data/latest.csv}, t: {type: folder, location: tree}}\n",
    )
    for day in ("mon", "tue"):
        project.write(f"data/{day}.csv", f"{day}\n")
        project.write(f"more/{day}/x", f"in {day}\n")
    (project.folder / "tree").mkdir()
    said = []
    for day, is_new in (("mon", True), ("mon", False), ("tue", True), ("tue", False)):
        for link, place in (("data/latest.csv", f"{day}.csv"), ("tree/sub", f"../more/{day}")):
            if is_new:
                (project.folder / link).unlink(missing_ok=True)
                (project.folder / link).symlink_to(place)
        project.age()
        result = project.run()
        said.append((result["steps"]["a"]["state"], project.log(result, "a") if is_new else ""))

    assert [
        ("succeeded", "mon\nsub\nin mon\n"),
        ("cached", ""),
        ("succeeded", "tue\nsub\nin tue\n"),
        ("cached", ""),
    ] == said
    project.write("more/tue/new", "new\n")
    assert "succeeded" == project.run()["steps"]["a"]["state"]
    (project.folder / "data/latest.csv").unlink()
    assert 1 == project.call("run", "p.yaml").returncode
