"""The vendor's own word on what is compiled: every artifact of the conformance suite loads and validates."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from specflow.conformance.cases import Case, discover
from specflow.diagnostics import has_errors
from specflow.plan import write_files
from specflow.spec.load import Loader
from specflow.spec.source import no_garbage_collection
from specflow.stages import make_plan, validate
from specflow.targets.azureml import client
from tests.azureml.conftest import compile_spec

CASES = [case for case in discover(Path(__file__).parents[1] / "conformance") if case.expect.run is not None]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_is_compiled_loads_and_validates(case: Case, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(case.folder, root, symlinks=True)
    (root / ".git").mkdir()
    plan, found = make_plan(validate(root / case.expect.spec, Loader(root, case.expect.profile)), "azureml")
    if plan is None:
        assert has_errors(found)  # refused, as the suite holds it to
        return
    (island,) = plan.document["islands"]
    write_files(plan, tmp_path / "artifact", island["folder"])
    client._silence()
    job = client.loaded("job", (tmp_path / "artifact/pipeline.yml").read_text(), tmp_path / "artifact")
    result = job._validate()

    assert result.passed, json.loads(repr(result))["errors"]


@pytest.mark.long
def test_a_thousand_steps_are_compiled_in_a_tenth_of_the_time_that_the_sdk_takes_to_load_as_many(
    tmp_path: Path,
) -> None:
    # A ratio within one run, whatever the machine: both do the same graph, one after the other. The collector is off as
    # in every command, and the median of five is taken: the first one imports what compiling needs.
    (tmp_path / ".git").mkdir()
    run = "run: [cp, '${{ steps.s%d.outputs.o }}', '${{ outputs.o }}'], outputs: {o: {type: file}}"
    steps = "".join(f"  s{number}: {{{run % (number - 1)}}}\n" for number in range(1, 1000))
    first = "steps:\n  s0: {run: [touch, '${{ outputs.o }}'], outputs: {o: {type: file}}}\n"
    (tmp_path / "pipeline.yaml").write_text(f"specflow: 1\nname: long\n{first}{steps}")
    took = []
    for _ in range(5):
        began = time.perf_counter()
        with no_garbage_collection():
            artifact = compile_spec(tmp_path / "pipeline.yaml")
        took.append(time.perf_counter() - began)
    compiled_s = sorted(took)[2]
    folder = artifact.write(tmp_path / "artifact")
    client._silence()
    began = time.perf_counter()
    job = client.loaded("job", (folder / "pipeline.yml").read_text(), folder)
    loaded_s = time.perf_counter() - began

    assert 1000 == len(job.jobs)
    assert compiled_s < loaded_s / 10, f"compiled in {compiled_s:.2f} s, loaded in {loaded_s:.2f} s"
