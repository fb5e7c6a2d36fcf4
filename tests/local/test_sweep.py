"""Results are checked and cleaned away, and never those that a kept run refers to."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from specflow.claims import claim
from tests.local.conftest import Project

STEP = """
    a:
      shell: bash
      run: "head -c $N /dev/zero > $O"
      env: {N: "${{ inputs.n }}", O: "${{ outputs.o }}"}
      outputs: {o: {type: file}}
    """
MORE = 'inputs: {n: {type: integer, default: 1000}}\noutputs: {o: {from: "${{ steps.a.outputs.o }}"}}\n'


def test_cleaning_keeps_what_kept_runs_refer_to(project: Project) -> None:
    project.pipeline(STEP, MORE)
    old, new = project.run("-i", "n=1"), project.run("-i", "n=2")

    done = project.call("cache", "clean", "--keep-runs", "1")

    assert done.stdout == "1 run, 1 result, 1 B gone\n"
    assert not Path(old["outputs"]["o"]).exists()
    assert Path(new["outputs"]["o"]).exists()
    assert project.run("-i", "n=2")["steps"]["a"]["state"] == "cached"
    assert project.run("-i", "n=1")["steps"]["a"]["state"] == "succeeded"


def test_a_dry_run_only_says_what_would_go(project: Project) -> None:
    project.pipeline(STEP, MORE)
    result = project.run()

    done = project.call("cache", "clean", "--older-than", "0", "--dry-run")

    assert done.stdout == "1 run, 1 result, 1.0 kB would go\n"
    assert Path(result["outputs"]["o"]).exists()


def test_a_bound_on_size_forgets_the_oldest_runs_first(project: Project) -> None:
    project.pipeline(STEP, MORE)
    runs = [project.run("-i", f"n={size}") for size in (400_000, 400_001, 400_002)]

    project.call("cache", "clean", "--larger-than", "1")

    assert [Path(run["outputs"]["o"]).exists() for run in runs] == [False, True, True]


def test_a_result_that_two_runs_share_stays_for_the_second(project: Project) -> None:
    project.pipeline(STEP, MORE)
    project.run()
    second = project.run()

    project.call("cache", "clean", "--keep-runs", "1")

    assert Path(second["outputs"]["o"]).exists()


def test_verify_finds_damage_that_no_time_stamp_shows(project: Project) -> None:
    project.pipeline(STEP, MORE)
    output = Path(project.run()["outputs"]["o"])
    before = output.stat()
    output.chmod(stat.S_IRUSR | stat.S_IWUSR)
    output.write_bytes(b"x" * 1000)
    import os

    os.utime(output, ns=(before.st_atime_ns, before.st_mtime_ns))

    done = project.call("cache", "verify")

    assert (done.returncode, done.stdout) == (1, "1 result checked, 1 damaged\n")
    assert project.run()["steps"]["a"]["state"] == "succeeded"


def test_show_lists_what_is_kept(project: Project) -> None:
    project.pipeline(STEP, MORE)
    project.run()

    lines = project.call("cache", "show").stdout.splitlines()

    assert lines[0].split()[:2] == ["1.0", "kB"]
    assert lines[0].endswith("p/a")
    assert lines[1].split() == ["1.0", "kB", "in", "1", "result"]


ALIKE = """
    a: {shell: bash, run: echo $$ > $O, env: {O: "${{ outputs.o }}"}, outputs: {o: {type: file}}}
    """
PROMISED = "outputs: {o: {from: '${{ steps.a.outputs.o }}'}}\n"


def test_what_a_kept_run_has_made_stays_though_another_made_it_anew(project: Project) -> None:
    project.pipeline(ALIKE, PROMISED)
    runs = [project.run(), project.run("--force", "a")]

    project.call("cache", "clean")

    for run in runs:
        assert Path(run["outputs"]["o"]).exists()
    project.call("cache", "clean", "--keep-runs", "1")
    assert [False, True] == [Path(run["outputs"]["o"]).exists() for run in runs]


def test_a_hard_link_to_a_file_of_the_user_is_not_made_read_only(project: Project) -> None:
    project.write("d.csv", "mine\n")
    project.pipeline(
        'a: {run: [ln, "${{ data.d }}", "${{ outputs.o }}"], outputs: {o: {type: file}}}',
        "data: {d: {type: file, location: d.csv}}\noutputs: {o: {from: '${{ steps.a.outputs.o }}'}}\n",
    )
    mode = (project.folder / "d.csv").stat().st_mode

    made = Path(project.run()["outputs"]["o"])

    assert ("mine\n", 1, mode) == (made.read_text(), made.stat().st_nlink, (project.folder / "d.csv").stat().st_mode)


def test_a_run_with_nothing_to_do_waits_while_results_are_cleaned_away(project: Project) -> None:
    project.pipeline(ALIKE, PROMISED)
    project.run()
    project.age()
    project.run()
    held = claim(project.folder / ".specflow/claim")
    assert held is not None

    process = project.start("run", "p.yaml", "-q")
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=2)
    os.close(held)
    process.communicate(timeout=60)

    assert 0 == process.returncode
