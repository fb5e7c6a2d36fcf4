"""The launcher as it travels: the attempt's own modules beside a file that starts them, or packed into one archive."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path as FilePath

from specflow.archive import archive

__all__ = ["ARCHIVE", "launcher_files", "packed_launcher"]

ARCHIVE = "launcher.zip"
"""What a packed launcher's modules lie in."""


@cache
def launcher_files() -> Mapping[str, bytes]:
    """Return the launcher by path, for where it lies once: `launch.py`, and the attempt's own modules."""
    return {"launch.py": _entry("here"), **_modules()}


@cache
def packed_launcher() -> Mapping[str, bytes]:
    """Return the launcher in two files, for where it lies beside every step: `launch.py`, and its modules' archive."""
    return {"launch.py": _entry(f'os.path.join(here, "{ARCHIVE}")'), ARCHIVE: archive(_modules())}


def _modules() -> dict[str, bytes]:
    home = FilePath(__file__).parent / "attempt"
    modules = {f"specflow/attempt/{path.name}": path.read_bytes() for path in sorted(home.glob("*.py"))}
    return {"specflow/__init__.py": b"", **modules}


def _entry(modules: str) -> bytes:
    return f'''\
"""Starts a step of a specflow pipeline: python launch.py step.json …; `--help` tells the rest."""

import os
import sys

here = os.path.dirname(os.path.abspath(globals().get("__file__") or sys.argv[0]))
sys.path.insert(0, {modules})

from specflow.attempt.launch import main  # noqa: E402 - its own copy, beside this file

if __name__ == "__main__":
    code = main(folder=here)
    if code:
        sys.exit(code)
'''.encode()
