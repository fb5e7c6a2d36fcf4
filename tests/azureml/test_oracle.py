"""The vendor's own word on what is compiled: every artifact of the conformance suite loads and validates."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from specflow.conformance.cases import Case, discover
from specflow.diagnostics import has_errors
from specflow.plan import write_files
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate
from specflow.targets.azureml import client

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
