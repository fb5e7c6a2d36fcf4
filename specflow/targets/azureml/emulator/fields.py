"""The fields that bodies may have, as azure-ai-ml 1.35.2 sends them: read off its requests and its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specflow.targets.azureml.emulator.refusals import Problem

__all__ = [
    "DATA_TYPES",
    "INPUT_MODES",
    "OUTPUT_MODES",
    "PIPELINE",
    "SETTINGS",
    "component_fields",
    "node_fields",
    "unknown",
]

_NODE = {
    "type",
    "name",
    "display_name",
    "description",
    "comment",
    "tags",
    "properties",
    "inputs",
    "outputs",
    "computeId",
}
_NODE |= {"componentId", "_source", "identity", "experiment_name"}
_NODES = {
    "command": {
        *("resources", "distribution", "limits", "environment_variables", "queue_settings", "services"),
    },
    "spark": {
        *("resources", "py_files", "jars", "files", "archives", "conf", "args", "entry"),
    },
    "pipeline": {"settings"},
}
PIPELINE = frozenset(
    {
        *("jobType", "jobs", "inputs", "outputs", "settings", "tags", "properties", "displayName", "description"),
        *("experimentName", "isArchived", "identity", "computeId", "componentId", "services", "sourceJobId"),
        *("notificationSetting", "status", "parentJobName", "secretsConfiguration"),
    }
)
"""Fields of a pipeline job's `properties` (REST specification 2025-12-01, PipelineJob and JobBaseProperties)."""
SETTINGS = frozenset(
    {
        *("default_compute", "default_datastore", "continue_on_step_failure", "force_rerun", "on_init", "on_finalize"),
        *("_source", "continue_run_on_failed_optional_input", "continue_run_on_step_failure"),
    }
)

_COMPONENT = {"name", "version", "display_name", "description", "tags", "properties", "type", "inputs", "outputs"}
_COMPONENT |= {"is_deterministic", "_source", "$schema", "id", "intellectual_property"}
_COMPONENTS = {
    "command": {
        *("command", "code", "environment", "environment_variables", "resources", "distribution", "limits"),
        *("queue_settings", "identity", "services", "additional_includes"),
    },
    "spark": {
        *("code", "entry", "py_files", "jars", "files", "archives", "conf", "args", "environment", "resources"),
        *("identity", "additional_includes"),
    },
    "pipeline": {"jobs", "sourceJobId", "settings"},
}
DATA_TYPES = frozenset({"uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model"})
INPUT_MODES = {
    "ReadOnlyMount": "ro_mount",
    "Download": "download",
    "Direct": "direct",
    "EvalMount": "eval_mount",
    "EvalDownload": "eval_download",
}
OUTPUT_MODES = {"ReadWriteMount": "rw_mount", "Mount": "rw_mount", "Upload": "upload", "Direct": "direct"}


_OBJECTS = {"inputs", "outputs", "settings", "jobs", "limits", "resources", "distribution", "environment_variables"}
_OBJECTS |= {"conf", "entry", "tags", "properties", "componentSpec", "trigger", "action", "jobDefinition", "defaults"}
_OBJECTS |= {"deploymentConfiguration", "inputData"}
_OPAQUE = {"environment_variables", "conf", "tags", "properties"}


def ill_formed(body: Any, target: str = "") -> Iterator[Problem]:
    """Return a problem for each field that has to be an object and is none, so that nothing behind has to ask.

    What users name themselves (tags, variables) is not looked into, but for the `properties` that wrap a whole body.
    """
    if not isinstance(body, Mapping):
        yield Problem("a body is an object", target)
        return
    for name, value in body.items():
        where = f"{target}.{name}" if target else str(name)
        if name in _OBJECTS and value is not None and not isinstance(value, Mapping):
            yield Problem("it is an object", where)
        elif isinstance(value, Mapping) and (name not in _OPAQUE or not target):
            yield from ill_formed(value, where)


def node_fields(kind: str) -> set[str] | None:
    """Return the fields of a node of this kind; None for a kind that is not emulated."""
    return _NODE | _NODES[kind] if kind in _NODES else None


def component_fields(kind: str) -> set[str] | None:
    """Return the fields of a component of this kind; None for a kind that is not emulated."""
    return _COMPONENT | _COMPONENTS[kind] if kind in _COMPONENTS else None


def unknown(body: Mapping[str, Any], known: set[str] | frozenset[str], target: str) -> Iterator[Problem]:
    """Return a problem for each field that holds something and is not known."""
    for name in body:
        if name not in known and body[name] is not None:
            yield Problem(f'there is no field "{name}" here', f"{target}.{name}" if target else name, "UnknownField")
