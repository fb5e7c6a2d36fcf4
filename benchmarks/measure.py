"""A command run once: how long it took, what it cost, and how large it grew."""

from __future__ import annotations

import os
import sys
import time
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


def run(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> Cost:
    """Return what a command cost; raise RuntimeError with its words where it fails."""
    said = folder / "said.txt"
    with said.open("wb") as stream:
        here = Path.cwd()
        os.chdir(folder)
        try:
            began = time.perf_counter()
            actions = [(os.POSIX_SPAWN_DUP2, stream.fileno(), 1), (os.POSIX_SPAWN_DUP2, stream.fileno(), 2)]
            pid = os.posix_spawnp(command[0], list(command), dict(env), file_actions=actions)
            _, status, used = os.wait4(pid, 0)
            seconds = time.perf_counter() - began
        finally:
            os.chdir(here)
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{said.read_text(errors='replace')[-2000:]}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)
