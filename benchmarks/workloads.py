"""The graphs: every step is one process that reads one small file or three, and writes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["WORKLOADS", "Task", "Workload", "expected", "source_value"]

MODULUS = 99991


@dataclass(frozen=True, slots=True)
class Task:
    """One step: it adds up what its inputs hold, and one; `source` is its own source file, if it has one."""

    name: str
    parents: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """A graph; one source of it is the one that changes."""

    name: str
    tasks: tuple[Task, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(task.source for task in self.tasks if task.source is not None)


def _alone(index: int) -> Task:
    return Task(f"s{index}", (), f"{index}.txt")


def _fan_out(count: int) -> tuple[Task, ...]:
    return tuple(_alone(index) for index in range(count))


def _chain(count: int) -> tuple[Task, ...]:
    return (_alone(0), *(Task(f"s{index}", (f"s{index - 1}",)) for index in range(1, count)))


def _layered(layers: int, width: int) -> tuple[Task, ...]:
    """Return layers in which each step has three neighbouring parents: a change spreads by two steps per layer."""
    tasks = [_alone(index) for index in range(width)]
    for layer in range(1, layers):
        above = (layer - 1) * width
        for index in range(width):
            parents = tuple(f"s{above + (index + shift) % width}" for shift in range(3))
            tasks.append(Task(f"s{layer * width + index}", parents))
    return tuple(tasks)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("one step", _fan_out(1)),
        Workload("fan-out 100", _fan_out(100)),
        Workload("fan-out 1000", _fan_out(1000)),
        Workload("fan-out 5000", _fan_out(5000)),
        Workload("chain 200", _chain(200)),
        Workload("layered 1000", _layered(10, 100)),
    )
}


def source_value(name: str) -> int:
    return int(name.removesuffix(".txt"))


def expected(workload: Workload, changed: Mapping[str, int]) -> dict[str, int]:
    """Return what each step's output must hold, with some sources changed."""
    values: dict[str, int] = {}
    for task in workload.tasks:
        given = [values[parent] for parent in task.parents]
        if task.source is not None:
            given.append(changed.get(task.source, source_value(task.source)))
        values[task.name] = (sum(given) + 1) % MODULUS
    return values
