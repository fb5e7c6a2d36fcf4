"""On which machines a step's task runs: serverless, a cluster that exists, or a job cluster of the shape it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from specflow.lowering import gibibytes
from specflow.spec import model
from specflow.targets.databricks.runtimes import is_met, python_of, runtime_for

__all__ = ["ComputeError", "Machine", "machine_for", "unchecked_python"]


class ComputeError(Exception):
    """A need that no machine known here meets; the sentence says which."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What carries a task. `cluster` is a job cluster's settings, `name` its key, or the id of one that exists."""

    kind: Literal["serverless", "existing", "job_cluster"]
    name: str = ""
    cluster: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_serverless(self) -> bool:
        """Return whether packages come from an environment rather than from libraries."""
        return self.kind == "serverless"


@dataclass(frozen=True, slots=True)
class _NodeType:
    name: str
    cpus: int
    memory_gib: int
    gpus: int = 0


# Azure, cheapest first within what they are for. Names are Azure's; that a workspace offers them is unverified.
_NODE_TYPES = (
    _NodeType("Standard_D4ds_v5", 4, 16),
    _NodeType("Standard_E4ds_v5", 4, 32),
    _NodeType("Standard_D8ds_v5", 8, 32),
    _NodeType("Standard_E8ds_v5", 8, 64),
    _NodeType("Standard_D16ds_v5", 16, 64),
    _NodeType("Standard_E16ds_v5", 16, 128),
    _NodeType("Standard_D32ds_v5", 32, 128),
    _NodeType("Standard_E32ds_v5", 32, 256),
    _NodeType("Standard_D64ds_v5", 64, 256),
    _NodeType("Standard_E64ds_v5", 64, 512),
    _NodeType("Standard_D96ds_v5", 96, 384),
    _NodeType("Standard_E96ds_v5", 96, 672),
    _NodeType("Standard_NC4as_T4_v3", 4, 28, 1),
    _NodeType("Standard_NC8as_T4_v3", 8, 56, 1),
    _NodeType("Standard_NC16as_T4_v3", 16, 110, 1),
    _NodeType("Standard_NC24ads_A100_v4", 24, 220, 1),
    _NodeType("Standard_NC48ads_A100_v4", 48, 440, 2),
    _NodeType("Standard_NC64as_T4_v3", 64, 440, 4),
    _NodeType("Standard_NC96ads_A100_v4", 96, 880, 4),
    _NodeType("Standard_ND96asr_v4", 96, 900, 8),
)

_VOLUMES_IN_IMAGES = {"spark.databricks.unityCatalog.volumes.enabled": "true"}
"""Without it a container sees no volume, where all outputs lie; and ML runtimes start no containers at all.

Source: "Customize containers with Databricks Container Service" of Databricks' documentation. Never tried live.
"""


def machine_for(
    name: str | None, need: model.Compute | None, bound: str | Mapping[str, Any] | None, python: str | None, image: str
) -> Machine:
    """Return the machine for a step: what the profile binds its compute to, else what its need asks for.

    `bound` is the profile's word for this target, `python` what the step's environment asks for, `image` a container
    image or nothing. Raises ComputeError.
    """
    if bound is not None and not isinstance(bound, str) and "existing_cluster_id" in bound:
        bound = str(bound["existing_cluster_id"])
    if isinstance(bound, str):
        if image:
            raise ComputeError(f'an image needs a job cluster, and "{name or "default"}" is bound to "{bound}"')
        return Machine("serverless") if bound == "serverless" else Machine("existing", bound)
    if bound is None and not image and (need is None or need == model.Compute()):
        return Machine("serverless")
    cluster = _cluster(need or model.Compute(), bound or {}, python, image)
    return Machine("job_cluster", name or "default", cluster)


def unchecked_python(machine: Machine, python: str | None) -> str:
    """Return why nothing says whether a machine has the Python that is asked for; empty if something does."""
    if python is None or machine.is_serverless:
        return ""
    if machine.kind == "existing":
        return f'nothing here knows which Python the cluster "{machine.name}" has, and "{python}" is not checked'
    runtime = str(machine.cluster["spark_version"])
    if "docker_image" in machine.cluster or python_of(runtime) is not None:
        return ""
    return f'nothing here knows which Python the runtime "{runtime}" has, and "{python}" is not checked'


def _cluster(need: model.Compute, bound: Mapping[str, Any], python: str | None, image: str) -> dict[str, Any]:
    """Return a job cluster's settings, in the order in which one would write them."""
    settings: dict[str, Any] = {}
    if "spark_version" not in bound:
        version = runtime_for(python, has_gpu=bool(need.gpus) and not image)
        if version is None:
            raise ComputeError(f'no runtime known here has Python "{python}"; name a spark_version in the profile')
        settings["spark_version"] = version
    elif not image:
        known = python_of(str(bound["spark_version"]))
        if known is not None and not is_met(python, known):
            raise ComputeError(f'the runtime "{bound["spark_version"]}" has Python {known}, and not "{python}"')
    if "node_type_id" not in bound and "instance_pool_id" not in bound:
        settings["node_type_id"] = _node_type(need)
    if image:
        settings["docker_image"] = {"url": image}
        settings["spark_conf"] = {**_VOLUMES_IN_IMAGES, **bound.get("spark_conf", {})}
    settings["data_security_mode"] = "SINGLE_USER"
    apart = ("num_workers", "autoscale", *(("spark_conf",) if image else ()))
    settings |= {key: value for key, value in bound.items() if key not in apart}
    settings |= dict(_size(need, bound))
    # A pool has settled that, and the service refuses both. Source: databricks/cli, JobClustersFixups, which drops it.
    if need.spot and "azure_attributes" not in bound and "instance_pool_id" not in bound:
        # Zero leaves a single machine to the spot market too. Source: `AzureAttributes` in databricks-sdk 0.156.
        on_demand = 0 if settings.get("is_single_node") else 1
        settings["azure_attributes"] = {
            "availability": "SPOT_WITH_FALLBACK_AZURE",
            "first_on_demand": on_demand,
        }
    return settings


def _size(need: model.Compute, bound: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what says how many machines; a cluster of one says so in three ways, or its jobs find no worker.

    Source: databricks/cli#1549.
    """
    if bound.get("autoscale"):
        yield "autoscale", bound["autoscale"]
        return
    if need.autoscale is not None and "num_workers" not in bound:
        yield "autoscale", {"min_workers": need.autoscale.min, "max_workers": need.autoscale.max}
        return
    wanted = 0 if need.nodes is None or need.nodes == 1 else need.nodes
    workers = bound.get("num_workers", wanted)
    yield "num_workers", workers
    if workers == 0:
        yield "is_single_node", True
        yield "kind", "CLASSIC_PREVIEW"


def _node_type(need: model.Compute) -> str:
    gib = gibibytes(need.memory)
    for one in _NODE_TYPES:
        fits = one.cpus >= (need.cpus or 1) and one.memory_gib >= gib
        if fits and (one.gpus >= need.gpus if need.gpus else not one.gpus):
            return one.name
    parts = [f"{need.cpus} cpus" if need.cpus else "", need.memory or "", f"{need.gpus} gpus" if need.gpus else ""]
    wanted = " and ".join(part for part in parts if part)
    raise ComputeError(f"no node type known here has {wanted}; name one in the profile")
