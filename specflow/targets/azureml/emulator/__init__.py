"""A stand-in for one Azure ML workspace: speaks its wire protocol on loopback and runs what it accepts as processes.

It is the platform's side: it knows nothing of specflow's language, compiler or launcher. Reading order: `wire.py`
(routes), `service.py` (state and what each request means), `components.py`, `jobs.py` and `graph.py` (what is refused),
`execution.py` and `commands.py` (what runs), `assumptions.py` (what nobody has confirmed on the live service).
"""

from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.names import Workspace

__all__ = ["Assumptions", "Workspace"]
