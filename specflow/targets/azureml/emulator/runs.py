"""Jobs that were submitted and their children: state, times, outputs, logs; what the run history knows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from specflow.emulation import State
from specflow.targets.azureml.emulator.refusals import missing

__all__ = ["ENDED", "Run", "Runs"]

ENDED = frozenset({"Completed", "Failed", "Canceled"})
"""States that a run doesn't leave (azure-ai-ml 1.35.2, `RunHistoryConstants.TERMINAL_STATUSES`)."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `parent` is empty for a submitted job, `number` the order of creation; times are seconds since 1970."""

    id: str
    kind: str
    display_name: str
    experiment: str
    parent: str = ""
    root: str = ""
    node: str = ""
    component: str = ""
    target: str = ""
    status: str = "NotStarted"
    number: int = 0
    created: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    description: str = ""
    error: str = ""
    is_hidden: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    logs: tuple[str, ...] = ()


class Runs:
    """All runs by id; safe to use from any thread."""

    def __init__(self, state: State, now: Callable[[], float]) -> None:
        """Take up what `state` holds: what ran when the emulator ended has ended with it."""
        self.state, self.now = state, now
        self._lock = threading.RLock()
        self._runs = {key: _from_data(each) for key, each in state.all("runs").items()}
        for run in list(self._runs.values()):
            if run.status not in ENDED:
                self.change(run.id, status="Canceled", error="the emulator was stopped while it ran")

    def add(self, run: Run) -> Run:
        """Return the run as kept, with its number and its time of creation."""
        with self._lock:
            made = replace(run, number=len(self._runs), created=self.now())
            self._keep(made)
            return made

    def change(self, name: str, **changes: Any) -> Run:
        """Return the run with changes; times follow its state.

        An ended run keeps its state, and one that is being cancelled can only end.
        """
        with self._lock:
            before, status = self._runs[name], changes.get("status")
            if before.status in ENDED or (before.status == "CancelRequested" and status not in ENDED):
                changes.pop("status", None)
            run = replace(before, **changes)
            if changes.get("status") == "Running" and not run.started:
                run = replace(run, started=self.now())
            if run.status in ENDED and not run.ended:
                run = replace(run, ended=self.now())
            self._keep(run)
            return run

    def _keep(self, run: Run) -> None:
        self._runs[run.id] = run
        self.state.put("runs", run.id, asdict(run))

    def get(self, name: str) -> Run:
        """Return a run; refuse a name that there isn't."""
        with self._lock:
            if name not in self._runs:
                raise missing("Run", name)
            return self._runs[name]

    def has(self, name: str) -> bool:
        """Return whether there is such a run."""
        with self._lock:
            return name in self._runs

    def children(self, name: str) -> list[Run]:
        """Return a run's children in the order of their creation."""
        with self._lock:
            return sorted((each for each in self._runs.values() if each.parent == name), key=lambda each: each.number)

    def roots(self) -> list[Run]:
        """Return the submitted jobs, the newest first."""
        with self._lock:
            return sorted((each for each in self._runs.values() if not each.parent), key=lambda each: -each.number)


def _from_data(data: Mapping[str, Any]) -> Run:
    return Run(**{**data, "logs": tuple(data["logs"])})
