"""What a bundle says: each task's machine and environment, and what running it makes on a workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from specflow.targets.base import Description

__all__ = ["describe"]


def describe(files: Mapping[str, bytes], native: Mapping[str, Any]) -> Description:
    """Return what the one job of a bundle says."""
    name = str(native["job"])
    job = yaml.safe_load(files[f"resources/{name}.job.yml"])["resources"]["jobs"][name]
    clusters = {one["job_cluster_key"]: one["new_cluster"] for one in job.get("job_clusters", ())}
    environments = {one["environment_key"]: one["spec"] for one in job.get("environments", ())}
    computes, specs = {}, {}
    for task in job["tasks"]:
        computes[task["task_key"]] = _compute(task, clusters)
        specs[task["task_key"]] = _environment(task, environments)
    return Description(computes, specs, tuple(_creates(job, clusters)))


def _compute(task: Mapping[str, Any], clusters: Mapping[str, Mapping[str, Any]]) -> str:
    if "existing_cluster_id" in task:
        return f"cluster {task['existing_cluster_id']}"
    if "job_cluster_key" in task:
        return _machine(clusters[task["job_cluster_key"]])
    return _machine(task["new_cluster"]) if "new_cluster" in task else "serverless"


def _machine(cluster: Mapping[str, Any]) -> str:
    """Return a cluster's shape in few words."""
    kind = cluster.get("node_type_id") or cluster.get("instance_pool_id") or "a machine by policy"
    scale = cluster.get("autoscale")
    if scale:
        return f"{kind}, {scale['min_workers']} to {scale['max_workers']} workers"
    workers = cluster.get("num_workers", 0)
    return f"{kind}, {workers} workers" if workers else str(kind)


def _environment(task: Mapping[str, Any], environments: Mapping[str, Mapping[str, Any]]) -> str:
    spec = environments.get(task.get("environment_key", ""))
    if spec is not None:
        lines = list(spec.get("dependencies", ()))
    else:
        lines = [str(one["pypi"]["package"]) for one in task.get("libraries", ()) if "pypi" in one]
    return ", ".join(lines) or "nothing beside the runtime"


def _creates(job: Mapping[str, Any], clusters: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    count = len(job["tasks"])
    yield f'job "{job["name"]}" with {count} task{"" if count == 1 else "s"}'
    for key, cluster in clusters.items():
        yield f'job cluster "{key}": {_machine(cluster)}'
    schedule = job.get("schedule")
    if schedule:
        yield f"when deployed, schedule {schedule['quartz_cron_expression']} {schedule['timezone_id']}"
