"""A command run once: how long it took, what it cost, and how large it grew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Cost", "clean_environment", "run"]

KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds by the clock, seconds of CPU, peak memory in MiB of the largest process among the command and its own."""

    seconds: float
    cpu: float
    peak_mib: float

    def plain(self) -> dict[str, float]:
        return asdict(self)


def clean_environment() -> dict[str, str]:
    """Return a plain environment: with PYTHONDONTWRITEBYTECODE, Python tools compile their modules at every start."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


_BETWEEN = """
import json, os, sys, time
said, *command = sys.argv[1:]
stream = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
actions = [(os.POSIX_SPAWN_DUP2, stream, 1), (os.POSIX_SPAWN_DUP2, stream, 2)]
began = time.perf_counter()
pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
_, status, used = os.wait4(pid, 0)
seconds = time.perf_counter() - began
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""
"""Starts the command: a peak begins with that of the process it was started by, and this one is small."""


def run(command: Sequence[str], folder: Path, env: Mapping[str, str], code: int = 0) -> Cost:
    """Return what a command cost; raise RuntimeError with its words where it ends with another code."""
    said = folder / "said.txt"
    between = [sys.executable, "-I", "-S", "-c", _BETWEEN, str(said), *command]
    done = subprocess.run(between, cwd=folder, env=dict(env), stdout=subprocess.PIPE, check=True)
    seconds, cpu, peak, ended = json.loads(done.stdout)
    if ended != code:
        raise RuntimeError(f"{' '.join(command)} ended with {ended}:\n{said.read_text(errors='replace')[-2000:]}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(seconds, cpu, peak / unit)
