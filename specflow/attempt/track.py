"""Metrics on their way to an MLflow server, where the step's own environment has mlflow: a convenience.

The file of a metrics output is the promise. What goes wrong here never fails a step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["TRACKING_VARIABLE", "tracking_process"]

TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
_NOTE = "SPECFLOW_METRICS"

# Runs in the step's environment: exit code 0 also where there is no mlflow, since nobody promised it.
_SCRIPT = """\
import json, os
try:
    import mlflow
except ImportError:
    raise SystemExit(0)
note = json.loads(os.environ["SPECFLOW_METRICS"])
mlflow.set_experiment(note["pipeline"])
with mlflow.start_run(run_name=note["step"], tags=note["tags"]):
    mlflow.log_metrics(note["metrics"])
"""


def tracking_process(
    python: str, env: Mapping[str, str], metrics: Mapping[str, Mapping[str, float]], run: Mapping[str, Any], step: str
) -> tuple[list[str], dict[str, str]] | None:
    """Return the argument vector and environment of the process that logs a step's metrics; None if there is no server.

    One MLflow run per step, in the experiment of the pipeline's name. With several metrics outputs, names are prefixed
    by the port's.
    """
    if not env.get(TRACKING_VARIABLE) or not metrics:
        return None
    flat = {
        name if len(metrics) == 1 else f"{port}.{name}": value
        for port, values in metrics.items()
        for name, value in values.items()
    }
    note = {
        "pipeline": run["pipeline"],
        "step": step,
        "tags": {"specflow.run": run["id"], "specflow.step": step, "specflow.target": run["target"]},
        "metrics": flat,
    }
    return [python, "-c", _SCRIPT], {**env, _NOTE: json.dumps(note)}
