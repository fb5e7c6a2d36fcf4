"""Sizes of Azure's machines, and which of them has what a step needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specflow.lowering import gibibytes
from specflow.spec import model

__all__ = ["SIZES", "Machine", "machine_for"]


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


def machine_for(need: model.Compute, sizes: Sequence[Machine] = SIZES) -> Machine | None:
    """Return the smallest size that has what is asked for; None where no size has it."""
    memory = gibibytes(need.memory)
    cpus, gpus = need.cpus or 0, need.gpus or 0
    fitting = (m for m in sizes if m.cpus >= cpus and m.memory >= memory and m.gpus >= gpus)
    return next((m for m in fitting if bool(m.gpus) == bool(gpus)), None)
