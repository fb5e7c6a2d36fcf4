"""The worked example over three targets: the same scores whoever coordinates, each part where it should be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import Project

ROOT = Path(__file__).parents[2]
SPEC = "specs/concrete_mixed.yaml"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("example"))
    for part in ("specs", "steps"):
        shutil.copytree(ROOT / part, project.folder / part)
    shutil.copy(ROOT / "specflow.yaml", project.folder)
    return project


def ran(example: Project, *words: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the outputs of a run, and each job that was sent: where, and for which island."""
    process = example.start("run", SPEC, "--no-cache", "--format", "json", *words)
    out, err = process.communicate(timeout=300)
    assert 0 == process.returncode, err
    events = [json.loads(line) for line in out.splitlines()]
    sent = [(event["target"], event["island"]) for event in events if event["event"] == "island_submitted"]
    return events[-1]["outputs"], sent


@pytest.mark.slow
def test_the_scores_are_the_same_whoever_coordinates(example: Project) -> None:
    alone, _ = ran(example, "--target", "local")
    found = {host: ran(example, "--profile", "emulated", "--host", host) for host in ("local", "azureml", "databricks")}

    for outputs, _ in found.values():
        assert (alone["winner"], alone["rmse"]) == (outputs["winner"], outputs["rmse"])
        leaderboards = [(example.folder / each["leaderboard"]).read_bytes() for each in (alone, outputs)]
        assert leaderboards[0] == leaderboards[1]
    assert {
        "local": [("databricks", "prepare"), ("azureml", "train__0")],
        "azureml": [("azureml", "concrete_mixed")],
        "databricks": [("databricks", "concrete_mixed")],
    } == {host: sent for host, (_, sent) in found.items()}
