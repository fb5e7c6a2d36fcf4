"""Nothing that a spec names leads out of its project: not upward, not from the root, not by a link."""

from __future__ import annotations

from pathlib import Path

import pytest

from specflow.conformance.local import run_here
from specflow.conformance.observed import Given
from specflow.errors import SpecflowError
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate

STEP = "specflow: 1\nname: stolen\nrun: [echo]\n"
HEAD = "specflow: 1\nname: p\n"
# Where a spec may name a path, `@` in its place, and what kind of thing is there.
PLACES = {
    "uses a file": ("steps: {a: {uses: @}}", "step.yaml"),
    "uses a folder": ("steps: {a: {uses: @}}", "folder"),
    "code": ("steps: {a: {code: @, run: [echo]}}", "folder"),
    "data": ("data: {d: {type: file, location: @}}\nsteps: {a: {run: [cat, '${{ data.d }}']}}", "file"),
    "folder of data": ("data: {d: {type: folder, location: @}}\nsteps: {a: {run: [ls, '${{ data.d }}']}}", "folder"),
    "literal": ("steps: {a: {uses: reads.yaml, inputs: {f: @}}}", "file"),
    "default": ("inputs: {f: {type: file, default: @}}\nsteps: {a: {run: [cat, '${{ inputs.f }}']}}", "file"),
    "requirements": ("steps: {a: {environment: {requirements: @}, run: [echo]}}", "file"),
    "wheel": ("steps: {a: {environment: {wheels: [@]}, run: [echo]}}", "w-1-py3-none-any.whl"),
    "conda": ("steps: {a: {environment: {conda: @}, run: [echo]}}", "file"),
    "notebook": ("steps: {a: {notebook: @}}", "book.ipynb"),
    "output": (
        "steps: {a: {run: [touch, '${{ outputs.f }}'], outputs: {f: {type: file}}}}\n"
        "outputs: {f: {from: '${{ steps.a.outputs.f }}', location: @}}",
        "file",
    ),
}
WAYS = ("up", "absolute", "link", "below a link", "up and back")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for home in (tmp_path / "outside", tmp_path / "project"):
        (home / "folder").mkdir(parents=True)
        for name in ("step.yaml", "folder/step.yaml"):
            (home / name).write_text(STEP)
        (home / "file").write_text("secret\n")
        (home / "w-1-py3-none-any.whl").write_text("")
        (home / "book.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    home = tmp_path / "project"
    (home / ".git").mkdir()
    (home / "reads.yaml").write_text(
        "specflow: 1\nname: reads\ninputs: {f: {type: file}}\nrun: [cat, '${{ inputs.f }}']\n"
    )
    (home / "out").symlink_to(tmp_path / "outside")
    for name in ("folder", "file", "step.yaml", "book.ipynb", "w-1-py3-none-any.whl"):
        (home / f"link-{name}").symlink_to(tmp_path / "outside" / name)
    return home


def path_of(way: str, name: str, project: Path) -> str:
    outside = project.parent / "outside" / name
    return {
        "up": f"../outside/{name}",
        "absolute": str(outside),
        "link": f"link-{name}",
        "below a link": f"out/{name}",
        "up and back": f"folder/../../outside/{name}",
    }[way]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", PLACES)
def test_a_path_that_leads_out_of_the_project_is_refused(place: str, way: str, project: Path) -> None:
    template, name = PLACES[place]
    spec = project / "pipeline.yaml"
    spec.write_text(HEAD + template.replace("@", f'"{path_of(way, name, project)}"') + "\n")

    plan, found = make_plan(validate(spec, Loader(project)), "local")

    told = [one for one in found if one.severity == "error"]
    assert plan is None, "it was planned"
    assert all(one.code.endswith("escapes") for one in told), told
    assert not any("secret" in one.message for one in told)


@pytest.mark.parametrize("place", [place for place in PLACES if place not in ("literal", "output", "uses a file")])
def test_the_same_inside_the_project_is_not(place: str, project: Path) -> None:
    template, name = PLACES[place]
    spec = project / "pipeline.yaml"
    spec.write_text(HEAD + template.replace("@", f'"{name}"') + "\n")

    _, found = make_plan(validate(spec, Loader(project)), "local")

    assert [] == [one for one in found if one.code.endswith("escapes")]


def test_an_output_s_place_that_became_a_link_meanwhile_is_not_followed(project: Path) -> None:
    spec = project / "pipeline.yaml"
    template, _ = PLACES["output"]
    spec.write_text(HEAD + template.replace("@", "results/f") + "\n")
    plan, found = make_plan(validate(spec, Loader(project)), "local")
    assert plan is not None, found
    (project / "results").symlink_to(project.parent / "outside")

    with pytest.raises(SpecflowError, match="leads out of the project"):
        run_here(plan, Given(project, {}, {"PATH": "/usr/bin:/bin"}, {}, 1))

    assert not (project.parent / "outside" / "f").exists()


@pytest.mark.parametrize("place", [place for place in PLACES if place != "output"])
def test_a_name_that_no_file_can_have_is_one_that_is_not_there(place: str, project: Path) -> None:
    template, _ = PLACES[place]
    spec = project / "pipeline.yaml"
    spec.write_text(HEAD + template.replace("@", f'"{"x" * 300}"') + "\n")

    plan, found = make_plan(validate(spec, Loader(project)), "local")

    assert plan is None
    assert ["error"] == [one.severity for one in found], found


@pytest.mark.parametrize("platform", ["azureml", "databricks"])
def test_a_path_of_a_platform_s_is_not_taken_from_this_machine(platform: str, project: Path) -> None:
    (project / "file").write_text("x")
    (project.parent / "passwords").write_text("x")
    location = f"{{local: file, {platform}: {project.parent / 'passwords'}}}"
    spec = project / "pipeline.yaml"
    spec.write_text(HEAD + PLACES["data"][0].replace("@", location) + "\n")

    plan, found = make_plan(validate(spec, Loader(project)), platform)

    assert plan is None
    assert ["error"] == [one.severity for one in found], found
