"""Where a node runs: a compute of the workspace by the profile's word, or a serverless machine of a size that fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specflow.diagnostics import Diagnostic, Span, error
from specflow.graph.model import Node
from specflow.spec import model

__all__ = ["SIZES", "Machine", "compute_faults", "default_compute", "machine_for", "node_compute"]


@dataclass(frozen=True, slots=True)
class Machine:
    """A size of Azure's machines: its name, cores, GiB of memory, and graphics processors."""

    name: str
    cpus: int
    memory: float
    gpus: int = 0


SIZES = (
    Machine("Standard_DS2_v2", 2, 7),
    Machine("Standard_DS3_v2", 4, 14),
    Machine("Standard_DS11_v2", 2, 14),
    Machine("Standard_DS12_v2", 4, 28),
    Machine("Standard_DS4_v2", 8, 28),
    Machine("Standard_DS13_v2", 8, 56),
    Machine("Standard_DS5_v2", 16, 56),
    Machine("Standard_DS14_v2", 16, 112),
    Machine("Standard_E32s_v3", 32, 256),
    Machine("Standard_E64s_v3", 64, 432),
    Machine("Standard_NC4as_T4_v3", 4, 28, 1),
    Machine("Standard_NC8as_T4_v3", 8, 56, 1),
    Machine("Standard_NC16as_T4_v3", 16, 110, 1),
    Machine("Standard_NC24ads_A100_v4", 24, 220, 1),
    Machine("Standard_NC48ads_A100_v4", 48, 440, 2),
    Machine("Standard_NC64as_T4_v3", 64, 440, 4),
    Machine("Standard_NC96ads_A100_v4", 96, 880, 4),
    Machine("Standard_ND96asr_v4", 96, 900, 8),
)
"""What is chosen from, the smallest first ("Virtual machine sizes in Azure", Microsoft's documentation, 2025).

Which of them a subscription may use, and how many, is its quota's to say: unverified.
"""


def machine_for(need: model.Compute) -> Machine | None:
    """Return the smallest size that has what is asked for; None where no size has it."""
    memory = _gibibytes(need.memory) if need.memory else 0
    cpus, gpus = need.cpus or 0, need.gpus or 0
    fitting = (m for m in SIZES if m.cpus >= cpus and m.memory >= memory and m.gpus >= gpus)
    return next((m for m in fitting if bool(m.gpus) == bool(gpus)), None)


def _gibibytes(text: str) -> float:
    """Return an amount of memory of the language (`32GiB`, `500MB`) in GiB."""
    number, unit = text.rstrip("BiTGM"), text.lstrip("0123456789.")
    base = 1024 if "i" in unit else 1000
    return float(number) * float(base ** {"M": 2, "G": 3, "T": 4}[unit[0]]) / 1024**3


def default_compute(profile: model.Profile) -> str:
    """Return the compute of steps that name none: the profile's `default`, else serverless machines."""
    bound = profile.computes.get("default", {}).get("azureml")
    return bound if isinstance(bound, str) else "serverless"


def node_compute(node: Node, profile: model.Profile) -> dict[str, Any]:
    """Return the keys of a node that say where it runs; none of them for the pipeline's default compute."""
    bound = profile.computes.get(node.compute or "default", {}).get("azureml")
    if isinstance(bound, str):
        return {"compute": bound} if bound != default_compute(profile) else {}
    if isinstance(bound, Mapping):
        keys = dict(bound)
        where = {"compute": keys.pop("compute")} if "compute" in keys else {}
        tier = {"queue_settings": keys.pop("queue_settings")} if "queue_settings" in keys else {}
        return {**where, **({"resources": keys} if keys else {}), **tier}
    return _serverless(node.compute_need, profile)


def _serverless(need: model.Compute | None, profile: model.Profile) -> dict[str, Any]:
    if need is None:
        return {}
    found: dict[str, Any] = {} if default_compute(profile) == "serverless" else {"compute": "serverless"}
    machine = machine_for(need)
    if machine is not None and (need.cpus or need.memory or need.gpus):
        found["resources"] = {"instance_type": machine.name}
    if need.spot:
        found["queue_settings"] = {"job_tier": "spot"}
    return found


def compute_faults(node: Node, profile: model.Profile, span: Span) -> tuple[Diagnostic, ...]:
    """Return why there is no machine for a step: its compute is bound nowhere, or asks for more than any size has."""
    if node.compute is None or "azureml" in profile.computes.get(node.compute, {}):
        return ()
    if node.compute_need is None:
        message = f'the profile does not say what the compute "{node.compute}" is on azureml'
        help_ = f"add to the profile: computes: {{{node.compute}: {{azureml: serverless}}}}"
        return (error("unknown-compute", message, span, help_),)
    if node.engine != "spark" and machine_for(node.compute_need) is None:
        message = f'no size of serverless machine that specflow knows has what the compute "{node.compute}" asks for'
        help_ = f'bind it: computes: {{{node.compute}: {{azureml: "azureml:<cluster>"}}}}'
        return (error("unknown-compute", message, span, help_),)
    return ()
