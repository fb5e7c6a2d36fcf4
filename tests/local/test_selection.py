"""Parts of a pipeline, and where files came from."""

from __future__ import annotations

import json
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


def test_a_part_whose_earlier_results_are_damaged_is_not_called_done(chain: Project) -> None:
    first = chain.run()
    a = next(path for path in chain.folder.glob(".specflow/results/*/*/outputs/o") if path.read_text() == "start-a")
    a.chmod(0o644)
    a.write_text("damaged")

    said = chain.call("run", "p.yaml", "--only", "b", "--force", "b", "--format", "json")

    result = json.loads(said.stdout.splitlines()[-1])
    assert "succeeded" == first["state"]
    assert (1, "failed") == (said.returncode, result["steps"]["a"]["state"])
    assert "was damaged or is gone; run it again" in result["steps"]["a"]["reason"]


def test_a_part_that_is_gone_on_with_is_still_that_part(chain: Project) -> None:
    chain.run()
    text = (chain.folder / "p.yaml").read_text()
    chain.write(
        "p.yaml", text.replace("printf %s $SPECFLOW_STEP >> $O", "test -e go && printf %s $SPECFLOW_STEP >> $O")
    )
    assert 1 == chain.call("run", "p.yaml", "--only", "b").returncode

    said = chain.call("runs", "resume", "--format", "json")

    result = json.loads(said.stdout.splitlines()[-1])
    assert {"a": "cached", "b": "failed", "c": "skipped", "other": "skipped"} == {
        name: step["state"] for name, step in result["steps"].items()
    }


def test_a_part_of_a_pipeline_that_runs_elsewhere_is_refused(chain: Project) -> None:
    said = chain.call("run", "p.yaml", "--target", "databricks", "--emulate", "--only", "b")

    assert 2 == said.returncode
    assert "a part can be run of a pipeline on this machine" in said.stderr


def test_a_part_goes_on_with_what_the_latest_run_had(project: Project) -> None:
    project.pipeline(
        """
        make:
          shell: bash
          run: echo $X > $O
          env: {X: "${{ inputs.x }}", O: "${{ outputs.o }}"}
          outputs: {o: {type: file}}
        read: {run: [cat, "${{ steps.make.outputs.o }}"]}
        """,
        "inputs: {x: {type: string, default: a}}\n",
    )
    for more in ([], ["-i", "x=b"], []):
        project.run(*more)

    again = project.run("--only", "read", "--force", "read")
    other = project.call("run", "p.yaml", "--only", "read", "-i", "x=c", "-q")

    assert "a\n" == project.log(again, "read")
    told = f"note: make: taken from run {again['run']}, whose inputs were others: x\n"
    assert (0, told) == (other.returncode, other.stderr)


def test_a_part_goes_on_behind_what_was_skipped(project: Project) -> None:
    project.pipeline(
        """
        maybe:
          when: "${{ inputs.b }}"
          run: [sh, -c, 'echo 7 > "$1"', sh, "${{ outputs.n }}"]
          outputs: {n: {type: integer}}
        use: {run: [echo, "${{ default(steps.maybe.outputs.n, 0) }}"]}
        """,
        "inputs: {b: {type: boolean, default: false}}\n",
    )
    project.run()

    result = project.run("--only", "use", "--force", "use")

    assert "0\n" == project.log(result, "use")


def test_a_part_takes_what_another_instance_had_made(project: Project) -> None:
    project.pipeline(
        """
        each:
          matrix: {i: [1, 2]}
          run: [sh, -c, 'echo same > "$1"', sh, "${{ outputs.o }}"]
          outputs: {o: {type: file}}
        sum: {run: [cat, "${{ steps.each.outputs.o }}"]}
        """
    )
    project.run()

    result = project.run("--from", "sum", "--force", "sum")
    forced = project.run("--force", "each")

    assert "same\nsame\n" == project.log(result, "sum")
    assert {"each[i=1]", "each[i=2]"} <= {
        name for name, step in forced["steps"].items() if step["state"] == "succeeded"
    }


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


def test_a_file_in_an_output_folder_has_the_folder_s_account_and_a_source_is_no_output(project: Project) -> None:
    project.write("src.txt", "source\n")
    project.pipeline(
        """
        copy: {run: [cp, "${{ data.d }}", "${{ outputs.o }}"], outputs: {o: {type: file}}}
        make: {shell: bash, run: echo in > $F/part-0, env: {F: "${{ outputs.f }}"}, outputs: {f: {type: folder}}}
        """,
        "data: {d: {type: file, location: src.txt}}\n"
        "outputs: {f: {from: '${{ steps.make.outputs.f }}', location: out}}\n",
    )
    project.run()

    inside = project.call("lineage", "out/part-0")
    source = project.call("lineage", "src.txt")

    assert inside.stdout.startswith("part-0 in output f of p/make, made in run ")
    assert 1 == source.stdout.count("output o of p/copy")
    assert "as above" not in source.stdout
