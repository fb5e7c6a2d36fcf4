"""`python -m benchmarks`: every workload on every tool that is here; tables on stdout, and results.json."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.peers import HOME, make_peers, versions
from benchmarks.profiling import profiles
from benchmarks.rounds import Costs, lay_out, play
from benchmarks.scale import scale, scale_table
from benchmarks.starting import compilations, starts, validations
from benchmarks.tables import aims, as_json, table
from benchmarks.tools import TOOLS, Tool, installed
from benchmarks.workloads import WORKLOADS

FEWER = {"fan-out 5000": 3}
"""Rounds of workloads that take long, if more were asked for."""


def main() -> int:
    options = _options()
    if options.scale:
        return _scale(options.rounds)
    make_peers()
    tools = tuple(tool for tool in TOOLS if tool.name in options.tools and installed(tool))
    home = HOME / f"work-{time.strftime('%Y%m%d-%H%M%S')}"
    home.mkdir(parents=True)
    about = _about(tools)
    print(json.dumps(about, indent=2), file=sys.stderr)
    costs: Costs = {}
    for name in options.workloads:
        costs |= play(WORKLOADS[name], tools, min(options.rounds, FEWER.get(name, options.rounds)), home)
    ours = installed(TOOLS[0])
    assert ours is not None
    started = starts(ours, home / "starts")
    validated = validations(home, options.rounds)
    compiled = compilations(home, options.rounds)
    parts = _profiled(home)
    result = {"about": about, "costs": as_json(costs), "starts": started, "validate": validated}
    result |= {"compile": compiled, "profile": parts}
    (home / "results.json").write_text(json.dumps(result, indent=1))
    print(f"\nmedian seconds, CPU seconds in brackets\n\n{table(costs)}")
    _print_aims(aims(costs, started, validated, compiled))
    _print_profile(parts)
    print(f"\n{home / 'results.json'}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", action="store_true", help="how commands grow from 100 to 10,000 steps, and no more")
    parser.add_argument("--workloads", nargs="*", default=list(WORKLOADS), choices=list(WORKLOADS), metavar="WORKLOAD")
    names = [tool.name for tool in TOOLS]
    parser.add_argument("--tools", nargs="*", default=names, choices=names, metavar="TOOL")
    return parser.parse_args()


def _scale(rounds: int) -> int:
    home = HOME / f"scale-{time.strftime('%Y%m%d-%H%M%S')}"
    home.mkdir(parents=True)
    about = _about(TOOLS[:1])
    print(json.dumps(about, indent=2), file=sys.stderr)
    ours = installed(TOOLS[0])
    assert ours is not None
    costs = scale(ours, home, rounds)
    plain = [{"command": name, "steps": size, **cost.plain()} for (name, size), cost in costs.items()]
    (home / "results.json").write_text(json.dumps({"about": about, "costs": plain}, indent=1))
    load = f"load {os.getloadavg()[0]:.1f} at the end"
    print(f"\nseconds of CPU (by the clock), peak memory; {load}\n\n{scale_table(costs)}\n{home / 'results.json'}")
    return 0


def _about(tools: tuple[Tool, ...]) -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}",
        "load": [round(value, 2) for value in os.getloadavg()],
        "python": platform.python_version(),
        "versions": {tool.name: versions(str(installed(tool)), tool.version_from) for tool in tools},
    }


def _profiled(home: Path) -> dict[str, dict[str, float]]:
    workload = WORKLOADS["layered 1000"]
    folder = home / "profile"
    lay_out(workload, TOOLS[0], folder)
    time.sleep(0.2)
    return profiles(folder, workload.sources[0])


def _print_aims(found: list[Any]) -> None:
    print("| figure | by the clock | of CPU time | at most | |\n|---|---:|---:|---:|---|")
    for aim in found:
        cpu = "" if aim.cpu is None else f"{aim.cpu:.2f}"
        print(f"| {aim.what} | {aim.reached:.2f} | {cpu} | {aim.most:.2f} | {'' if aim.is_held else 'missed'} |")


def _print_profile(parts: dict[str, dict[str, float]]) -> None:
    print(f"\nlayered 1000, by cProfile\n\n| part | {' | '.join(parts)} |\n|---|{'---:|' * len(parts)}")
    names = dict.fromkeys(name for shares in parts.values() for name in shares)
    for name in names:
        print(f"| {name} | {' | '.join(f'{shares.get(name, 0):.0%}' for shares in parts.values())} |")


sys.exit(main())
