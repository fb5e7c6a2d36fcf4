"""Medians and ratios of what was measured, as tables and as JSON, and beside them the figures that are aimed at."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks.rounds import PHASES, Costs

__all__ = ["Aim", "aims", "as_json", "table"]


class Aim(NamedTuple):
    """One figure: of what, what was reached by the clock, the most that it may be, and the same ratio of CPU time.

    Who shares the machine with others sees it in the first ratio more than in the second.
    """

    what: str
    reached: float
    most: float
    cpu: float | None = None

    @property
    def is_held(self) -> bool:
        return self.reached <= self.most


class Ratio(NamedTuple):
    workload: str
    phase: str
    peer: str
    most: float
    peer_phase: str = ""


BIG = ("fan-out 1000", "layered 1000")
RATIOS = (
    *(Ratio(name, "cold", "ninja", 2.5) for name in (*BIG, "fan-out 5000")),
    *(Ratio(name, "cold, spec known", "ninja", 2.0, "cold") for name in BIG),
    *(Ratio(name, "unchanged", "doit", 1.0) for name in (*BIG, "fan-out 5000", "chain 200")),
    *(Ratio(name, "one source changed", "doit", 1.2) for name in BIG),
    Ratio("fan-out 5000", "one source changed", "doit", 1.0),
    Ratio("chain 200", "cold", "doit", 1.0),
    Ratio("chain 200", "one source changed", "doit", 1.5),
    Ratio("one step", "cold", "doit", 1.5),
    Ratio("one step", "unchanged", "doit", 1.5),
)
FAR_BEHIND = ("luigi", "snakemake", "dvc")
AHEAD = 5.0
COMPARED = ("cold", "unchanged", "one source changed")


def medians(costs: Costs) -> dict[tuple[str, str, str], dict[str, float]]:
    return {
        key: {
            "seconds": statistics.median(cost.seconds for cost in found),
            "cpu": statistics.median(cost.cpu for cost in found),
            "peak_mib": max(cost.peak_mib for cost in found),
            "rounds": len(found),
        }
        for key, found in costs.items()
    }


def aims(
    costs: Costs,
    started: Mapping[str, float],
    validated: Mapping[int, Mapping[str, float]],
    compiled: Mapping[str, float],
) -> list[Aim]:
    """Return every figure that the project set itself, as far as it was measured."""
    found = list(_aims(medians(costs), started, validated))
    if compiled:
        ratio = compiled["compile"] / compiled["azure-ai-ml"]
        found.append(Aim("compile for Azure ML, 1000 steps: of the SDK's load", ratio, 0.1))
    return found


def _aims(
    middle: Mapping[tuple[str, str, str], Mapping[str, float]],
    started: Mapping[str, float],
    validated: Mapping[int, Mapping[str, float]],
) -> Iterator[Aim]:
    for workload, phase, peer, most, peer_phase in RATIOS:
        ours, theirs = middle.get((workload, "specflow", phase)), middle.get((workload, peer, peer_phase or phase))
        if ours and theirs:
            yield _aim(f"{workload}, {phase}: of {peer}", ours, theirs, most)
    ours, theirs = middle.get(("fan-out 5000", "specflow", "cold")), middle.get(("fan-out 5000", "doit", "cold"))
    if ours and theirs:
        yield Aim("fan-out 5000, cold: peak memory, of doit", ours["peak_mib"] / theirs["peak_mib"], 2.0)
    for (workload, tool, phase), theirs in sorted(middle.items()):
        ours = middle.get((workload, "specflow", phase))
        if tool in FAR_BEHIND and phase in COMPARED and ours:
            yield _aim(f"{workload}, {phase}: of {tool}", ours, theirs, 1 / AHEAD)
    for count, times in validated.items():
        yield Aim(f"validate, {count} steps: of CSafeLoader", times["validate"] / times["CSafeLoader"], 4.0)
    for name, seconds in started.items():
        if name != "python -c pass":
            yield Aim(f"{name}: of python -c pass", seconds / started["python -c pass"], 5.0)


def _aim(what: str, ours: Mapping[str, float], theirs: Mapping[str, float], most: float) -> Aim:
    return Aim(what, ours["seconds"] / theirs["seconds"], most, ours["cpu"] / theirs["cpu"])


def table(costs: Costs) -> str:
    """Return a Markdown table of medians: a row per workload and phase, a column per tool, CPU seconds beside."""
    middle = medians(costs)
    tools = list(dict.fromkeys(tool for _, tool, _ in middle))
    workloads = list(dict.fromkeys(workload for workload, _, _ in middle))
    lines = [f"| workload | | {' | '.join(tools)} |", f"|---|---|{'---:|' * len(tools)}"]
    for workload in workloads:
        for phase in PHASES:
            cells = [middle.get((workload, tool, phase)) for tool in tools]
            if any(cells):
                shown = (f"{cell['seconds']:.3f} ({cell['cpu']:.2f})" if cell else "" for cell in cells)
                lines.append(f"| {workload} | {phase} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def as_json(costs: Costs) -> list[dict[str, Any]]:
    """Return the medians, and every single cost behind them."""
    return [
        {"workload": workload, "tool": tool, "phase": phase, **middle}
        | {"all": [cost.plain() for cost in costs[workload, tool, phase]]}
        for (workload, tool, phase), middle in medians(costs).items()
    ]
