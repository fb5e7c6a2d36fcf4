"""Metrics in an MLflow store, where the step's environment has mlflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.conftest import Project

STEP = """
    fit:
      run: python fit.py ${{ outputs.scores }}
      code: code
      outputs: {scores: {type: metrics}}
      env: {MLFLOW_ALLOW_FILE_STORE: "true"}
    """


@pytest.fixture
def fitting(project: Project) -> Project:
    project.write("code/fit.py", "import sys; open(sys.argv[1], 'w').write('{\"rmse\": 4.25, \"rows\": 254}')\n")
    project.pipeline(STEP)
    return project


def test_metrics_are_logged_where_the_user_has_a_store(fitting: Project, tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")

    store = tmp_path / "mlruns"
    result = fitting.run(env={"MLFLOW_TRACKING_URI": store.as_uri()})

    logged = {path.name: path.read_text().split()[1] for path in store.glob("*/*/metrics/*")}
    tags = {path.name: path.read_text() for path in store.glob("*/*/tags/specflow.*")}
    assert {name: float(value) for name, value in logged.items()} == {"rmse": 4.25, "rows": 254.0}
    assert tags["specflow.run"] == result["run"]


def test_a_store_that_does_not_answer_fails_no_step(fitting: Project) -> None:
    pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    nowhere = {"MLFLOW_TRACKING_URI": "nonsense://nowhere"}

    done = fitting.call("run", "p.yaml", env=nowhere)

    assert done.returncode == 0
    assert "metrics could not be logged" in done.stderr
