"""A run, its tasks and their attempts, as data that the engine changes and the views read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from specflow.emulation import Child, Timer

__all__ = ["Attempt", "Repair", "Run", "Unit"]


@dataclass(slots=True, eq=False)
class Attempt:
    """One try at a task, with a run id of its own. `state` is the legacy life cycle; `result` is empty until then."""

    run_id: int
    number: int
    state: str = "BLOCKED"
    result: str = ""
    message: str = ""
    started: float = 0.0
    ended: float = 0.0
    resolved: dict[str, Any] = field(default_factory=dict)
    outcome: str = ""
    """"true" or "false" once a condition task has been evaluated."""
    child_run: int = 0
    """The run of a run_job_task."""
    output: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    """The task values that it set."""
    stopping: str = ""
    """The result that it will have once it has been stopped."""
    process: Child | None = None
    timer: Timer | None = None

    def as_data(self) -> dict[str, Any]:
        """Return what is kept when the emulator is stopped."""
        live = ("process", "timer", "stopping")
        return {name: getattr(self, name) for name in self.__slots__ if name not in live}


@dataclass(slots=True, eq=False)
class Unit:
    """A task of a run, or one iteration of its for-each: settings and attempts, the last one counting."""

    key: str
    settings: dict[str, Any]
    attempts: list[Attempt]
    parent: Unit | None = None
    input: Any = None
    iterations: list[Unit] = field(default_factory=list)
    done: bool = False
    is_selected: bool = True
    waits_for: int = 0
    tries: int = 1
    """Attempts since the run or its last repair began: what `max_retries` counts."""

    @property
    def last(self) -> Attempt:
        """The attempt that counts."""
        return self.attempts[-1]

    def as_data(self) -> dict[str, Any]:
        """Return what is kept when the emulator is stopped."""
        return {
            "key": self.key,
            "settings": self.settings,
            "attempts": [attempt.as_data() for attempt in self.attempts],
            "input": self.input,
            "iterations": [unit.as_data() for unit in self.iterations],
            "is_selected": self.is_selected,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any], parent: Unit | None = None) -> Unit:
        """Return a unit that was kept; it has ended."""
        attempts = [Attempt(**attempt) for attempt in data["attempts"]]
        unit = cls(data["key"], data["settings"], attempts, parent, data["input"], is_selected=data["is_selected"])
        unit.done = True
        unit.iterations = [cls.from_data(one, unit) for one in data["iterations"]]
        return unit


@dataclass(slots=True, eq=False)
class Repair:
    """One entry of a run's repair history; the first is the run itself."""

    id: int
    started: float
    task_run_ids: list[int]
    ended: float = 0.0
    state: str = "RUNNING"
    result: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return what is kept when the emulator is stopped."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True, eq=False)
class Run:
    """One run of a job. `units` has its tasks in the order of the settings."""

    run_id: int
    job_id: int
    number: int
    settings: dict[str, Any]
    """The job's settings when it was triggered, or last repaired."""
    parameters: dict[str, str]
    overrides: dict[str, Any]
    trigger: str
    created: float
    units: dict[str, Unit] = field(default_factory=dict)
    state: str = "PENDING"
    result: str = ""
    message: str = ""
    started: float = 0.0
    ended: float = 0.0
    repairs: list[Repair] = field(default_factory=list)
    is_submitted: bool = False
    parent_run: int = 0
    """The task run of another job's run_job_task that started it."""
    stopping: str = ""
    timer: Timer | None = None
    below: dict[str, list[Unit]] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen any more, short of a repair."""
        return self.state in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")

    def index(self) -> None:
        """Note for each task which depend on it; to be called when tasks have changed."""
        self.below = {}
        for unit in self.units.values():
            for key in {one["task_key"] for one in unit.settings.get("depends_on", ())}:
                self.below.setdefault(key, []).append(unit)

    def find(self, task_run_id: int) -> tuple[Unit, Attempt] | None:
        """Return the unit and attempt of a task run id."""
        for unit in self.units.values():
            for one in (unit, *unit.iterations):
                for attempt in one.attempts:
                    if attempt.run_id == task_run_id:
                        return one, attempt
        return None

    def as_data(self) -> dict[str, Any]:
        """Return what is kept when the emulator is stopped, without the units."""
        live = ("units", "repairs", "stopping", "timer", "below")
        data = {name: getattr(self, name) for name in self.__slots__ if name not in live}
        return {**data, "repairs": [repair.as_data() for repair in self.repairs], "order": list(self.units)}

    @classmethod
    def from_data(cls, data: dict[str, Any], units: dict[str, dict[str, Any]]) -> Run:
        """Return a run that was kept, with its units."""
        order = data.pop("order")
        repairs = [Repair(**repair) for repair in data.pop("repairs")]
        run = cls(**data, repairs=repairs)
        run.units = {key: Unit.from_data(units[key]) for key in order if key in units}
        return run
