"""All tools in turn, round after round, each in a fresh folder; outputs are checked; nothing is deleted meanwhile.

On ext4, making files is many times slower for half a minute after a bulk delete: so folders stay until the end.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measure import Cost, clean_environment, run
from benchmarks.tools import Tool, installed
from benchmarks.workloads import Workload, expected, source_value

__all__ = ["PHASES", "Costs", "lay_out", "play"]

PHASES = ("cold", "cold, spec known", "unchanged", "one source changed")
SETTLE_S = 0.2
"""Between writing a file and running: what was written a moment ago is not trusted to be as its time stamp says."""
SLOW_ROUNDS = 1

Costs = dict[tuple[str, str, str], list[Cost]]
"""By workload, tool and phase."""


def play(workload: Workload, tools: tuple[Tool, ...], rounds: int, home: Path) -> Costs:
    """Return what each tool cost in each phase of a workload, over all rounds."""
    costs: Costs = defaultdict(list)
    for number in range(rounds):
        for tool in tools:
            program = installed(tool)
            if program is None or len(workload.tasks) > tool.largest or (tool.slow and number >= SLOW_ROUNDS):
                continue
            folder = home / f"{workload.name.replace(' ', '_')}-{number}-{tool.name}"
            for phase, cost in _one_round(workload, tool, program, folder):
                costs[workload.name, tool.name, phase].append(cost)
                told = f"{workload.name}, round {number + 1}: {tool.name} {phase}: {cost.seconds:.3f} s"
                print(told, file=sys.stderr)
    return costs


def _one_round(workload: Workload, tool: Tool, program: str, folder: Path) -> list[tuple[str, Cost]]:
    env, command = clean_environment(), tool.command(program)
    lay_out(workload, tool, folder)
    time.sleep(SETTLE_S)
    done = [("cold", run(command, folder, env))]
    _check(workload, tool, folder, {})
    time.sleep(SETTLE_S)
    done += [("unchanged", run(command, folder, env)) for _ in range(2)]
    _check(workload, tool, folder, {})
    if not tool.sees_changes:
        return done
    changed = {workload.sources[len(workload.sources) // 2]: 7000}
    for name, value in changed.items():
        (folder / "src" / name).write_text(f"{value}\n")
    time.sleep(SETTLE_S)
    done.append(("one source changed", run(command, folder, env)))
    _check(workload, tool, folder, changed)
    if tool.name == "specflow":
        known = folder.with_name(f"{folder.name}-known")
        lay_out(workload, tool, known)
        time.sleep(SETTLE_S)
        run([program, "validate", "pipeline.yaml"], known, env)
        done.append(("cold, spec known", run(command, known, env)))
        _check(workload, tool, known, {})
    return done


def lay_out(workload: Workload, tool: Tool, folder: Path) -> None:
    (folder / "src").mkdir(parents=True)
    for name in workload.sources:
        (folder / "src" / name).write_text(f"{source_value(name)}\n")
    tool.write(workload, folder)


def _check(workload: Workload, tool: Tool, folder: Path, changed: Mapping[str, int]) -> None:
    """Raise AssertionError unless every step's output holds what it must."""
    places = tool.outputs(workload, folder)
    for name, value in expected(workload, changed).items():
        found = places[name].read_text().strip()
        assert found == str(value), f"{tool.name}: {name} is {found}, not {value}"
