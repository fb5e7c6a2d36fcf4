"""How time and memory grow with a pipeline: every command on 100, 1,000 and 10,000 steps, ten edges to each."""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Cost, clean_environment, run

__all__ = ["COMMANDS", "EDGES", "MOST", "SIZES", "Growth", "growths", "scale", "scale_table", "write_spec"]

SIZES = (100, 1000, 10_000)
EDGES = 10
"""So many steps of one layer, each of which reads all of the layer before."""
MOST = 1.2
"""A step may cost so many times, among the last thousands, what it costs among the first."""

LEAST_S, LEAST_MIB = 0.1, 5.0
"""What 900 steps must cost for their growth to be told from noise."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command and its arguments. Above `refused_above` steps it must fail; `is_fresh`: it starts knowing nothing."""

    name: str
    arguments: tuple[str, ...]
    refused_above: int = sys.maxsize
    is_fresh: bool = True


COMMANDS = (
    Command("validate", ("validate", "pipeline.yaml")),
    Command("graph", ("graph", "pipeline.yaml", "-o", "graph.txt")),
    Command("plan", ("plan", "pipeline.yaml")),
    Command("compile, local", ("compile", "pipeline.yaml", "-o", "local")),
    Command("compile, azureml", ("compile", "pipeline.yaml", "--target", "azureml", "-o", "azureml")),
    Command("compile, databricks", ("compile", "pipeline.yaml", "--target", "databricks", "-o", "databricks"), 1000),
    Command("run, cold", ("run", "pipeline.yaml", "-q", "--jobs", "2")),
    Command("run, unchanged", ("run", "pipeline.yaml", "-q", "--jobs", "2"), is_fresh=False),
)

Costs = dict[tuple[str, int], Cost]
"""By command and size."""


def scale(program: str, home: Path, rounds: int = 1, sizes: tuple[int, ...] = SIZES) -> Costs:
    """Return what each command costs at each size: medians, where there are several rounds."""
    seen: dict[tuple[str, int], list[Cost]] = {}
    for number in range(rounds):
        for size in sizes:
            folder = home / f"scale-{size}-{number}"
            write_spec(folder, size)
            for command in COMMANDS:
                if command.is_fresh:
                    shutil.rmtree(folder / ".specflow", ignore_errors=True)
                code = 1 if size > command.refused_above else 0
                cost = run([program, *command.arguments], folder, clean_environment(), code)
                seen.setdefault((command.name, size), []).append(cost)
                told = f"{size} steps: {command.name}: {cost.cpu:.2f} s of CPU, {cost.peak_mib:.0f} MiB"
                print(told, file=sys.stderr)
    return {where: _median(costs) for where, costs in seen.items()}


def _median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(cost.plain()[name] for cost in costs) for name in ("seconds", "cpu", "peak_mib")))


def write_spec(folder: Path, count: int) -> Path:
    """Write a pipeline of so many steps in layers of ten, each step behind all ten before it."""
    folder.mkdir(parents=True)
    (folder / "specflow.yaml").write_text("specflow: 1\n")
    lines = ["specflow: 1", "name: scale", "steps:"]
    for index in range(count):
        start = (index // EDGES - 1) * EDGES
        above = [f"s{start + place}" for place in range(EDGES)] if start >= 0 else []
        given = "".join(f', "${{{{ steps.{name}.outputs.o }}}}"' for name in above)
        lines += [
            f"  s{index}:",
            f'    run: [sh, -c, \'echo "$0" > "$1"\', s{index}, "${{{{ outputs.o }}}}"{given}]',
            "    outputs: {o: {type: file}}",
        ]
    spec = folder / "pipeline.yaml"
    spec.write_text("\n".join(lines) + "\n")
    return spec


@dataclass(frozen=True, slots=True)
class Growth:
    """What one more step costs from the second size on, of what it costs up to there: 1 is linear."""

    command: str
    cpu: float
    memory: float

    @property
    def is_linear(self) -> bool:
        return max(self.cpu, self.memory) <= MOST


def growths(costs: Mapping[tuple[str, int], Cost], sizes: tuple[int, int, int] = SIZES) -> list[Growth]:
    """Return how each command grows from one size to the next; not one that is refused at the largest."""
    found = []
    for command in COMMANDS:
        if max(sizes) <= command.refused_above:
            at = [costs[command.name, size] for size in sizes]
            cpu = _ratio([cost.cpu for cost in at], sizes, LEAST_S)
            found.append(Growth(command.name, cpu, _ratio([cost.peak_mib for cost in at], sizes, LEAST_MIB)))
    return found


def _ratio(at: list[float], sizes: tuple[int, int, int], least: float) -> float:
    """Return how much more a late step costs; of the whole, start-up included, where the early ones cost too little."""
    if at[1] - at[0] < least:
        return (at[2] / sizes[2]) / (at[1] / sizes[1])
    early = (at[1] - at[0]) / (sizes[1] - sizes[0])
    return (at[2] - at[1]) / (sizes[2] - sizes[1]) / early


def scale_table(costs: Mapping[tuple[str, int], Cost]) -> str:
    """Return costs and growth as a Markdown table."""
    grown = {growth.command: growth for growth in growths(costs)}
    heads = [f"{size:,} steps" for size in SIZES]
    lines = [f"| | {' | '.join(heads)} | a step, late of early |", f"|---|{'---:|' * (len(SIZES) + 1)}"]
    for command in COMMANDS:
        cells = [_cell(costs.get((command.name, size)), size > command.refused_above) for size in SIZES]
        growth = grown.get(command.name)
        last = f"{growth.cpu:.2f}, {growth.memory:.2f}{'' if growth.is_linear else ' **missed**'}" if growth else ""
        lines.append(f"| {command.name} | {' | '.join(cells)} | {last} |")
    return "\n".join(lines) + "\n"


def _cell(cost: Cost | None, is_refused: bool) -> str:
    if cost is None:
        return ""
    text = f"{cost.cpu:.2f} ({cost.seconds:.2f}), {cost.peak_mib:.0f} MiB"
    return f"{text}, refused" if is_refused else text
