"""Parts of a pipeline, and where files came from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.local.conftest import Project


@pytest.fixture
def chain(project: Project) -> Project:
    """a → b → c, each adding its name to the text before it; `other` stands alone."""
    add = 'cat $I > $O; printf %s $SPECFLOW_STEP >> $O", outputs: {o: {type: file}}'
    project.write("in.txt", "start-")
    project.pipeline(
        f"""
        a: {{shell: bash, run: "{add}, env: {{I: "${{{{ data.d }}}}", O: "${{{{ outputs.o }}}}"}}}}
        b: {{shell: bash, run: "{add}, env: {{I: "${{{{ steps.a.outputs.o }}}}", O: "${{{{ outputs.o }}}}"}}}}
        c: {{shell: bash, run: "{add}, env: {{I: "${{{{ steps.b.outputs.o }}}}", O: "${{{{ outputs.o }}}}"}}}}
        other: {{run: "true"}}
        """,
        'data: {d: {type: file, location: in.txt}}\noutputs: {o: {from: "${{ steps.c.outputs.o }}"}}\n',
    )
    return project


def ends(project: Project, *args: str) -> dict[str, str]:
    return {name: f"{step['state']} {step['reason']}".strip() for name, step in project.run(*args)["steps"].items()}


def test_only_runs_one_step_on_what_earlier_runs_made(chain: Project) -> None:
    chain.run()
    chain.write("in.txt", "changed-")

    assert ends(chain, "--only", "b", "--force", "b") == {
        "a": "cached",
        "b": "succeeded",
        "c": "skipped not selected",
        "other": "skipped not selected",
    }


def test_from_runs_a_step_and_all_behind_it(chain: Project) -> None:
    chain.run()
    chain.write("in.txt", "changed-")

    assert ends(chain, "--from", "b", "--no-cache") == {
        "a": "cached",
        "b": "succeeded",
        "c": "succeeded",
        "other": "skipped not selected",
    }


def test_what_no_earlier_run_has_is_told_with_the_way_out(chain: Project) -> None:
    done = chain.call("run", "p.yaml", "--only", "b")

    assert done.returncode == 2
    assert '"a" is needed, and no earlier run has a result of it' in done.stderr
    assert "--from a" in done.stderr


def test_an_unknown_step_is_told_with_the_nearest(chain: Project) -> None:
    done = chain.call("run", "p.yaml", "--only", "othr")

    assert done.returncode == 2
    assert 'did you mean "other"?' in done.stderr


def test_lineage_tells_how_a_copy_came_to_be(chain: Project, tmp_path: Path) -> None:
    result = chain.run()
    copy = tmp_path / "copy.txt"
    shutil.copyfile(result["outputs"]["o"], copy)

    lines = chain.call("lineage", str(copy)).stdout.splitlines()

    assert copy.read_text() == "start-abc"
    assert [line for line in lines if "output" in line] == [
        f"output o of p/c, made in run {result['run']}",
        f"    output o of p/b, made in run {result['run']}",
        f"        output o of p/a, made in run {result['run']}",
    ]
    assert lines[-1].strip().startswith("input env__i = in.txt ")


def test_a_file_that_nothing_made_is_told_as_such(chain: Project) -> None:
    chain.run()
    stranger = chain.write("stranger.txt", "x")

    done = chain.call("lineage", str(stranger))

    assert done.returncode == 1
    assert "no result has its content" in done.stderr
