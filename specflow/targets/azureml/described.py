"""What pipeline.yml says: each node's machine and environment, and what submitting it makes in a workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from specflow.targets.base import Description

__all__ = ["describe"]

_PIPELINE, _SCHEDULE = "pipeline.yml", "schedule.yml"


def describe(files: Mapping[str, bytes], native: Mapping[str, Any]) -> Description:
    """Return what a pipeline job says."""
    del native
    job = yaml.safe_load(files[_PIPELINE])
    default = str(job.get("settings", {}).get("default_compute") or "")
    nodes: Mapping[str, Mapping[str, Any]] = job["jobs"]
    computes = {name: _compute(node, default) for name, node in nodes.items()}
    environments = {name: _environment(node, files) for name, node in nodes.items()}
    return Description(computes, environments, tuple(_creates(job, files)))


def _compute(node: Mapping[str, Any], default: str) -> str:
    resources = node.get("resources") or {}
    found = str(node.get("compute") or (resources.get("instance_type") if "entry" in node else "") or default)
    name = found.removeprefix("azureml:")
    shape = resources.get("instance_type")
    named = f"{name} {shape}" if shape and shape != name else name
    count = resources.get("instance_count", 1)
    return f"{count} × {named}" if count != 1 else named


def _environment(node: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    found = node.get("environment") or (node.get("component") or {}).get("environment")
    if not isinstance(found, Mapping):
        return str(found or "the platform's own").removeprefix("azureml:")
    conda = found.get("conda_file")
    document = yaml.safe_load(files[conda]) if isinstance(conda, str) and conda in files else conda or {}
    lines = [line for each in document.get("dependencies", ()) for line in _lines(each) if line != "pip"]
    return ", ".join(lines) or str(found.get("image", ""))


def _lines(entry: Any) -> list[str]:
    return [str(line) for lines in entry.values() for line in lines] if isinstance(entry, Mapping) else [str(entry)]


def _creates(job: Mapping[str, Any], files: Mapping[str, bytes]) -> Iterator[str]:
    count = len(job["jobs"])
    yield f'pipeline job in experiment "{job["experiment_name"]}" with {count} node{"" if count == 1 else "s"}'
    for name, output in (job.get("outputs") or {}).items():
        if isinstance(output, Mapping) and output.get("name"):
            yield f'asset "{output["name"]}" from the output "{name}"'
    if _SCHEDULE in files:
        trigger = yaml.safe_load(files[_SCHEDULE])["trigger"]
        yield f"when deployed, schedule {trigger['expression']} {trigger.get('time_zone', 'UTC')}"
