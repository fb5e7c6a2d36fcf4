"""Where a Spark step runs, and with what: serverless Spark of a size that fits, or a Spark pool of the workspace.

Azure ML takes all of a driver's and its executors' sizes as `conf`, and no limit, retry, variable or shell: all that is
the launcher's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specflow.diagnostics import Diagnostic, Span, error, warning
from specflow.graph.model import Node
from specflow.spec import model
from specflow.targets.azureml.sizes import Machine, machine_for

__all__ = ["RUNTIME", "spark_compute", "spark_faults"]

RUNTIME = "3.4"
"""The runtime where the profile names none, as in Microsoft's examples. That it is still offered: unverified."""

SPARK_SIZES = (
    Machine("standard_e4s_v3", 4, 32),
    Machine("standard_e8s_v3", 8, 64),
    Machine("standard_e16s_v3", 16, 128),
    Machine("standard_e32s_v3", 32, 256),
    Machine("standard_e64s_v3", 64, 432),
)
"""All that serverless Spark has (azure-ai-ml 1.35.2, `SparkResourceConfiguration.instance_type_list`)."""
_BY_NAME = {machine.name: machine for machine in SPARK_SIZES}
_GIB_PER_CORE, _MOST_GIB = 7, 400
"""What Synapse leaves to Spark of a machine's memory: 28 of 32 GiB, 400 of 432 (its documentation on pool sizes)."""
_RESOURCES = ("instance_type", "runtime_version")
_EXAMPLE = f'{{instance_type: {SPARK_SIZES[0].name}, runtime_version: "{RUNTIME}"}}'


def spark_compute(node: Node, profile: model.Profile) -> dict[str, Any]:
    """Return the keys of a Spark node that say where it runs; `spark_faults` has found nothing wrong with it."""
    bound = profile.computes.get(node.compute or "default", {}).get("azureml")
    need = node.compute_need or model.Compute()
    if isinstance(bound, str) and bound != "serverless":
        return {"conf": _conf(need, SPARK_SIZES[0]), "compute": bound}
    said: Mapping[str, Any] = bound if isinstance(bound, Mapping) else {}
    wanted = _BY_NAME.get(str(said.get("instance_type", "")).lower())
    machine = wanted or machine_for(need, SPARK_SIZES) or SPARK_SIZES[0]
    conf = {**_conf(need, machine), **said.get("conf", {})}
    if "compute" in said:
        return {"conf": conf, "compute": said["compute"]}
    resources = {"instance_type": machine.name, "runtime_version": str(said.get("runtime_version", RUNTIME))}
    return {"conf": conf, "resources": resources}


def _conf(need: model.Compute, machine: Machine) -> dict[str, Any]:
    """Return Spark's settings: a driver and executors as large as a machine each, as many as the compute has nodes."""
    memory = f"{min(machine.cpus * _GIB_PER_CORE, _MOST_GIB)}g"
    found: dict[str, Any] = {"spark.driver.cores": machine.cpus, "spark.driver.memory": memory}
    found |= {"spark.executor.cores": machine.cpus, "spark.executor.memory": memory}
    if need.autoscale is None:
        return found | {"spark.executor.instances": need.nodes or 1}
    least, most = need.autoscale.min, need.autoscale.max
    found |= {"spark.executor.instances": least, "spark.dynamicAllocation.enabled": True}
    return found | {"spark.dynamicAllocation.minExecutors": least, "spark.dynamicAllocation.maxExecutors": most}


def spark_faults(node: Node, profile: model.Profile, span: Span) -> tuple[Diagnostic, ...]:
    """Return why Azure ML has no Spark for a step, and what it has not of what the step asks for."""
    if {"compute", "resources"} & set(node.extensions.get("azureml", {})):
        return ()  # where it runs is said there
    name, need = node.compute or "default", node.compute_need
    bound = profile.computes.get(name, {}).get("azureml")
    help_ = f"add to the profile: computes: {{{node.compute or 'spark'}: {{azureml: {_EXAMPLE}}}}}"
    if isinstance(bound, Mapping):
        problem = _mapping_problem(name, bound)
        return (error("unknown-compute", problem, span, help_),) if problem else ()
    if node.compute is None and bound not in (None, "serverless"):
        message = f'the Spark step "{node.label}" names no compute, and the default "{bound}" is one for commands'
        return (error("unknown-compute", message, span, f"name a compute, and {help_}"),)
    if node.compute is not None and need is None and bound is None:
        message = f'the profile does not say what the compute "{node.compute}" is on azureml'
        return (error("unknown-compute", message, span, help_),)
    if need is not None and bound in (None, "serverless") and machine_for(need, SPARK_SIZES) is None:
        message = f'no size of serverless Spark has what the compute "{node.compute}" asks for'
        help_ = f'bind it to a Spark pool: computes: {{{node.compute}: {{azureml: "azureml:<attached pool>"}}}}'
        return (error("unknown-compute", message, span, help_),)
    if need is not None and need.spot:
        return (warning("approximated", "azureml: Spark has no spot machines", span),)
    return ()


def _mapping_problem(name: str, bound: Mapping[str, Any]) -> str:
    """Return what is wrong with a compute that the profile binds to keys of a Spark node; empty if nothing is."""
    odd = next((key for key in bound if key not in (*_RESOURCES, "compute", "conf")), None)
    if odd is not None:
        return (
            f'the profile binds the compute "{name}" by "{odd}", and Spark has compute, conf, {", ".join(_RESOURCES)}'
        )
    if "compute" in bound and "instance_type" in bound:
        return f'the profile binds the compute "{name}" to a Spark pool and to a size; it can only be one of them'
    size = bound.get("instance_type")
    if size is not None and str(size).lower() not in _BY_NAME:
        return f'the profile binds the compute "{name}" to "{size}", and Spark has {", ".join(_BY_NAME)}'
    return ""
