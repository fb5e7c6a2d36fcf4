"""Where a node runs: a compute of the workspace by the profile's word, or a serverless machine of a size that fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specflow.diagnostics import Diagnostic, Span, error
from specflow.graph.model import Node
from specflow.spec import model
from specflow.targets.azureml.sizes import machine_for
from specflow.targets.azureml.spark import spark_compute, spark_faults

__all__ = ["compute_faults", "default_compute", "node_compute"]


def default_compute(profile: model.Profile) -> str:
    """Return the compute of steps that name none: the profile's `default`, else serverless machines."""
    bound = profile.computes.get("default", {}).get("azureml")
    return bound if isinstance(bound, str) else "serverless"


def node_compute(node: Node, profile: model.Profile) -> dict[str, Any]:
    """Return the keys of a node that say where it runs; none of them for the pipeline's default compute."""
    if node.engine == "spark":
        return spark_compute(node, profile)
    bound = profile.computes.get(node.compute or "default", {}).get("azureml")
    is_spot = node.compute_need is not None and node.compute_need.spot
    tier = {"queue_settings": {"job_tier": "spot"}} if is_spot else {}  # of serverless machines: a cluster has its own
    if isinstance(bound, str):
        where = {"compute": bound} if bound != default_compute(profile) else {}
        return {**where, **(tier if bound == "serverless" else {})}
    if isinstance(bound, Mapping):
        keys = dict(bound)
        tier = tier if keys.get("compute", "serverless") == "serverless" else {}
        where = {"compute": keys.pop("compute")} if "compute" in keys else _away_from_default(profile)
        tier = {"queue_settings": keys.pop("queue_settings")} if "queue_settings" in keys else tier
        return {**where, **({"resources": keys} if keys else {}), **tier}
    return _serverless(node.compute_need, profile)


def _serverless(need: model.Compute | None, profile: model.Profile) -> dict[str, Any]:
    if need is None:
        return {}
    found: dict[str, Any] = _away_from_default(profile)
    machine = machine_for(need)
    if machine is not None and (need.cpus or need.memory or need.gpus):
        found["resources"] = {"instance_type": machine.name}
    if need.spot:
        found["queue_settings"] = {"job_tier": "spot"}
    return found


def _away_from_default(profile: model.Profile) -> dict[str, Any]:
    """Return the key by which a node is not one of the pipeline's default compute, but of serverless machines."""
    return {} if default_compute(profile) == "serverless" else {"compute": "serverless"}


def compute_faults(node: Node, profile: model.Profile, span: Span) -> tuple[Diagnostic, ...]:
    """Return why there is no machine for a step: its compute is bound nowhere, or asks for more than any size has."""
    if node.engine == "spark":
        return spark_faults(node, profile, span)
    if node.compute is None or "azureml" in profile.computes.get(node.compute, {}):
        return ()
    if node.compute_need is None:
        message = f'the profile does not say what the compute "{node.compute}" is on azureml'
        help_ = f"add to the profile: computes: {{{node.compute}: {{azureml: serverless}}}}"
        return (error("unknown-compute", message, span, help_),)
    if machine_for(node.compute_need) is None:
        message = f'no size of serverless machine that specflow knows has what the compute "{node.compute}" asks for'
        help_ = f'bind it: computes: {{{node.compute}: {{azureml: "azureml:<cluster>"}}}}'
        return (error("unknown-compute", message, span, help_),)
    return ()
