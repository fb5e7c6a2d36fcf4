"""Where a run of specflow spends its time: cProfile over one run in this machine's own words, by part of the code."""

from __future__ import annotations

import pstats
import sys
from collections import defaultdict
from pathlib import Path

from benchmarks.measure import clean_environment, run

__all__ = ["profiles"]

PHASES = ("cold", "unchanged", "one source changed")
PARTS = {
    "posix_spawn": "starting processes",
    "poll": "waiting for them",
    "select": "waiting for them",
    "sqlite3": "the history",
    "yaml": "reading YAML",
    "importlib": "imports",
    "marshal": "imports",
    "/spec/": "reading and checking the spec",
    "/graph/": "making the graph",
    "/lowering": "making the plan",
    "/packing": "keeping plans",
    "/memory": "keeping plans",
    "/standing": "keeping plans",
    "json": "JSON",
    "hash": "hashing",
    "/attempt/": "attempts: folders, variables, outputs",
    "/targets/local/": "the engine",
    "posix.": "files and folders",
    "posixpath": "files and folders",
    "pathlib": "files and folders",
}
"""By what a function's place or name holds, the first that fits."""


def profiles(folder: Path, source: str) -> dict[str, dict[str, float]]:
    """Return, by phase, the share of time of each part of the code; `folder` holds a workload, its outputs not made."""
    found = {}
    command = ["run", "pipeline.yaml", "-q"]
    for phase in PHASES:
        if phase == "one source changed":
            (folder / "src" / source).write_text("7000\n")
        record = folder / f"{phase.replace(' ', '-')}.prof"
        run(
            [sys.executable, "-m", "cProfile", "-o", str(record), "-m", "specflow", *command],
            folder,
            clean_environment(),
        )
        found[phase] = _shares(pstats.Stats(str(record)))
    return found


def _shares(stats: pstats.Stats) -> dict[str, float]:
    seconds: dict[str, float] = defaultdict(float)
    for (file, _, name), (_, _, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        where = f"{file} {name}"
        seconds[next((part for mark, part in PARTS.items() if mark in where), "the rest")] += own
    total = sum(seconds.values())
    return {part: own / total for part, own in sorted(seconds.items(), key=lambda item: -item[1])}
