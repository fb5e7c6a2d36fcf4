"""Where outputs go in the project: nothing of a user's is ever replaced by a folder, or a folder of his by anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.local.conftest import Project

MAKES = """
    make:
      shell: bash
      run: echo $N > $O; mkdir -p $F/in; echo $N > $F/in/f
      env: {N: "${{ inputs.n }}", O: "${{ outputs.o }}", F: "${{ outputs.f }}"}
      outputs: {o: {type: file}, f: {type: folder}}
    """
INPUTS = 'inputs: {n: {type: string, default: "1"}, where: {type: string, default: out}}\n'


def pipeline(project: Project, *outputs: str) -> None:
    project.pipeline(MAKES, INPUTS + "outputs:\n" + "".join(f"  {each}\n" for each in outputs))


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


FOLDER = 'f: {from: "${{ steps.make.outputs.f }}", location: "${{ inputs.where }}"}'
FILE = 'o: {from: "${{ steps.make.outputs.o }}", location: "${{ inputs.where }}"}'


@pytest.mark.parametrize("output", [FOLDER, FILE], ids=["folder", "file"])
@pytest.mark.parametrize(
    ("where", "told"),
    [
        (".", "is the project itself"),
        ("x/..", "is the project itself"),
        (".git", "lies in a folder of git's"),
        (".git/hooks", "lies in a folder of git's"),
        (".specflow/state.db", "lies in a folder of specflow's"),
        ("../x", "leads out of the project"),
        ("azureml://datastores/d/paths/x", "turns out to be an address"),
        ("data", "which the pipeline reads"),
        ("data/in.csv", "which the pipeline reads"),
    ],
)
def test_no_output_goes_where_something_else_belongs(project: Project, output: str, where: str, told: str) -> None:
    steps = MAKES.replace("env: {", 'env: {D: "${{ data.d }}", ')
    data = "data: {d: {type: file, location: data/in.csv}}\n"
    project.pipeline(steps, f"{INPUTS}{data}outputs:\n  {output}\n")
    project.write("data/in.csv", "mine\n")
    before = tree(project.folder)

    said = project.call("run", "p.yaml", "-q", "-i", f"where={where}")

    assert 1 == said.returncode
    assert told in said.stderr
    assert before == {name: text for name, text in tree(project.folder).items() if name in before}
    assert "" == project.call("runs").stdout or "succeeded" not in project.call("runs").stdout


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (".", "holds this very spec"),
        ("p.yaml", "holds this very spec"),
        (".git", "a folder of git's"),
        (".specflow/x", "a folder of specflow's"),
    ],
)
def test_what_is_plain_before_the_run_is_a_finding(project: Project, where: str, told: str) -> None:
    pipeline(project, FOLDER.replace("${{ inputs.where }}", where))

    said = project.call("validate", "p.yaml")

    assert 1 == said.returncode
    assert told in said.stdout
    assert "[invalid-value]" in said.stdout


def test_a_folder_that_no_run_has_made_is_not_replaced(project: Project) -> None:
    pipeline(project, FOLDER)
    project.write("out/mine.txt", "mine\n")

    refused = project.call("run", "p.yaml", "-q")
    (project.folder / "out").rename(project.folder / "kept")
    again = project.call("run", "p.yaml", "-q")

    assert 1 == refused.returncode
    assert 'out" holds "mine.txt", which no run has put there' in refused.stderr
    assert {"mine.txt": "mine\n"} == tree(project.folder / "kept")
    assert 0 == again.returncode
    assert {"in/f": "1\n"} == tree(project.folder / "out")


def test_a_folder_is_replaced_as_long_as_it_is_what_a_run_has_made(project: Project) -> None:
    pipeline(project, FOLDER)
    assert [0, 0] == [project.call("run", "p.yaml", "-q", "-i", f"n={n}").returncode for n in (1, 2)]
    assert {"in/f": "2\n"} == tree(project.folder / "out")
    (project.folder / "out/in/f").write_text("edited\n")

    refused = project.call("run", "p.yaml", "-q", "-i", "n=3")

    assert 1 == refused.returncode
    assert 'out" holds "in/f", which no run has put there so' in refused.stderr
    assert {"in/f": "edited\n"} == tree(project.folder / "out")
    assert [] == list(project.folder.glob(".out*"))


def test_a_folder_that_holds_the_very_same_is_as_good_as_made(project: Project) -> None:
    pipeline(project, FOLDER)
    project.write("out/in/f", "1\n")

    assert 0 == project.call("run", "p.yaml", "-q").returncode
    assert 0 == project.call("run", "p.yaml", "-q", "-i", "n=2").returncode
    assert {"in/f": "2\n"} == tree(project.folder / "out")


def test_an_output_changes_from_a_file_to_a_folder_and_back(project: Project) -> None:
    for output in (FILE, FOLDER, FILE):
        pipeline(project, output)
        assert 0 == project.call("run", "p.yaml", "-q").returncode
    assert "1\n" == (project.folder / "out").read_text()
    project.write("out", "mine\n")
    pipeline(project, FOLDER)

    refused = project.call("run", "p.yaml", "-q")

    assert 1 == refused.returncode
    assert 'out" is a file that no run has put there so' in refused.stderr
    assert "mine\n" == (project.folder / "out").read_text()


@pytest.mark.parametrize("other", ["out", "out/o", "./out/x/.."])
def test_outputs_do_not_go_over_each_other(project: Project, other: str) -> None:
    pipeline(project, FOLDER, f'o: {{from: "${{{{ steps.make.outputs.o }}}}", location: {other}}}')

    said = project.call("run", "p.yaml", "-q")

    assert 1 == said.returncode
    assert "would go over each other" in said.stderr


def test_a_list_goes_to_a_folder_item_by_item(project: Project) -> None:
    project.pipeline(
        """
        each:
          matrix: {n: [a, b, c]}
          shell: bash
          run: echo $N > $O
          env: {N: "${{ matrix.n }}", O: "${{ outputs.o }}"}
          outputs: {o: {type: file, format: txt}}
        """,
        'outputs: {all: {from: "${{ steps.each.outputs.o }}", location: out, register: {name: all}}}\n',
    )

    assert 0 == project.call("run", "p.yaml", "-q").returncode

    assert {"0-o.txt": "a\n", "1-o.txt": "b\n", "2-o.txt": "c\n"} == tree(project.folder / "out")
    entry = project.folder / ".specflow/registry/all/1"
    paths = json.loads((entry / "entry.json").read_text())["path"]
    assert ["a\n", "b\n", "c\n"] == [(entry / path).read_text() for path in paths]


def test_a_folder_to_export_to_keeps_what_is_not_of_a_run(project: Project) -> None:
    pipeline(project, 'src: {from: "${{ steps.make.outputs.f }}"}')
    project.write("src/main.py", "mine\n")

    refused = project.call("run", "p.yaml", "-q", "-o", ".")

    assert 1 == refused.returncode
    assert 'src" holds "main.py", which no run has put there' in refused.stderr
    assert {"main.py": "mine\n"} == tree(project.folder / "src")


def test_a_list_that_is_exported_leaves_nothing_of_a_longer_one(project: Project) -> None:
    body = 'run: [cp, "${{ data.d }}", "${{ outputs.o }}"], outputs: {o: {type: file}}'
    more = "data: {d: {type: file, location: d}}\noutputs: {o: {from: '${{ steps.each.outputs.o }}'}}\n"
    project.write("d", "1\n")
    project.write("out/o-7", "mine\n")
    for ns in ("1, 2, 3, 4", "1, 2"):
        project.pipeline(f"each: {{matrix: {{n: [{ns}]}}, {body}}}", more)
        assert 0 == project.call("run", "p.yaml", "-q", "-o", "out").returncode

    assert {"o-0": "1\n", "o-1": "1\n", "o-7": "mine\n"} == tree(project.folder / "out")


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("location: 'out/${{ 1 / inputs.zero }}'", 'the location of the output "o" can\'t be told'),
        ("register: {name: 'x_${{ 1 / inputs.zero }}'}", 'the name to register of the output "o" can\'t be told'),
        ("register: {name: '${{ inputs.bad }}'}", '"a b" is not a name for a registry'),
    ],
)
def test_a_place_or_a_name_that_can_not_be_told_is_told_before_the_run(project: Project, key: str, told: str) -> None:
    inputs = "inputs: {zero: {type: integer, default: 0}, bad: {type: string, default: a b}}\n"
    project.pipeline(
        MAKES.replace("${{ inputs.n }}", "1"),
        f'{inputs}outputs: {{o: {{from: "${{{{ steps.make.outputs.o }}}}", {key}}}}}\n',
    )

    said = project.call("run", "p.yaml", "-q")

    assert 1 == said.returncode
    assert told in said.stderr
    assert "" == project.call("runs").stdout
