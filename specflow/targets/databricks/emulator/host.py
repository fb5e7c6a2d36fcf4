"""The seam between the engine, which moves runs on, and the workspace, which knows all of them."""

from __future__ import annotations

import threading
from typing import Any, Protocol

from specflow.emulation import Clock
from specflow.targets.databricks.emulator.runs import Run, Unit

__all__ = ["Host"]


class Host(Protocol):
    """What the engine asks of the workspace that it runs in."""

    lock: threading.RLock
    clock: Clock
    url: str

    def next_id(self) -> int:
        """Return a number that was never used."""
        ...

    def changed(self, run: Run, unit: Unit | None) -> None:
        """Take note that a run, or a task of it, is to be kept as it is now."""
        ...

    def start_job(self, task: dict[str, Any], parent: int) -> Run:
        """Start the job of a run_job_task for a task run; raise Refusal if it can't be."""
        ...

    def stop_run(self, run_id: int, result: str) -> None:
        """End the run of a run_job_task before its time."""
        ...

    def over(self, run: Run) -> None:
        """Take note that a run is over."""
        ...
