"""Mounts of a test's own: a small disk that fills up, a folder that can't be written to. They end with the process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

__all__ = ["script_with_mounts"]


@cache
def _refusal() -> str:
    """Return why mounts can't be made here; nothing if they can."""
    if shutil.which("unshare") is None:
        return "there is no unshare"
    script = "mount -t tmpfs -o size=1m tmpfs /mnt"
    done = subprocess.run([*_apart(), "sh", "-c", script], capture_output=True, text=True, check=False)
    return done.stderr.strip() or "mount failed" if done.returncode else ""


def _apart() -> list[str]:
    return ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"])]


def script_with_mounts(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Return how a shell script ended that may mount; `specflow` is ours in it. Skips the test where nobody may."""
    refusal = _refusal()
    if refusal:
        pytest.skip(f"left out: it takes a mount, and this machine allows none ({refusal})")
    head = f'set -u; specflow() {{ "{sys.executable}" -m specflow "$@"; }}\n'
    return subprocess.run(
        [*_apart(), "sh", "-c", head + script], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
