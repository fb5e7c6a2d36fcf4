"""Runs as documents: of the run history service (`/history/v1.0`) and of ARM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specflow.targets.azureml.emulator.assets import stamp
from specflow.targets.azureml.emulator.names import Workspace
from specflow.targets.azureml.emulator.runs import Run
from specflow.targets.azureml.emulator.storage import Storage

__all__ = ["child_document", "details_document", "job_document", "run_data", "run_document"]

_KINDS = {"command": "azureml.StepRun", "spark": "azureml.StepRun", "pipeline": "azureml.PipelineRun"}


def _times(run: Run) -> dict[str, Any]:
    found = {"startTimeUtc": run.started, "endTimeUtc": run.ended}
    return {name: stamp(value) for name, value in found.items() if value}


def _error(run: Run) -> dict[str, Any] | None:
    if run.status != "Failed":
        return None
    return {"error": {"code": "UserError", "message": run.error, "messageParameters": {}, "details": []}}


def run_document(run: Run) -> dict[str, Any]:
    """Return a run as the run history lists it (azure-ai-ml 1.35.2, `_restclient/runhistory`, `Run`)."""
    return {
        "runId": run.id,
        "runUuid": run.id,
        "parentRunId": run.parent or None,
        "rootRunId": run.root or run.id,
        "runNumber": run.number,
        "experimentId": run.experiment,
        "name": run.display_name,
        "displayName": run.display_name,
        "description": run.description,
        "status": run.status,
        "hidden": run.is_hidden,
        "runType": _KINDS.get(run.kind, run.kind),
        "createdUtc": stamp(run.created),
        "createdBy": {"userName": "emulator"},
        **_times(run),
        "properties": dict(run.properties),
        "tags": dict(run.tags),
        "target": run.target,
        "compute": {"target": run.target or "serverless"},
        "services": {},
        "error": _error(run),
        "outputs": {name: _asset(run, name, each) for name, each in run.outputs.items()},
        "dataContainerId": f"dcid.{run.id}",
    }


def _asset(run: Run, name: str, output: Mapping[str, str]) -> dict[str, str]:
    kinds = {"custom_model": "CustomModel", "mlflow_model": "MLFlowModel", "triton_model": "TritonModel"}
    return {"assetId": f"azureml://runs/{run.id}/outputs/{name}", "type": kinds.get(output["type"], output["type"])}


def details_document(run: Run, storage: Storage, base: str) -> dict[str, Any]:
    """Return what `jobs.stream` polls: state, error, and where each log can be read."""
    logs = {name: storage.log_url(base, run.properties.get("azureml.reusedrunid", run.id), name) for name in run.logs}
    return {
        "runId": run.id,
        "parentRunId": run.parent or None,
        "target": run.target,
        "status": run.status,
        "createdTimeUtc": stamp(run.created),
        **_times(run),
        "properties": dict(run.properties),
        "tags": dict(run.tags),
        "warnings": [],
        "error": _error(run),
        "logFiles": logs,
    }


def run_data(run: Run) -> dict[str, Any]:
    """Return what `jobs.download` asks first."""
    return {"runMetadata": run_document(run), "runDefinition": None, "jobSpecification": None}


def job_document(run: Run, properties: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    """Return a submitted job as ARM does."""
    studio = {"endpoint": f"https://ml.azure.com/runs/{run.id}", "jobServiceType": "Studio", "status": None}
    return {
        "id": f"{workspace.id}/jobs/{run.id}",
        "name": run.id,
        "type": "Microsoft.MachineLearningServices/workspaces/jobs",
        "properties": {
            **properties,
            "status": run.status,
            "displayName": run.display_name,
            "description": run.description or None,
            "tags": dict(run.tags),
            "properties": dict(run.properties),
            "isArchived": run.is_hidden,
            "services": {"Studio": studio},
        },
        "systemData": {"createdAt": stamp(run.created), "createdBy": "emulator", "createdByType": "User"},
    }


def child_document(run: Run, workspace: Workspace) -> dict[str, Any]:
    """Return a child as ARM does: without properties, by which the SDK tells it (`_is_pipeline_child_job`)."""
    kind = "Microsoft.MachineLearningServices/workspaces/jobs"
    return {"id": f"{workspace.id}/jobs/{run.id}", "name": run.id, "type": kind, "properties": None}
